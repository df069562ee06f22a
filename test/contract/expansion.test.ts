/**
 * The contract of the old system's fragment era, as observed by running it. The data is the rule; where a rule of
 * SPEC.md and the data disagree, the data stands.
 */
import { describe, expect, test } from "vitest";
import type { FetchedText } from "../../src/language/expansion.ts";
import { type FragmentId, parseFragmentId } from "../../src/language/fragment-id.ts";
import { expandAsBefore } from "../unit/expansion-store.ts";
import contract from "./expansion.json" with { type: "json" };

const stored = new Map<string, string>(Object.entries(contract.fragments));

async function fetchStored(ids: readonly FragmentId[]): Promise<ReadonlyMap<FragmentId, FetchedText>> {
  const found = new Map<FragmentId, FetchedText>();
  for (const id of ids) {
    const text = stored.get(id);
    if (text !== undefined) found.set(id, { text, revision: 1 });
  }
  return found;
}

function parseRoot(root: string | null): FragmentId | null {
  if (root === null) return null;
  const parsed = parseFragmentId(root);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.id;
}

describe("expansion contract", () => {
  test("[EXP-3] the contract holds all fifteen cases, when it is loaded", () => {
    expect(contract.cases.length).toBe(15);
  });

  const cases = contract.cases.flatMap((one) => [
    { ...one, dropsExtension: true, where: "on the old paths" },
    // No id of the contract ends in `.md`, so both ways to understand a name must agree.
    { ...one, dropsExtension: false, where: "on /v1" },
  ]);

  test.each(cases)(
    "[EXP-3] expand answers as the old system did $where, when the content is $content and the root $root",
    async ({ content, root, expanded, dependencies, warnings, dropsExtension }) => {
      const expansion = await expandAsBefore({ content, root: parseRoot(root), dropsExtension }, fetchStored);
      expect({ ...expansion, dependencies: [...expansion.dependencies].sort() }).toMatchObject({
        expanded,
        dependencies: [...dependencies].sort(),
        warnings,
      });
    },
  );
});
