/**
 * Expansion: a text with its inclusions resolved, as the old system's fragment era did it, and within budgets.
 *
 * Two halves. This one loads the closure, level by level, each distinct fragment once, so that one expansion sees one
 * text of each fragment however often it is included. The other, assembly.ts, is a pure walk over what is loaded. The
 * walk itself says what the next level needs, so nothing is loaded that the result could not use.
 */
import {
  type Assembly,
  assemble,
  type ExpansionBudgets,
  type ExpansionInput,
  type LoadedText,
  type Piece,
} from "./assembly.ts";
import type { ExpansionWarning } from "./expansion-warning.ts";
import type { FragmentId } from "./fragment-id.ts";
import { Sections } from "./section.ts";
import { type EncodedSourceMap, encodeSourceMap } from "./source-map.ts";
import { utf8Length } from "./utf8.ts";
import { fillVariables, type ReachedLimit } from "./variables.ts";

export type { ExpansionBudgets, ExpansionInput, Unresolved } from "./assembly.ts";

export interface FetchedText {
  readonly text: string;
  readonly revision: number;
}

/**
 * Reads the current texts of distinct fragments; one that does not exist is absent from the answer.
 *
 * Must reject when it cannot know: an outage is never "not found". May be asked for up to `budgets.fragments` ids in
 * one call, so how many it reads at a time is its own concern.
 */
export type FetchTexts = (ids: readonly FragmentId[]) => Promise<ReadonlyMap<FragmentId, FetchedText>>;

export interface Expansion {
  readonly expanded: string;
  /** Fragments that exist and were included, in order of first inclusion; never the root. */
  readonly dependencies: readonly FragmentId[];
  /** In order of encounter, with repeats. */
  readonly warnings: readonly ExpansionWarning[];
  /** The revision of each dependency that `expanded` was made of. A Map, because `__proto__` is a valid id. */
  readonly revisions: ReadonlyMap<FragmentId, number>;
  /**
   * All that this result depends on besides the input: each fragment that was asked for, with its revision, or null if it
   * does not exist. While none of these change, the same input has the same result.
   */
  readonly closure: ReadonlyMap<FragmentId, number | null>;
  /** The variables that were filled, and those that were left because they had no value (`fillVariables`). */
  readonly variables: { readonly filled: readonly string[]; readonly left: readonly string[] };
  /**
   * Where each part of `expanded` was written.
   *
   * @param rootVersion of the content; null if it is not stored
   */
  sourceMap(rootVersion: number | null): EncodedSourceMap;
}

export const EXPANSION_BUDGETS: ExpansionBudgets = {
  /** The old system's number, part of the contract. */
  depth: 10,
  /** Each is a request to another object; far more than people compose by hand, few enough for one request of ours. */
  fragments: 1_000,
  /** Bounds work where fragments multiply each other: a chain of doublings stays far below (4,094). */
  inclusions: 10_000,
  /** As many pieces again, which bounds the source map to about 4 MB. */
  values: 100_000,
  /** About a million tokens of English; an isolate of 128 MB can hold several such answers at once. */
  outputBytes: 4 * 1024 * 1024,
};

/**
 * Expands `input.content`, and then fills its variables.
 *
 * Calls `fetchTexts` at most once for each level, `budgets.depth + 1` times in all, and never with an id it asked for
 * before, nor with the root. It rejects if `fetchTexts` does. Everything else is in the result: for an inclusion that
 * cannot be resolved there is a warning, and in the text what `input.unresolved` says. At a limit, the inclusion that
 * would exceed it is not resolved, and one warning names the limit.
 *
 * @param values of the variables, by name
 */
export async function expand(
  input: ExpansionInput,
  fetchTexts: FetchTexts,
  budgets: ExpansionBudgets = EXPANSION_BUDGETS,
  values: ReadonlyMap<string, string> = new Map(),
): Promise<Expansion> {
  const texts = new Map<FragmentId, (LoadedText & FetchedText) | null>();
  const sections = new Sections();
  for (;;) {
    const assembly = assemble(input, { texts, sections }, budgets);
    const { wanted } = assembly;
    if (wanted.texts.size === 0 && wanted.sections.size === 0)
      return render(input, assembly, texts, budgets, values);
    if (wanted.texts.size > 0) {
      const fetched = await fetchTexts([...wanted.texts]);
      for (const id of wanted.texts) {
        const text = fetched.get(id);
        texts.set(id, text ? { ...text, bytes: utf8Length(text.text) } : null);
      }
    }
    for (const [source, titles] of wanted.sections) {
      const text = source === null ? input.content : texts.get(source)?.text;
      if (text !== undefined) sections.find(source, text, titles);
    }
  }
}

function render(
  { content, root }: ExpansionInput,
  assembly: Assembly,
  loaded: ReadonlyMap<FragmentId, FetchedText | null>,
  budgets: ExpansionBudgets,
  values: ReadonlyMap<string, string>,
): Expansion {
  const textOf = (id: FragmentId | null) => (id === null ? content : (loaded.get(id)?.text ?? ""));
  const filled = fillVariables(assembly.pieces, join(assembly.pieces, textOf), values, budgets);
  const revisions = new Map<FragmentId, number>();
  for (const id of assembly.dependencies) {
    const text = loaded.get(id);
    if (text) revisions.set(id, text.revision);
  }
  return {
    expanded: join(filled.pieces, textOf),
    dependencies: [...assembly.dependencies],
    warnings:
      filled.limit === null ? assembly.warnings : [...assembly.warnings, warningOf(filled.limit, root)],
    revisions,
    closure: new Map(Array.from(loaded, ([id, text]) => [id, text?.revision ?? null])),
    variables: { filled: filled.filled, left: filled.left },
    sourceMap: (rootVersion) =>
      encodeSourceMap(filled.pieces, (id) =>
        id === null ? { id: root, version: rootVersion } : { id, version: loaded.get(id)?.revision ?? null },
      ),
  };
}

function warningOf({ code, limit, place }: ReachedLimit, root: FragmentId | null): ExpansionWarning {
  const { source, from, to, chain } = place;
  return { code, subject: String(limit), fragment: source ?? root, range: { from, to }, chain };
}

function join(pieces: readonly Piece[], textOf: (source: FragmentId | null) => string): string {
  return pieces
    .map(({ source, from, to, replacement }) => replacement ?? textOf(source).slice(from, to))
    .join("");
}
