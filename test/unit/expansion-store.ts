/** A `fetchTexts` over texts in memory that remembers its calls. */

import type { ExpansionBudgets, ExpansionInput } from "../../src/language/assembly.ts";
import { type Expansion, expand, type FetchedText, type FetchTexts } from "../../src/language/expansion.ts";
import { describeAsBefore } from "../../src/language/expansion-warning.ts";
import { type FragmentId, parseFragmentId } from "../../src/language/fragment-id.ts";

/** Stored fragments by id; the revision of each is its place, so that revisions differ. */
export class Store {
  /** The ids of each call, in order. */
  readonly calls: string[][] = [];
  readonly #texts: ReadonlyMap<string, FetchedText>;

  constructor(texts: Readonly<Record<string, string>>) {
    this.#texts = new Map(
      Object.entries(texts).map(([id, text], index) => [id, { text, revision: index + 1 }]),
    );
  }

  readonly fetchTexts = async (ids: readonly FragmentId[]): Promise<ReadonlyMap<FragmentId, FetchedText>> => {
    this.calls.push([...ids]);
    const found = new Map<FragmentId, FetchedText>();
    for (const id of ids) {
      const text = this.#texts.get(id);
      if (text) found.set(id, text);
    }
    return found;
  };
}

/** An id that the test knows to be valid. */
export function id(raw: string): FragmentId {
  const parsed = parseFragmentId(raw);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.id;
}

/** Expands as the old system did, with its sentences for warnings. */
export async function expandAsBefore(
  input: Omit<ExpansionInput, "unresolved">,
  fetchTexts: FetchTexts,
  budgets?: ExpansionBudgets,
): Promise<Omit<Expansion, "warnings"> & { readonly warnings: readonly string[] }> {
  const expansion = await expand({ ...input, unresolved: "marker" }, fetchTexts, budgets);
  return { ...expansion, warnings: expansion.warnings.map(describeAsBefore) };
}
