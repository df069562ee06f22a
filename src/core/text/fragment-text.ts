import * as Y from "yjs";
import { utf8Length } from "../../language/utf8.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../protocol/errors.ts";
import { MAX_CONTENT_BYTES } from "../../protocol/limits.ts";
import type { AcceptedBatch } from "./accepted-batch.ts";
import type { Incoming, Outcome } from "./incoming.ts";
import { judge, judgeEach } from "./judging.ts";
import { LineEndMender } from "./line-end-mender.ts";
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
import { applySplit } from "./split-items.ts";
import { applyChange, type TextChange } from "./text-change.ts";
import { writeChange } from "./text-items.ts";
import { UncommittedEdits } from "./uncommitted-edits.ts";
import { type DeleteSet, encodeSince } from "./update-builder.ts";
import { UpdateCheck } from "./update-check.ts";

/** The current text, uncommitted edits included, and the change that leads to it from the committed text. */
export interface CurrentText {
  readonly change: TextChange;
  readonly content: string;
}

/** What one commit makes durable. */
export interface Uncommitted extends CurrentText {
  /** Everything since the last commit, text and metadata, as one update; null if there was no edit. */
  readonly update: Uint8Array | null;
  readonly metadata: SharedMetadata;
}

/** What a batch of updates has done. */
export interface Received {
  /** One for each incoming update, in order. */
  readonly outcomes: readonly Outcome[];
  /** What was held of an update, by its place in the batch: the clients, each with its clock behind the structs held. */
  readonly held: ReadonlyMap<number, ReadonlyMap<number, number>>;
  /** What was new in all of them, as one update; null if nothing was. */
  readonly update: Uint8Array | null;
  /** The document has begun to mend its line ends, so even the only author must be told. */
  readonly isMended: boolean;
}

const DIFFERENT = refusal("client_id_taken", "The update differs from what is known.");

const NOTHING: Received = { outcomes: [], held: new Map(), update: null, isMended: false };

/**
 * The text of one fragment with its metadata, as a Yjs document, and the text and metadata of its last commit.
 *
 * Invariant: the document holds what `load` gives and the updates accepted since, in order. A refused update leaves
 * it unchanged, even where Yjs threw half-way: the document is then rebuilt from those two.
 */
export class FragmentText {
  readonly #load: () => Iterable<Uint8Array>;
  readonly #oldClients: ReadonlySet<number>;
  readonly #edits = new UncommittedEdits();
  #doc: Y.Doc;
  #committedContent = "";
  #committedMetadata: SharedMetadata;
  #committedBytes = 0;
  /** At least the bytes of the content in UTF-8: the last exact count, plus all that was inserted since. */
  #bytesBound = 0;
  /** Whether the content may hold a surrogate pair. */
  #hasPairs = false;
  readonly #lineEnds: LineEndMender;
  #snapshot: Uint8Array | null = null;

  /**
   * @param load the durable history: snapshot and logged updates, in order; read again for each rebuild
   * @param oldClients client ids of deleted generations of this id
   */
  constructor(load: () => Iterable<Uint8Array>, oldClients: ReadonlySet<number> = new Set()) {
    this.#load = load;
    this.#oldClients = oldClients;
    this.#doc = this.#build();
    const content = this.#doc.getText(ROOTS.content).toString();
    this.#committedContent = content;
    this.#hasPairs = hasSurrogates(content);
    this.#lineEnds = new LineEndMender(content);
    this.#committedBytes = this.#bytesBound = utf8Length(content);
    this.#committedMetadata = this.#currentMetadata();
  }

  /** The text of the last commit, which JSON and REST clients see. LF line ends. */
  get committedContent(): string {
    return this.#committedContent;
  }

  /** The size of `committedContent` in bytes of UTF-8. */
  get committedBytes(): number {
    return this.#committedBytes;
  }

  get committedMetadata(): SharedMetadata {
    return this.#committedMetadata;
  }

  get isDirty(): boolean {
    return !this.#edits.isEmpty;
  }

  /** The client ids that have written into the document. */
  get clients(): Iterable<number> {
    return this.#doc.store.clients.keys();
  }

