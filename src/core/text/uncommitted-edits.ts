import * as Y from "yjs";
import { ROOTS } from "./roots.ts";
import { NO_CHANGE, type TextChange } from "./text-change.ts";
import { textDeletes, textSince } from "./text-since.ts";
import { type DeleteSet, encodeSince, UpdateBuilder } from "./update-builder.ts";

/**
 * The edits of a document since its last commit.
 *
 * Invariant: the committed document with `#updates` applied in order, and then the deletes of `#mended`, is the current
 * document. `#since` and `#deletes` name the same edits by id, so that they can be encoded again as the document has
 * merged them by now.
 */
export class UncommittedEdits {
  #updates: Uint8Array[] = [];
  #mended: DeleteSet[] = [];
  /** The clock of each writing client's first uncommitted struct. */
  readonly #since = new Map<number, number>();
  #deletes: DeleteSet[] = [];
  /** The deletes of text alone: see `textDeletes`. */
  #textDeletes: DeleteSet[] = [];
  #touchesMetadata = false;
  /** `#since` and `#deletes` name something that no update in `#updates` holds. */
  #hasMore = false;

  get isEmpty(): boolean {
    return this.#updates.length === 0;
  }

  /** Whether the metadata may differ from the committed ones. */
  get touchesMetadata(): boolean {
    return this.#touchesMetadata;
  }

  /** Watches a document in its committed state, and makes the uncommitted edits in it again. */
  restoreIn(doc: Y.Doc): void {
    this.#deletes = [];
    this.#textDeletes = [];
    doc.on("afterTransaction", (transaction: Y.Transaction) => {
      if (transaction.deleteSet.clients.size === 0) return;
      this.#deletes.push(transaction.deleteSet);
      this.#textDeletes.push(textDeletes(doc.getText(ROOTS.content), transaction));
    });
    const touch = () => {
      this.#touchesMetadata = true;
    };
    doc.getMap(ROOTS.metadata).observe(touch);
    doc.getMap(ROOTS.tags).observe(touch);
    for (const update of this.#updates) Y.applyUpdate(doc, update);
    if (this.#mended.length > 0) Y.applyUpdate(doc, updateOf(this.#mended));
  }

  /**
   * Takes an update that is in the document already, where its deletes have been seen.
   *
   * @param since the clock of each writing client's first struct in it
   * @param arrived the same for structs that entered the document because of the update, and are not in it
   */
  add(
    update: Uint8Array,
    since: ReadonlyMap<number, number>,
    arrived: ReadonlyMap<number, number> = new Map(),
  ): void {
    this.#updates.push(update);
    this.#hasMore ||= arrived.size > 0;
    for (const [client, clock] of [...arrived, ...since])
      if (!this.#since.has(client)) this.#since.set(client, clock);
  }

  /** Takes deletes that mended the updates, which have been seen in the document. Returns them as an update. */
  addMended(deletes: DeleteSet): Uint8Array {
    this.#mended.push(deletes);
    return updateOf([deletes]);
  }

  /** From the committed text to the current one, in one walk over the text. */
  textChange(doc: Y.Doc): TextChange {
    return this.isEmpty ? NO_CHANGE : textSince(doc.getText(ROOTS.content), this.#since, this.#textDeletes);
  }

  /** All edits as one update, as the document has merged them by now; null if there are none. */
  encode(doc: Y.Doc): Uint8Array | null {
    const [first] = this.#updates;
    if (first === undefined) return null;
    if (this.#updates.length === 1 && !this.#hasMore) {
      if (this.#mended.length === 0) return first;
      const builder = new UpdateBuilder();
      if (builder.addUpdate(first)) return updateOf(this.#mended, builder);
    }
    return encodeSince(doc, this.#since, this.#deletes);
  }

  /** Forgets all edits: they are durable. */
  clear(): void {
    this.#updates = [];
    this.#mended = [];
    this.#since.clear();
    this.#deletes = [];
    this.#textDeletes = [];
    this.#touchesMetadata = false;
    this.#hasMore = false;
  }
}

/** Encodes deletes as an update, together with what the builder holds already. */
function updateOf(deletes: readonly DeleteSet[], builder = new UpdateBuilder()): Uint8Array {
  for (const one of deletes) builder.addDeleteSet(one);
  return builder.encode();
}
