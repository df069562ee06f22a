import { expect, test } from "vitest";
import { UsageError } from "../../tools/command-line.ts";
import { decimal, flag, parsed, parseOptions, text, texts, whole } from "../../tools/command-options.ts";

const OPTIONS = {
  rounds: whole(20, 1, 10_000),
  "compact-every": whole(null, 1, 9),
  rate: decimal(5, 0.01, 1_000),
  dir: text("data"),
  json: text(),
  url: parsed("http://a", (given) => new URL(given).host),
  only: texts(),
  broken: flag(),
};

test("[CLI-1] each option has its default or null, when none is given", () => {
  expect(parseOptions([], OPTIONS)).toEqual({
    rounds: 20,
    "compact-every": null,
    rate: 5,
    dir: "data",
    json: null,
    url: "a",
    only: [],
    broken: false,
  });
});

test("[CLI-1] each option has the value of its kind, when all are given", () => {
  const args =
    "--rounds 3 --compact-every=9 --rate .5 --dir d --json j --url http://b --only x --only y --broken";
  expect(parseOptions(args.split(" "), OPTIONS)).toEqual({
    rounds: 3,
    "compact-every": 9,
    rate: 0.5,
    dir: "d",
    json: "j",
    url: "b",
    only: ["x", "y"],
    broken: true,
  });
});

test.for([
  ["--rounds=0", "--rounds 0: must be a whole number from 1 to 10,000."],
  ["--rounds=10001", "--rounds 10001: must be"],
  ["--rounds=1.5", "--rounds 1.5: must be"],
  ["--rounds=1e3", "--rounds 1e3: must be"],
  ["--rounds=", "--rounds : must be"],
  ["--rate=0", "--rate 0: must be a number from 0.01 to 1,000."],
  ["--rate=Infinity", "--rate Infinity: must be"],
  ["--dir=", "--dir must not be empty."],
] as const)("[CLI-2] a value is refused with a sentence, when it is %s", ([argument, says]) => {
  expect(() => parseOptions([argument], OPTIONS)).toThrow(UsageError);
  expect(() => parseOptions([argument], OPTIONS)).toThrow(says);
});
