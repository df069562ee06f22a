/** The numbered rules of docs/SPEC.md and the tests that quote them speak of the same. */
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";

const spec = await readFile(join(PROJECT_DIR, "docs", "SPEC.md"), "utf8");
const rules = [...spec.matchAll(/^- \*\*([A-Z0-9]+-\d+)\*\* /gm)].map(([, rule = ""]) => rule);

const files = globSync("test/**/*.ts", { cwd: PROJECT_DIR });
const sources = await Promise.all(files.map((file) => readFile(join(PROJECT_DIR, file), "utf8")));
const quoted = new Set(
  sources.flatMap((source) =>
    [...source.matchAll(/["'`]\[([A-Z0-9]+-\d+)\] /g)].map(([, rule = ""]) => rule),
  ),
);

describe("SPEC.md", () => {
  test("[DOC-6] each rule has a number of its own", () => {
    expect(rules.filter((rule, at) => rules.indexOf(rule) !== at)).toEqual([]);
  });

  test("[DOC-6] the rules of one subject stand in the order of their numbers", () => {
    const number = (rule: string) => Number(rule.split("-")[1]);
    const subject = (rule: string) => rule.split("-")[0];
    const early = rules.filter((rule, at) => {
      const before = rules[at - 1];
      return before !== undefined && subject(before) === subject(rule) && number(before) >= number(rule);
    });
    expect(early).toEqual([]);
  });

  test("[DOC-6] each rule is quoted by a test", () => {
    expect(rules.filter((rule) => !quoted.has(rule))).toEqual([]);
  });

  test("[DOC-6] each rule that a test quotes is there", () => {
    expect([...quoted].filter((rule) => !rules.includes(rule))).toEqual([]);
  });
});
