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
} from "./assembly.ts";
import type { FragmentId } from "./fragment-id.ts";
import { utf8Length } from "./utf8.ts";

export type { ExpansionBudgets, ExpansionInput } from "./assembly.ts";

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
  readonly warnings: readonly string[];
  /** The revision of each dependency that `expanded` was made of. A Map, because `__proto__` is a valid id. */
  readonly revisions: ReadonlyMap<FragmentId, number>;
  /**
   * All that this result depends on besides the input: each fragment that was asked for, with its revision, or null if it
   * does not exist. While none of these change, the same input has the same result.
   */
  readonly closure: ReadonlyMap<FragmentId, number | null>;
}

export const EXPANSION_BUDGETS: ExpansionBudgets = {
  /** The old system's number, part of the contract. */
  depth: 10,
  /** Each is a request to another object; far more than people compose by hand, few enough for one request of ours. */
  fragments: 1_000,
  /** Bounds work where fragments multiply each other: a chain of doublings stays far below (4,094). */
  inclusions: 10_000,
  /** About a million tokens of English; an isolate of 128 MB can hold several such answers at once. */
  outputBytes: 4 * 1024 * 1024,
};

/**
 * Expands `input.content`.
 *
 * Calls `fetchTexts` at most once for each level, `budgets.depth + 1` times in all, and never with an id it asked for
 * before, nor with the root. It rejects if `fetchTexts` does. Everything else is in the result: a marker that
 * cannot be resolved becomes a notice in the text and a warning; at a limit the marker that would exceed it stays as
 * written, and one warning names the limit.
 */
export async function expand(
  input: ExpansionInput,
  fetchTexts: FetchTexts,
  budgets: ExpansionBudgets = EXPANSION_BUDGETS,
): Promise<Expansion> {
  const loaded = new Map<FragmentId, (LoadedText & FetchedText) | null>();
  let assembly = assemble(input, loaded, budgets);
  while (assembly.wanted.size > 0) {
    const wanted = [...assembly.wanted];
    const fetched = await fetchTexts(wanted);
    for (const id of wanted) {
      const text = fetched.get(id);
      loaded.set(
        id,
        text ? { text: text.text, revision: text.revision, bytes: utf8Length(text.text) } : null,
      );
    }
    assembly = assemble(input, loaded, budgets);
  }
  return render(assembly, loaded);
}

function render(assembly: Assembly, loaded: ReadonlyMap<FragmentId, FetchedText | null>): Expansion {
  const revisions = new Map<FragmentId, number>();
  for (const id of assembly.dependencies) {
    const text = loaded.get(id);
    if (text) revisions.set(id, text.revision);
  }
  return {
    expanded: assembly.pieces.join(""),
    dependencies: [...assembly.dependencies],
    warnings: assembly.warnings,
    revisions,
    closure: new Map(Array.from(loaded, ([id, text]) => [id, text?.revision ?? null])),
  };
}
