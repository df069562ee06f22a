/** Each claim of SECURITY.md names the rules that prove it, and the tests of those rules are there. */
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";

const read = (...path: string[]) => readFile(join(PROJECT_DIR, ...path), "utf8");
const page = await read("docs", "SECURITY.md");
const spec = await read("docs", "SPEC.md");
const titles = await Promise.all(
  globSync("test/**/*.test.ts", { cwd: PROJECT_DIR }).map((file) => read(file)),
);

/** The last cell of each row of a claim. */
const claims = [...page.matchAll(/^\| (.+?) \| .+ \| ([^|]*) \|$/gm)]
  .map(([, claim = "", rules = ""]) => ({ claim, rules: rules.split(" ") }))
  .filter(({ claim }) => claim !== "claim" && !claim.startsWith("---"));

test("[DOC-9] the page on security has a claim for each part of the access", () => {
  expect(claims.length).toBeGreaterThan(30);
});

test.each(claims)("[DOC-9] the claim is proved by rules and their tests: $claim", ({ rules }) => {
  expect(rules).not.toEqual([]);
  for (const rule of rules) {
    expect(spec, rule).toContain(`- **${rule}** `);
    expect(
      titles.some((text) => text.includes(`[${rule}] `)),
      rule,
    ).toBe(true);
  }
});
