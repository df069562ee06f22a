/**
 * Random graphs of fragments, cycles and missing names among them, expanded and compared with the naive oracle. A
 * failure prints the seed and the graph.
 */
import { describe, expect, test } from "vitest";
import { EXPANSION_BUDGETS } from "../../src/language/expansion.ts";
import { utf8Length } from "../../src/language/utf8.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { expandNaively, type NaiveInput } from "./expansion-oracle.ts";
import { expandAsBefore, id, Store } from "./expansion-store.ts";

const SEEDS = 2_000;

describe("expand over random graphs", () => {
  test("[EXP-3] expand agrees with the naive oracle, when no budget but the depth is near", async () => {
    await forEachSeed(SEEDS, [], async (seed) => {
      const graph = makeGraph(seed);
      const shown = JSON.stringify(graph);
      const store = new Store(graph.texts);
      const budgets = { ...EXPANSION_BUDGETS, depth: graph.depth };
      const expansion = await expandAsBefore(
        { content: graph.content, root: rootOf(graph), dropsExtension: graph.dropsExtension },
        store.fetchTexts,
        budgets,
      );

      const { expanded, warnings, dependencies } = expandNaively(graph);
      expect(expansion, shown).toMatchObject({ expanded, warnings, dependencies });
      expect([...expansion.revisions.keys()], shown).toEqual(dependencies);
      const asked = store.calls.flat();
      expect(new Set(asked).size, shown).toBe(asked.length);
      expect(store.calls.length, shown).toBeLessThanOrEqual(graph.depth + 1);
    });
  });

  test("[EXP-14] expand keeps every budget and says which it met, when budgets are small", async () => {
    await forEachSeed(SEEDS, [], async (seed) => {
      const graph = makeGraph(seed);
      const random = new SeededRandom(seed + 1_000_000);
      const budgets = {
        depth: graph.depth,
        fragments: random.below(5),
        inclusions: random.below(12),
        values: 0,
        outputBytes: random.below(150),
      };
      const shown = JSON.stringify({ ...graph, budgets });
      const store = new Store(graph.texts);
      const expansion = await expandAsBefore(
        { content: graph.content, root: rootOf(graph), dropsExtension: graph.dropsExtension },
        store.fetchTexts,
        budgets,
      );

      const sizeLimit = Math.max(budgets.outputBytes, utf8Length(graph.content));
      expect(utf8Length(expansion.expanded), shown).toBeLessThanOrEqual(sizeLimit);
      expect(store.calls.flat().length, shown).toBeLessThanOrEqual(budgets.fragments);
      expect(store.calls.length, shown).toBeLessThanOrEqual(graph.depth + 1);
      const limitWarnings = expansion.warnings.filter((warning) => /limit reached: /.test(warning));
      expect(new Set(limitWarnings).size, shown).toBe(limitWarnings.length);
      if (limitWarnings.length === 0) {
        expect(expansion.expanded, shown).toBe(expandNaively(graph).expanded);
      }
    });
  });
});

function rootOf(graph: NaiveInput) {
  return graph.root === null ? null : id(graph.root);
}

function makeGraph(seed: number): NaiveInput {
  const random = new SeededRandom(seed);
  const stored = ["a", "b", "b.md", "c_c", "é", "t/e", "t/e.md.md"] as const;
  const written = [
    "a",
    "b.md",
    "c c",
    "c_c",
    "e\u0301",
    "t/e",
    "none",
    "no id!",
    "t/e.md",
    "b.md.md",
    "t/e.md.md",
  ] as const;
  const noise = ["x", "\n", "[", "]", "[[", "]]", "[[]]", "漢", "😀"] as const;
  const makeText = () => {
    let text = "";
    for (let count = random.below(5); count > 0; count--) {
      text += random.chance(0.5) ? `[[${random.pick(written)}]]` : random.pick(noise);
    }
    return text;
  };
  const texts = Object.fromEntries(stored.map((name) => [name, makeText()]));
  return {
    content: makeText(),
    root: random.pick<string | null>([null, "a", "b.md", "c_c", "elsewhere"]),
    texts,
    depth: random.pick([0, 1, 2, 3, 10]),
    dropsExtension: random.chance(0.5),
  };
}
