/** Random closures, expanded on `/v1` and compared with a naive oracle that says where each character was written. */
import { describe, expect, test } from "vitest";
import { EXPANSION_BUDGETS, expand } from "../../src/language/expansion.ts";
import { SourceMap } from "../../src/language/source-map.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { id, Store } from "./expansion-store.ts";

const SEEDS = 2_000;

interface Scene {
  readonly content: string;
  readonly root: string | null;
  readonly texts: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string>>;
  readonly unresolved: "keep" | "empty";
}

/** One character of the output. `at` is its offset in the source; null if it is part of a value. */
interface Origin {
  readonly character: string;
  readonly source: string | null;
  readonly at: number | null;
}

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
      const origins = fillNaively(expandNaively(scene), values);
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

  test("[MAP-2] a notice and a value lead to the place of what they stand for", async () => {
    const input = { content: "ab[[none]]", root: null, unresolved: "marker" } as const;
    const { sourceMap, expanded } = await expand(input, new Store({}).fetchTexts);
    const decoded = new SourceMap(sourceMap(null));
    const last = expanded.length - 1;
    expect(decoded.originOf(last)).toEqual({ id: null, version: null, at: 2, isExact: false });
    expect(decoded.placesOf(null, 9)).toEqual([2]);
  });
});

/** One recursion, one character at a time. Knows only the names that the scenes write. */
function expandNaively({ content, root, texts, unresolved }: Scene): Origin[] {
  const recur = (text: string, source: string | null, from: number, chain: readonly string[]): Origin[] => {
    const output: Origin[] = [];
    const copy = (start: number, end: number) => {
      for (let at = start; at < end; at++) output.push({ character: text[at] ?? "", source, at: from + at });
    };
    let at = 0;
    for (const match of text.matchAll(/(\\*)\[\[([^[\]]+)\]\]/g)) {
      const [written, slashes = "", name = ""] = match;
      const start = match.index + slashes.length;
      const end = match.index + written.length;
      const target = name.split("|")[0]?.trim() ?? "";
      const [fragment = "", heading] = target.split("#");
      if (slashes.length % 2 === 1) {
        if (!/^\w+$/.test(fragment)) continue;
        copy(at, start - (slashes.length + 1) / 2);
        at = start;
        continue;
      }
      const whole = texts[fragment];
      const isOpen = fragment === root || chain.includes(fragment);
      if (whole === undefined || isOpen || chain.length >= EXPANSION_BUDGETS.depth) {
        if (unresolved === "keep") continue;
        copy(at, start);
      } else {
        const begin = heading === undefined ? 0 : whole.indexOf(`# ${heading}\n`);
        if (begin === -1 && unresolved === "keep") continue;
        copy(at, start);
        const next = heading === undefined ? -1 : whole.indexOf("# ", begin + 1);
        const part = begin === -1 ? "" : whole.slice(begin, next === -1 ? undefined : next);
        output.push(...recur(part, fragment, begin, [...chain, fragment]));
      }
      at = end;
    }
    copy(at, text.length);
    return output;
  };
  return recur(content, null, 0, []);
}

function fillNaively(origins: readonly Origin[], values: Readonly<Record<string, string>>): Origin[] {
  const text = origins.map(({ character }) => character).join("");
  const output: Origin[] = [];
  let at = 0;
  for (const match of text.matchAll(/\{\{ ?(\w+) ?\}\}/g)) {
    const value = values[match[1] ?? ""];
    if (value === undefined) continue;
    output.push(...origins.slice(at, match.index));
    const source = origins[match.index]?.source ?? null;
    output.push(
      ...Array.from({ length: value.length }, (_, of) => ({ character: value[of] ?? "", source, at: null })),
    );
    at = match.index + match[0].length;
  }
  return [...output, ...origins.slice(at)];
}

function makeScene(seed: number): Scene {
  const random = new SeededRandom(seed);
  const markers = [
    "[[a]]",
    "[[ b ]]",
    "[[c|x]]",
    "[[c#H]]",
    "[[none]]",
    "[[no id!]]",
    "\\[[a]]",
    "\\\\[[b]]",
  ] as const;
  const noise = ["x", "漢", "😀", "[", "]]", "{{v}}", "{{ w }}", "{{left}}", " "] as const;
  const makeText = (parts: number) => {
    let text = "";
    for (let count = random.below(parts); count > 0; count--)
      text += random.chance(0.5) ? random.pick(markers) : random.pick(noise);
    return text;
  };
  const section = `${random.pick(["", "x\n"])}# H\n${random.pick(["", "y"])}[[a]]\n# I\n`;
  return {
    content: makeText(7),
    root: random.pick<string | null>([null, "a", "elsewhere"]),
    texts: { a: makeText(5), b: makeText(5), c: section },
    values: { v: random.pick(["", "value", "[[a]]"]), w: "{{v}}" },
    unresolved: random.pick(["keep", "empty"] as const),
  };
}
