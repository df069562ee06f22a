/** A `fetchTexts` over texts in memory that remembers its calls. */
import type { FetchedText } from "../../src/language/expansion.ts";
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
