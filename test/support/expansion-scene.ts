/** Random closures in the grammar of `/v1`, and a naive expansion of them that knows where each character was written. */
import { EXPANSION_BUDGETS } from "../../src/language/expansion.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface Scene {
  readonly content: string;
  readonly root: string | null;
  readonly texts: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string>>;
  readonly unresolved: "keep" | "empty";
}

/** One character of the output. `at` is its offset in the source; null if it is part of a value. */
export interface Origin {
  readonly character: string;
  readonly source: string | null;
  readonly at: number | null;
}

/** What the scene expands to, by a recursion of one character at a time. */
export function expandScene(scene: Scene): Origin[] {
  return fillNaively(expandNaively(scene), scene.values);
}

/** Knows only the names that the scenes write. */
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

export function makeScene(seed: number): Scene {
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
