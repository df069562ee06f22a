import { expect, test } from "vitest";
import type { Group } from "../../tools/check/check.ts";
import { describeCommand } from "../../tools/check/options.ts";
import { readCommandLine } from "../../tools/command-line.ts";

const GROUPS: readonly Group[] = ["content", "connection", "con", "yjs"].map((name) => ({
  name,
  checks: [],
}));
const COMMAND = describeCommand(GROUPS);
const URL_ARGS = ["--url", "http://localhost:8081"];

test.for([
  { what: "the URL has no protocol", args: ["--url", "localhost:8081"], says: "--url must be" },
  { what: "the URL is no URL", args: ["--url", "//"], says: "--url must be" },
  { what: "the URL has a path", args: ["--url", "http://localhost/v1"], says: "without a path" },
  { what: "the URL has a password", args: ["--url", "http://a:b@localhost"], says: "--url must be" },
  { what: "an option is not known", args: [...URL_ARGS, "--fast"], says: "--fast" },
  { what: "there is an argument", args: [...URL_ARGS, "yjs"], says: "yjs" },
  {
    what: "a group is not known",
    args: [...URL_ARGS, "--only", "speed"],
    says: "Groups: content, connection",
  },
  { what: "a group has no name", args: [...URL_ARGS, "--only", ""], says: 'no group ""' },
  {
    what: "the timeout is no number",
    args: [...URL_ARGS, "--timeout", "soon"],
    says: "must be a number from 0.1 to 600",
  },
  {
    what: "the timeout is nothing",
    args: [...URL_ARGS, "--timeout", "0"],
    says: "must be a number from 0.1 to 600",
  },
])("[E2E-5] a command line is refused with a sentence, when $what", ({ args, says }) => {
  const parsed = readCommandLine(COMMAND, args);
  expect(parsed.kind === "wrong" && parsed.text).toContain(says);
});

test.for([
  { only: [], chosen: ["content", "connection", "con", "yjs"] },
  { only: ["yjs"], chosen: ["yjs"] },
  { only: ["conn"], chosen: ["connection"] },
  { only: ["con"], chosen: ["con"] },
  { only: ["c"], chosen: ["content", "connection", "con"] },
  { only: ["y", "content"], chosen: ["content", "yjs"] },
])("[E2E-3] the groups are $chosen, when --only names $only", ({ only, chosen }) => {
  const parsed = readCommandLine(COMMAND, [...URL_ARGS, ...only.flatMap((name) => ["--only", name])]);
  expect(parsed.kind === "settings" && parsed.settings.groups.map(({ name }) => name)).toEqual(chosen);
});

test.for([
  { what: "nothing is given", args: [], url: "http://localhost:8081" },
  { what: "only a server is given", args: ["--url", "https://a.example/"], url: "https://a.example" },
])("[E2E-3] all other settings have their documented values, when $what", ({ args, url }) => {
  const parsed = readCommandLine(COMMAND, args);
  expect(parsed).toEqual({
    kind: "settings",
    settings: {
      url: new URL(url),
      key: null,
      groups: GROUPS,
      isJson: false,
      timeoutMs: 10_000,
    },
  });
});

test("[E2E-5] options and groups are listed, when help is asked for", () => {
  const parsed = readCommandLine(COMMAND, ["--help"]);
  const text = parsed.kind === "help" ? parsed.text : "";
  for (const part of [
    "--url URL",
    "--key KEY",
    "--only GROUP",
    "--timeout SECONDS",
    "--json",
    "content",
    "yjs",
  ]) {
    expect(text).toContain(part);
  }
});
