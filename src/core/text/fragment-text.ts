import * as Y from "yjs";
import { utf8Length } from "../../language/utf8.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import { MAX_CONTENT_BYTES } from "../../protocol/limits.ts";
import { CRLF } from "./line-ends.ts";
import { standBetweenNeighbours } from "./neighbour-order.ts";
import { IDLE_CLIENT_ID, ROOTS } from "./roots.ts";
import {
  type MetadataChange,
  readMetadata,
  type SharedMetadata,
  salvageMetadata,
  sameMetadata,
  writeMetadata,
} from "./shared-metadata.ts";
import { applyChange, NO_CHANGE, type TextChange } from "./text-change.ts";
import { textDeletes, textSince } from "./text-since.ts";
import { type DeleteSet, encodeSince } from "./update-builder.ts";
import { UpdateCheck } from "./update-check.ts";

/** An update that wants to be applied. */
export interface Incoming {
  readonly update: Uint8Array;
  /** Whoever sent it: once refused, nothing more of its is looked at in the batch. */
  readonly sender: object;
  /** Asked once the update is found sound: may its sender add structs under these client ids? */
  admit(clients: Iterable<number>): Refusal | null;
}

export type Outcome =
  /** Applied; not new where all of it was known before. */
  | { readonly kind: "applied"; readonly isNew: boolean }
  /** Not applied: it builds on what is not known here. The sender is to be asked for what it has. */
  | { readonly kind: "gap" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface Received {
  /** One for each incoming, in order. */
  readonly outcomes: readonly Outcome[];
  /** What was new in all of them, as one update; null if nothing was. */
  readonly update: Uint8Array | null;
  /** The document mended line ends on its own: even the only author has something to learn. */
  readonly isMended: boolean;
}

/** What one commit is to make durable. */
export interface Uncommitted {
  /** Everything since the last commit, as one update; null for metadata-free, text-free commits. */
  readonly update: Uint8Array | null;
  readonly change: TextChange;
  readonly content: string;
  readonly metadata: SharedMetadata;
}

const APPLIED: Outcome = { kind: "applied", isNew: true };
const KNOWN: Outcome = { kind: "applied", isNew: false };
const GAP: Outcome = { kind: "gap" };
const NOTHING: Received = { outcomes: [], update: null, isMended: false };

/**
 * The text of one fragment with its metadata, as a Yjs document, and what of it is committed.
 *
 * Invariant: the document is what `load` gives and the accepted updates since, in order. A refused update leaves
 * it as it was, even where Yjs threw half-way: then it is rebuilt from exactly those two.
 */
export class FragmentText {
  readonly #load: () => Iterable<Uint8Array>;
  readonly #oldClients: ReadonlySet<number>;
  #doc: Y.Doc;
  /** Accepted and written since the last commit: updates, first new clocks of their clients, delete sets. */
  #pending: Uint8Array[] = [];
  readonly #since = new Map<number, number>();
  #deletes: DeleteSet[] = [];
  #textDeletes: DeleteSet[] = [];
  #committedContent = "";
  #committedMetadata: SharedMetadata;
  /** The content may have at most so many bytes: exact when last counted, plus all inserted since. */
  #bytesBound = 0;
  #hasPairs = false;
  #hasReturns = false;
  #snapshot: Uint8Array | null = null;
  #metadataTouched = false;

  /**
   * @param load the durable history: snapshot and logged updates, in order; read again for each rebuild
   * @param oldClients client ids of deleted generations of this id
   */
  constructor(load: () => Iterable<Uint8Array>, oldClients: ReadonlySet<number> = new Set()) {
    this.#load = load;
    this.#oldClients = oldClients;
    this.#doc = this.#build([]);
    this.#markCommitted();
    const metadata = this.#readMetadata();
    // Only valid metadata are committed: where they are not, a row was lost.
    this.#committedMetadata = "code" in metadata ? this.#salvageMetadata() : metadata;
  }

  /** The text of the last commit: what JSON and REST know. LF line ends. */
  get committedContent(): string {
    return this.#committedContent;
  }

  get committedMetadata(): SharedMetadata {
    return this.#committedMetadata;
  }

  get isDirty(): boolean {
    return this.#pending.length > 0;
  }

  /** Client ids that have written here. */
  get clients(): Iterable<number> {
    return this.#doc.store.clients.keys();
  }

  stateVector(): Uint8Array {
    return Y.encodeStateVector(this.#doc);
  }

  /** The whole document as one update; encoded once between two changes. */
  snapshot(): Uint8Array {
    this.#snapshot ??= Y.encodeStateAsUpdate(this.#doc);
    return this.#snapshot;
  }

  /** What a peer with this state vector lacks; null if the vector cannot be decoded. */
  missingFor(stateVector: Uint8Array): Uint8Array | null {
    try {
      if (Y.decodeStateVector(stateVector).size === 0) return this.snapshot();
      return Y.encodeStateAsUpdate(this.#doc, stateVector);
    } catch {
      return null; // lib0 throws at the end of the bytes: no state vector
    }
  }

  /** A position that moves with the text, as Yjs cursors are written (its JSON); for a code unit index. */
  relativePosition(index: number): unknown {
    const text = this.#doc.getText(ROOTS.content);
    return Y.relativePositionToJSON(
      Y.createRelativePositionFromTypeIndex(text, Math.trunc(Math.max(0, Math.min(index, text.length)))),
    );
  }

  /** The code unit index of a relative position's JSON, which a peer wrote; null if it leads nowhere. */
  absolutePosition(position: unknown): number | null {
    try {
      const relative = Y.createRelativePositionFromJSON(position);
      return Y.createAbsolutePositionFromRelativePosition(relative, this.#doc)?.index ?? null;
    } catch {
      return null; // not a position of this document
    }
  }

  /** Checks a batch, and applies what is new in the accepted ones as one update. */
  receive(batch: readonly Incoming[]): Received {
    const check = new UpdateCheck(this.#doc, this.#oldClients, this.#hasPairs);
    const refused = new Map<object, Outcome>();
    const outcomes = batch.map((incoming) => {
      const outcome = refused.get(incoming.sender) ?? judge(check, incoming);
      if (outcome.kind === "refused") refused.set(incoming.sender, outcome);
      return outcome;
    });
    if (check.accepted.isEmpty) return { ...NOTHING, outcomes };

    const update = check.accepted.encode();
    const before = this.#clocksIfDamaged();
    const fault = this.#apply(update, check);
    if (fault !== null) {
      this.#rebuild();
      if (batch.length > 1) return this.#receiveOneByOne(batch);
      return { ...NOTHING, outcomes: [{ kind: "refused", refusal: fault }] };
    }
    this.#hasPairs = check.hasPairs;
    this.#snapshot = null;
    this.#pending.push(update);
    for (const [client, clock] of check.since) if (!this.#since.has(client)) this.#since.set(client, clock);
    for (const [client, clock] of before) {
      if (Y.getState(this.#doc.store, client) > clock && !this.#since.has(client))
        this.#since.set(client, clock);
    }
    // A lone CR stays, and what comes or goes behind it can make it a CRLF.
    this.#hasReturns ||= check.insertsCarriageReturn;
    const mended = this.#hasReturns ? this.#mendLineEnds() : null;
    if (mended === null) return { outcomes, update, isMended: false };
    check.accepted.addDeleteSet(mended);
    this.#pending[this.#pending.length - 1] = check.accepted.encode();
    return { outcomes, update: this.#pending.at(-1) ?? null, isMended: true };
  }

  /**
   * Writes for the server, under its own client id. The change applies to the current text, uncommitted edits
   * included. The update for the peers comes back; it must be committed before any of them sees it.
   */
  write(clientId: number, change: TextChange, metadata: MetadataChange): Uint8Array | null {
    const clock = Y.getState(this.#doc.store, clientId);
    const deletesBefore = this.#deletes.length;
    this.#doc.clientID = clientId;
    try {
      this.#doc.transact(() => {
        this.#writeChange(change);
        writeMetadata(this.#doc.getMap(ROOTS.metadata), this.#doc.getMap(ROOTS.tags), metadata);
      });
    } finally {
      this.#doc.clientID = IDLE_CLIENT_ID;
    }
    const hasStructs = Y.getState(this.#doc.store, clientId) > clock;
    const deletes = this.#deletes.slice(deletesBefore);
    if (!hasStructs && deletes.length === 0) return null;
    if (hasStructs && !this.#since.has(clientId)) this.#since.set(clientId, clock);
    const update = encodeSince(this.#doc, new Map(hasStructs ? [[clientId, clock]] : []), deletes);
    this.#pending.push(update);
    this.#snapshot = null;
    return update;
  }

  /** The metadata as it stands, uncommitted edits included. */
  get metadata(): SharedMetadata {
    if (!this.#metadataTouched) return this.#committedMetadata;
    const metadata = this.#readMetadata();
    return "code" in metadata ? this.#salvageMetadata() : metadata;
  }

  /** From the committed text to the current one, in one walk over the text. */
  changeSinceCommit(): TextChange {
    if (!this.isDirty) return NO_CHANGE;
    return textSince(this.#doc.getText(ROOTS.content), this.#since, this.#textDeletes);
  }

  /** What is not committed. */
  uncommitted(): Uncommitted {
    const { metadata } = this;
    const change = this.changeSinceCommit();
    return {
      update: this.isDirty ? encodeSince(this.#doc, this.#since, this.#deletes) : null,
      change,
      content: change.ops.length === 0 ? this.#committedContent : applyChange(change, this.#committedContent),
      metadata: sameMetadata(metadata, this.#committedMetadata) ? this.#committedMetadata : metadata,
    };
  }

  /** Says that `uncommitted` is durable. */
  commit(uncommitted: Uncommitted): void {
    this.#committedContent = uncommitted.content;
    this.#committedMetadata = uncommitted.metadata;
    this.#pending = [];
    this.#since.clear();
    this.#deletes = [];
    this.#textDeletes = [];
    this.#metadataTouched = false;
  }

  #build(pending: readonly Uint8Array[]): Y.Doc {
    const doc = new Y.Doc();
    doc.clientID = IDLE_CLIENT_ID;
    // Types the roots, so that an update cannot make them something else.
    doc.getText(ROOTS.content);
    doc.getMap(ROOTS.metadata);
    doc.getMap(ROOTS.tags);
    doc.transact(() => {
      for (const update of this.#load()) Y.applyUpdate(doc, update);
    });
    this.#deletes = [];
    this.#textDeletes = [];
    doc.on("afterTransaction", (transaction: Y.Transaction) => {
      if (transaction.deleteSet.clients.size === 0) return;
      this.#deletes.push(transaction.deleteSet);
      this.#textDeletes.push(textDeletes(doc.getText(ROOTS.content), transaction));
    });
    const touch = () => {
      this.#metadataTouched = true;
    };
    doc.getMap(ROOTS.metadata).observe(touch);
    doc.getMap(ROOTS.tags).observe(touch);
    for (const update of pending) Y.applyUpdate(doc, update);
    this.#snapshot = null;
    return doc;
  }

  #markCommitted(): void {
    this.#committedContent = this.#doc.getText(ROOTS.content).toString();
    this.#hasPairs = hasSurrogates(this.#committedContent);
    this.#hasReturns = this.#committedContent.includes("\r");
    this.#bytesBound = utf8Length(this.#committedContent);
  }

  #rebuild(): void {
    this.#doc = this.#build(this.#pending);
    this.#bytesBound = utf8Length(this.#doc.getText(ROOTS.content).toString());
  }

  #receiveOneByOne(batch: readonly Incoming[]): Received {
    const refused = new Map<object, Outcome>();
    const outcomes: Outcome[] = [];
    const updates: Uint8Array[] = [];
    let isMended = false;
    for (const incoming of batch) {
      // Each that fails costs a rebuild.
      const before = refused.get(incoming.sender);
      const one = before === undefined ? this.receive([incoming]) : { ...NOTHING, outcomes: [before] };
      for (const outcome of one.outcomes) {
        if (outcome.kind === "refused") refused.set(incoming.sender, outcome);
        outcomes.push(outcome);
      }
      if (one.update !== null) updates.push(one.update);
      isMended ||= one.isMended;
    }
    return { outcomes, update: updates.length === 0 ? null : Y.mergeUpdates(updates), isMended };
  }

  /** Applies a checked update; a refusal says that the document may be half-way and must be rebuilt. */
  #apply(update: Uint8Array, check: UpdateCheck): Refusal | null {
    const { clocks, insertedBytes } = check;
    try {
      Y.applyUpdate(this.#doc, update);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown";
      return refusal("malformed_update", `The update cannot be applied (${reason}).`);
    }
    for (const [client, clock] of clocks) {
      if (Y.getState(this.#doc.store, client) < clock) {
        return refusal("malformed_update", "The update depends on itself.");
      }
    }
    if (!standBetweenNeighbours(this.#doc, this.#doc.getText(ROOTS.content), check.between)) {
      return refusal("malformed_update", "A struct's neighbours stand the wrong way round.");
    }
    if (this.#metadataTouched) {
      const metadata = this.#readMetadata();
      if ("code" in metadata) return metadata;
    }
    this.#bytesBound += insertedBytes;
    if (this.#bytesBound <= MAX_CONTENT_BYTES) return null;
    this.#bytesBound = utf8Length(this.#doc.getText(ROOTS.content).toString());
    if (this.#bytesBound <= MAX_CONTENT_BYTES) return null;
    return refusal("content_too_large", `The content must have at most ${MAX_CONTENT_BYTES} bytes of UTF-8.`);
  }

  #writeChange(change: TextChange): void {
    const content = this.#doc.getText(ROOTS.content);
    let at = 0;
    for (const op of change.ops) {
      if (typeof op.insert === "string") {
        content.insert(at, op.insert);
        at += op.insert.length;
        this.#bytesBound += utf8Length(op.insert);
        this.#hasPairs ||= hasSurrogates(op.insert);
        this.#hasReturns ||= op.insert.includes("\r");
      } else if (typeof op.retain === "number") at += op.retain;
      else content.delete(at, op.delete ?? 0);
    }
  }

  /** Deletes the CRs of each CRLF that came in, or came to be; null if there was none. */
  #mendLineEnds(): DeleteSet | null {
    const content = this.#doc.getText(ROOTS.content);
    const crlfs = [...content.toString().matchAll(CRLF)].reverse();
    if (crlfs.length === 0) return null;
    this.#doc.transact(() => {
      for (const { 0: crlf, index } of crlfs) content.delete(index, crlf.length - 1);
    });
    return this.#deletes.at(-1) ?? null;
  }

  /**
   * With a damaged row, what stood on it waits in Yjs as pending; the moment a peer brings the lost part, it is in
   * the text and new. Empty where nothing waits.
   */
  #clocksIfDamaged(): ReadonlyMap<number, number> {
    const { pendingStructs, clients } = this.#doc.store;
    if (pendingStructs === null) return new Map();
    const waiting = [
      ...pendingStructs.missing.keys(),
      ...clients.keys(),
      ...Y.decodeUpdateV2(pendingStructs.update).structs.map(({ id }) => id.client),
    ];
    return new Map(waiting.map((client) => [client, Y.getState(this.#doc.store, client)]));
  }

  #salvageMetadata(): SharedMetadata {
    return salvageMetadata(this.#doc.getMap(ROOTS.metadata), this.#doc.getMap(ROOTS.tags));
  }

  #readMetadata(): SharedMetadata | Refusal {
    return readMetadata(this.#doc.getMap(ROOTS.metadata), this.#doc.getMap(ROOTS.tags));
  }
}

function judge(check: UpdateCheck, { update, admit }: Incoming): Outcome {
  const inspection = check.inspect(update);
  if (inspection.kind !== "sound") return inspection.kind === "gap" ? GAP : inspection;
  const refused = admit(inspection.clocks.keys());
  if (refused !== null) return { kind: "refused", refusal: refused };
  return check.accept() ? APPLIED : KNOWN;
}

/** Whether a text holds any surrogate, and so a pair that an edit could split. */
function hasSurrogates(text: string): boolean {
  return /[\ud800-\udfff]/.test(text);
}
