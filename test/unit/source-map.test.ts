/** Random closures, expanded on `/v1` and compared with a naive oracle that says where each character was written. */
import { describe, expect, test } from "vitest";
import { EXPANSION_BUDGETS, expand } from "../../src/language/expansion.ts";
import { SourceMap } from "../../src/language/source-map.ts";
import { utf8Length } from "../../src/language/utf8.ts";
import { expandScene, makeScene } from "../support/expansion-scene.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { id, Store } from "./expansion-store.ts";

const SEEDS = 2_000;

describe("source map over random closures", () => {
  test("[MAP-1] the map covers the text, and leads from each character to the one that was written, and back", async () => {
    let mapped = 0;
    await forEachSeed(SEEDS, [], async (seed) => {
      const scene = makeScene(seed);
      const shown = JSON.stringify(scene);
      const { content, texts, unresolved, values } = scene;
      const root = scene.root === null ? null : id(scene.root);
      const expansion = await expand(
        { content, root, unresolved },
        new Store(texts).fetchTexts,
        EXPANSION_BUDGETS,
        new Map(Object.entries(values)),
      );
      const origins = expandScene(scene);
      const wanted = origins.map(({ character }) => character).join("");
      expect(expansion.expanded, shown).toBe(wanted);

      const encoded = expansion.sourceMap(7);
      const covered = encoded.spans.reduce((sum, [length = 0]) => sum + length, 0);
      expect(covered, shown).toBe(wanted.length);
      const map = new SourceMap(encoded);
      for (const [offset, { source, at, character }] of origins.entries()) {
        const origin = map.originOf(offset);
        expect(origin?.id, shown).toBe(source ?? scene.root);
        expect(origin?.version, shown).toBe(source === null ? 7 : Object.keys(texts).indexOf(source) + 1);
        expect(origin?.isExact, shown).toBe(at !== null);
        if (at === null || origin === null) continue;
        mapped++;
        expect(origin.at, shown).toBe(at);
        expect((source === null ? content : texts[source])?.[at], shown).toBe(character);
        expect(map.placesOf(origin.id, at), shown).toContain(offset);
      }
      expect(map.originOf(wanted.length), shown).toBeNull();
    });
    expect(mapped).toBeGreaterThan(SEEDS);
  });

  test("[MAP-1] at every limit and with notices, the map covers the text, and what is mapped is the same on both sides", async () => {
    const codes = new Set<string>();
    await forEachSeed(SEEDS, [], async (seed) => {
      const { content, texts, values, ...scene } = makeScene(seed);
      const random = new SeededRandom(seed + 1_000_000);
      const unresolved = random.pick(["keep", "empty", "marker"] as const);
      const budgets = {
        depth: random.below(3),
        fragments: random.below(4),
        inclusions: random.below(6),
        values: random.below(3),
        outputBytes: random.below(80),
      };
      const shown = JSON.stringify({ content, texts, values, ...scene, unresolved, budgets });
      const root = scene.root === null ? null : id(scene.root);
      const { fetchTexts } = new Store(texts);
      const input = { content, root, unresolved };
      const expansion = await expand(input, fetchTexts, budgets, new Map(Object.entries(values)));
      for (const { code } of expansion.warnings) codes.add(code);
      const encoded = expansion.sourceMap(7);
      const covered = encoded.spans.reduce((sum, [length = 0]) => sum + length, 0);
      expect(covered, shown).toBe(expansion.expanded.length);
      const maxBytes = Math.max(budgets.outputBytes, utf8Length(content));
      expect(utf8Length(expansion.expanded), shown).toBeLessThanOrEqual(maxBytes);
      const map = new SourceMap(encoded);
      for (let offset = 0; offset < expansion.expanded.length; offset++) {
        const origin = map.originOf(offset);
        if (origin === null) throw new Error(`nothing at ${offset}: ${shown}`);
        const text = origin.version === 7 ? content : texts[origin.id ?? ""];
        if (origin.isExact) expect(text?.[origin.at], shown).toBe(expansion.expanded[offset]);
        const places = map.placesOf(origin.id, origin.at);
        if (origin.isExact) expect(places, shown).toContain(offset);
        else expect(Math.min(...places), shown).toBeLessThanOrEqual(offset);
      }
      for (const { fragment, range } of expansion.warnings) {
        const text = fragment === scene.root ? content : texts[fragment ?? ""];
        expect(range.to, shown).toBeLessThanOrEqual((text ?? content).length);
      }
    });
    const limits = ["depth_limit", "fragment_limit", "inclusion_limit", "output_limit", "value_limit"];
    expect([...codes]).toEqual(expect.arrayContaining(limits));
  });

  test("[MAP-1] two characters of different places never lead to each other", async () => {
    const { fetchTexts } = new Store({ a: "xyz" });
    const input = { content: "[[a]]-[[a]]", root: null, unresolved: "keep" } as const;
    const map = (await expand(input, fetchTexts)).sourceMap(null);
    const decoded = new SourceMap(map);
    expect(decoded.placesOf("a", 1)).toEqual([1, 5]);
    expect(decoded.placesOf("a", 3)).toEqual([]);
    expect(decoded.placesOf(null, 5)).toEqual([3]);
    expect(decoded.placesOf(null, 2)).toEqual([]);
    expect(decoded.placesOf("b", 0)).toEqual([]);
    expect(map).toEqual({
      sources: [
        { id: "a", version: 1 },
        { id: null, version: null },
      ],
      spans: [
        [3, 0, 0],
        [1, 1, 5],
        [3, 0, 0],
      ],
    });
  });

  test("[MAP-2] a value stands for its variable and for nothing beside it", async () => {
    const input = { content: "a {{v}} b[[half]]}!", root: null, unresolved: "keep" } as const;
    const { fetchTexts } = new Store({ half: "{{v}" });
    const values = new Map([["v", "value"]]);
    const { sourceMap, expanded } = await expand(input, fetchTexts, EXPANSION_BUDGETS, values);
    expect(expanded).toBe("a value bvalue!");
    const decoded = new SourceMap(sourceMap(null));
    expect(decoded.originOf(6)).toEqual({ id: null, version: null, at: 2, isExact: false });
    expect([1, 2, 6, 7, 8].map((at) => decoded.placesOf(null, at))).toEqual([[1], [2], [2], [7], [8]]);
    // It began in `half` and ended in the content.
    expect(decoded.originOf(13)).toEqual({ id: "half", version: 1, at: 0, isExact: false });
    expect(decoded.placesOf("half", 3)).toEqual([9]);
    expect([17, 18].map((at) => decoded.placesOf(null, at))).toEqual([[], [14]]);
  });

  test("[MAP-2] a notice and a value lead to the place of what they stand for", async () => {
    const input = { content: "ab[[none]]", root: null, unresolved: "marker" } as const;
    const { sourceMap, expanded } = await expand(input, new Store({}).fetchTexts);
    const decoded = new SourceMap(sourceMap(null));
    const last = expanded.length - 1;
    expect(decoded.originOf(last)).toEqual({ id: null, version: null, at: 2, isExact: false });
    expect(decoded.placesOf(null, 9)).toEqual([2]);
  });
});
