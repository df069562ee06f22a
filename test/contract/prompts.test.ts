/** Prompts full of brackets and braces that are not ours. They must reach the model as they were written. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { expand } from "../../src/language/expansion.ts";
import { Store } from "../unit/expansion-store.ts";

const PROMPTS = new URL("prompts/", import.meta.url);

describe("prompts of other languages", () => {
  const names = readdirSync(PROMPTS);

  test("[EXP-19] there are a dozen of them, and each holds brackets or braces in pairs", () => {
    expect(names.length).toBeGreaterThanOrEqual(12);
    for (const name of names) expect(readPrompt(name), name).toMatch(/\[\[|\{\{/);
  });

  test.each(names)("[EXP-19] %s comes out as it went in, when no other fragment is there", async (name) => {
    const content = readPrompt(name);
    const { expanded, dependencies } = await expand(
      { content, root: null, unresolved: "keep" },
      new Store({}).fetchTexts,
    );
    expect(expanded).toBe(content);
    expect(dependencies).toEqual([]);
  });
});

function readPrompt(name: string): string {
  return readFileSync(new URL(name, PROMPTS), "utf8");
}