  /** The clock of a client: that of its next struct. */
  clockOf(client: number): number {
    return Y.getState(this.#doc.store, client);
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

  /** A position that moves with the text, in the JSON form of Yjs cursors, for a code unit index. */
  relativePosition(index: number): unknown {
    const text = this.#doc.getText(ROOTS.content);
    return Y.relativePositionToJSON(
      Y.createRelativePositionFromTypeIndex(text, Math.trunc(Math.max(0, Math.min(index, text.length)))),
    );
  }

  /** The code unit index of a relative position that a peer wrote as JSON; null if it is not in this document. */
  absolutePosition(position: unknown): number | null {
    try {
      const relative = Y.createRelativePositionFromJSON(position);
      return Y.createAbsolutePositionFromRelativePosition(relative, this.#doc)?.index ?? null;
    } catch {
      return null; // not a position of this document
    }
  }

  /** Whether an update brings anything that the document does not have; refused if it could not be applied. Changes nothing. */
  hasNews(update: Uint8Array): Result<boolean> {
    const check = new UpdateCheck(this.#doc, this.#oldClients, this.#hasPairs);
    const inspection = check.inspect({ update, isHeld: () => false, differs: () => DIFFERENT });
    if (!inspection.ok) return inspection;
    return done(inspection.value === "gap" || check.accept());
  }

  /** Checks a batch, and applies what is new in the accepted updates as one update. */
  receive(batch: readonly Incoming[]): Received {
    const check = new UpdateCheck(this.#doc, this.#oldClients, this.#hasPairs);
    const held = new Map<number, ReadonlyMap<number, number>>();
    const outcomes = judgeEach(batch, (incoming, index) => {
      const outcome = judge(check, incoming);
      if (check.held !== null) held.set(index, check.held);
      return outcome;
    });
    const { accepted } = check;
    if (accepted.isEmpty) return { ...NOTHING, outcomes, held };

    const update = accepted.encode();
    const waiting = this.#clocksIfDamaged();
    const fault = this.#apply(update, accepted);
    if (fault !== null) {
      this.#rebuild();
      if (batch.length > 1) return this.#receiveOneByOne(batch);
      return { ...NOTHING, outcomes: [refused(fault)] };
    }
    this.#hasPairs = check.hasPairs;
    this.#snapshot = null;
    this.#lineEnds.begin(accepted.insertsCarriageReturn);
    const mended = this.#lineEnds.step(this.#doc);
    if (mended !== null) accepted.addDeleteSet(mended);
    const received = mended === null ? update : accepted.encode();
    this.#edits.add(received, accepted.since, this.#arrivedSince(waiting));
    return { outcomes, held, update: received, isMended: mended !== null };
  }

  /**
   * Whether the text may still hold CRLFs that peers have written. Call `mend` until it holds none, then `uncommitted`.
   */
  get isMending(): boolean {
    return this.#lineEnds.isUnderWay;
  }

  /** Deletes the CRs of the next CRLFs. Returns the update for the peers; null if there was no CRLF left. */
  mend(): Uint8Array | null {
    const deletes = this.#lineEnds.step(this.#doc);
    if (deletes === null) return null;
    this.#snapshot = null;
    return this.#edits.addMended(deletes);
  }

  /**
   * Writes on the server's behalf, under its own client id. The change applies to the current text, uncommitted edits
   * included. Returns the update for the peers, which must be committed before any of them sees it; null if nothing
   * changed.
   */
  write(clientId: number, change: TextChange, metadata: MetadataChange): Uint8Array | null {
    const clock = Y.getState(this.#doc.store, clientId);
    this.#doc.clientID = clientId;
    let deletes: DeleteSet;
    try {
      deletes = this.#doc.transact((transaction) => {
        writeChange(transaction, this.#doc.getText(ROOTS.content), change);
        writeMetadata(this.#doc, metadata);
        return transaction.deleteSet;
      });
    } finally {
      this.#doc.clientID = IDLE_CLIENT_ID;
    }
    for (const { insert } of change.ops) if (insert !== undefined) this.#noteInserted(insert);
    const hasStructs = Y.getState(this.#doc.store, clientId) > clock;
    if (!hasStructs && deletes.clients.size === 0) return null;
    const since = new Map(hasStructs ? [[clientId, clock]] : []);
    const update = encodeSince(this.#doc, since, [deletes]);
    this.#edits.add(update, since);
    this.#snapshot = null;
    return update;
  }

  /** The current metadata, uncommitted edits included. */
  get metadata(): SharedMetadata {
    return this.#edits.touchesMetadata ? this.#currentMetadata() : this.#committedMetadata;
  }

  /** From the committed text to the current one, in one walk over the text. */
  changeSinceCommit(): TextChange {
    return this.#edits.textChange(this.#doc);
  }

  /**
   * Everything that the next commit must make durable.
   *
   * @param known the current text, if the caller has it already
   */
  uncommitted(known: CurrentText | null = null): Uncommitted {
    const { metadata } = this;
    const change = known?.change ?? this.changeSinceCommit();
    return {
      update: this.#edits.encode(this.#doc),
      change,
      content: known?.content ?? applyChange(change, this.#committedContent),
      metadata: sameMetadata(metadata, this.#committedMetadata) ? this.#committedMetadata : metadata,
    };
  }

  /** Takes `uncommitted`, which is durable by now, as the new committed state. */
  commit(uncommitted: Uncommitted): void {
    this.#committedBytes += byteGrowth(uncommitted.change, this.#committedContent);
    this.#bytesBound = this.#committedBytes;
    this.#committedContent = uncommitted.content;
    this.#committedMetadata = uncommitted.metadata;
    this.#edits.clear();
  }

  #build(): Y.Doc {
    const doc = new Y.Doc();
    doc.clientID = IDLE_CLIENT_ID;
    // Types the roots, so that no update can make them something else.
    doc.getText(ROOTS.content);
    doc.getMap(ROOTS.metadata);
    doc.getMap(ROOTS.tags);
    doc.transact(() => {
      for (const update of this.#load()) Y.applyUpdate(doc, update);
    });
    this.#edits.restoreIn(doc);
    this.#snapshot = null;
    return doc;
  }

  #rebuild(): void {
    this.#doc = this.#build();
    this.#bytesBound = utf8Length(this.#doc.getText(ROOTS.content).toString());
  }

  /** Finds the updates of a batch that are at fault. Each costs a rebuild, so a sender has only one of them tried. */
  #receiveOneByOne(batch: readonly Incoming[]): Received {
    const updates: Uint8Array[] = [];
    const held = new Map<number, ReadonlyMap<number, number>>();
    let isMended = false;
    const outcomes = judgeEach(batch, (incoming, index) => {
      const one = this.receive([incoming]);
      for (const clocks of one.held.values()) held.set(index, clocks);
      if (one.update !== null) updates.push(one.update);
      isMended ||= one.isMended;
      return one.outcomes[0] as Outcome; // one for each incoming update
    });
    return { outcomes, held, update: updates.length === 0 ? null : Y.mergeUpdates(updates), isMended };
  }

  /** Applies checked updates. After a refusal the document may be half-way and must be rebuilt. */
  #apply(update: Uint8Array, accepted: AcceptedBatch): Refusal | null {
    try {
      applySplit(this.#doc, update, accepted.cuts);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown";
      return refusal("malformed_update", `The update cannot be applied (${reason}).`);
    }
    for (const [client, clock] of accepted.clocks) {
      if (Y.getState(this.#doc.store, client) < clock) {
        return refusal("malformed_update", "The update depends on itself.");
      }
    }
    const content = this.#doc.getText(ROOTS.content);
    if (!standBetweenNeighbours(this.#doc, content, accepted.structsWithTwoNeighbours)) {
      return refusal("malformed_update", "The neighbours of a struct stand in the wrong order.");
    }
    if (this.#edits.touchesMetadata) {
      const metadata = readMetadata(this.#doc);
      if (!metadata.ok) return metadata.refusal;
    }
    this.#bytesBound += accepted.insertedBytes;
    if (this.#bytesBound <= MAX_CONTENT_BYTES) return null;
    this.#bytesBound = utf8Length(content.toString());
    if (this.#bytesBound <= MAX_CONTENT_BYTES) return null;
    return refusal("content_too_large", `The content must have at most ${MAX_CONTENT_BYTES} bytes of UTF-8.`);
  }

  /** Whether the text surely stays within `MAX_CONTENT_BYTES` with this change. Deletions do not count. */
  surelyFits(change: TextChange): boolean {
    return (
      change.ops.reduce((sum, { insert = "" }) => sum + utf8Length(insert), this.#bytesBound) <=
      MAX_CONTENT_BYTES
    );
  }

  #noteInserted(text: string): void {
    this.#bytesBound += utf8Length(text);
    this.#hasPairs ||= hasSurrogates(text);
    this.#lineEnds.noteWritten(text);
  }

  /**
   * The clocks before an update, if the log has lost a row. Structs that build on lost ones wait in Yjs as pending, and
   * enter the text when a peer brings what was lost. Empty if nothing waits.
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

  /** Those of the clocks that have grown. */
  #arrivedSince(clocks: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
    return new Map([...clocks].filter(([client, clock]) => Y.getState(this.#doc.store, client) > clock));
  }

  /** Only valid metadata are ever accepted, so invalid ones mean that a row of the log was lost. */
  #currentMetadata(): SharedMetadata {
    const metadata = readMetadata(this.#doc);
    return metadata.ok ? metadata.value : salvageMetadata(this.#doc);
  }
}

/** The bytes of UTF-8 by which a change makes a text longer. It must split no surrogate pair. */
function byteGrowth(change: TextChange, text: string): number {
  let growth = 0;
  let at = 0;
  for (const op of change.ops) {
    if (op.insert !== undefined) growth += utf8Length(op.insert);
    else if (op.delete !== undefined) growth -= utf8Length(text.slice(at, at + op.delete));
    at += op.retain ?? op.delete ?? 0;
  }
  return growth;
}

/** Whether a text holds any surrogate, and so a pair that an edit could split. */
function hasSurrogates(text: string): boolean {
  return /[\ud800-\udfff]/.test(text);
}
