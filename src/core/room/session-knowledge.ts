import { MAX_REMEMBERED_REBASE_UNITS, MAX_REMEMBERED_TEXTS } from "../../protocol/limits.ts";
import type { KnownText } from "../fragment/write.ts";
import { NO_CHANGE, TextChange } from "../text/text-change.ts";

/** A slow round trip. For this long after its own last write, a session may not have read the answer. */
const CROSSING_MS = 5_000;

/** The knowledge of a JSON session, in the form that its socket's attachment keeps over hibernation. */
export interface KnowledgeRecord {
  /** The revision whose content and metadata the session knows. */
  seenRevision: number;
  /** The revision that was current when it joined; 0 once it has written a text, which says what its page shows. */
  joinedRevision: number;
  /** Its own last write: the revision, when it was committed, and the change from that text back to what was sent. */
  ownWrite: { readonly revision: number; readonly timeMs: number; readonly toSent: TextChange["ops"] } | null;
  /** Revisions of the texts that it was sent after the base of its own last write, in that order. */
  sentRevisions: readonly number[];
  /** The tags of its last write of tags, as it sent them, and the revision of that write. */
  ownTags: { readonly revision: number; readonly tags: readonly string[] } | null;
}

/** A committed write of the session. */
export interface OwnWrite {
  readonly revision: number;
  readonly timeMs: number;
  /** From the text of that revision back to what was sent. */
  readonly toSent: TextChange;
}

export const KNOWS_NOTHING: KnowledgeRecord = {
  seenRevision: 0,
  joinedRevision: 0,
  ownWrite: null,
  sentRevisions: [],
  ownTags: null,
};

/**
 * The knowledge that one JSON session has of its fragment. It tells which texts its user may have seen when it wrote.
 *
 * Invariant: of its own last write and the texts that it was sent, the newest is of `seenRevision` or later. So a write
 * that names no base always has a base among `texts`, as long as the past is kept.
 */
export class SessionKnowledge {
  readonly #record: KnowledgeRecord;
  /** The same with the whole change, which may be too long for the record. Null after hibernation. */
  #ownWrite: OwnWrite | null = null;

  /** @param record is changed in place */
  constructor(record: KnowledgeRecord) {
    this.#record = record;
  }

  get seenRevision(): number {
    return this.#record.seenRevision;
  }

  /** The session has joined while this revision was current, and was sent it. */
  joined(revision: number): void {
    this.#record.joinedRevision = revision;
    this.told(revision);
  }

  /**
   * The revision that it was sent when it joined; its page may still show an older one. Null once it has written a
   * text.
   */
  get joinedRevision(): number | null {
    return this.#record.joinedRevision || null;
  }

  /** The session was sent the text of this revision. */
  toldText(revision: number): void {
    const { sentRevisions } = this.#record;
    this.#record.sentRevisions = [...sentRevisions, revision].slice(-MAX_REMEMBERED_TEXTS);
  }

  /** The session knows all of this revision, and may build on its text. */
  told(revision: number): void {
    this.#record.seenRevision = revision;
    const { sentRevisions, ownWrite } = this.#record;
    const newest = Math.max(sentRevisions.at(-1) ?? -1, ownWrite?.revision ?? -1);
    if (newest < revision) this.toldText(revision);
  }

  /**
   * A write of the session is durable.
   *
   * @param baseRevision the revision that it was an edit of; null if it was an edit of the session's own text. Revisions
   *   sent since then may have crossed this write on the wire
   */
  wrote(write: OwnWrite, baseRevision: number | null): void {
    const { revision, timeMs, toSent } = write;
    const isSmall = JSON.stringify(toSent.ops).length <= MAX_REMEMBERED_REBASE_UNITS;
    this.#ownWrite = write;
    this.#record.joinedRevision = 0;
    this.#record.ownWrite = isSmall ? { revision, timeMs, toSent: toSent.ops } : null;
    this.#record.sentRevisions = this.#record.sentRevisions.filter((sent) => sent > (baseRevision ?? 0));
    // After hibernation only the merged text of such a write is known.
    if (!isSmall) this.toldText(revision);
  }

  /** The tags that the session sent, which may not be those that the revision has in the end. */
  wroteTags(revision: number, tags: readonly string[]): void {
    const isSmall = JSON.stringify(tags).length <= MAX_REMEMBERED_REBASE_UNITS;
    this.#record.ownTags = isSmall ? { revision, tags } : null;
  }

  /**
   * The possible bases of a write that names none, oldest first. Texts that crossed its own last write count until the
   * session must have read the answer to that write.
   */
  texts(nowMs: number): KnownText[] {
    const { sentRevisions } = this.#record;
    const own = this.#ownWrite ?? this.#rememberedWrite();
    if (own === null) return sentRevisions.map((revision) => sentText(revision, "later"));
    const isCrossingOver = nowMs > own.timeMs + CROSSING_MS;
    const crossing = sentRevisions.filter((revision) => !isCrossingOver && revision < own.revision);
    const later = sentRevisions.filter((revision) => revision >= own.revision);
    return [
      { revision: own.revision, when: "own", toSent: own.toSent, tags: null },
      ...crossing.map((revision) => sentText(revision, "crossing")),
      ...later.map((revision) => sentText(revision, "later")),
    ];
  }

  /** The possible bases of a write of tags: the tags that the session last sent, and those that it was told since. */
  tags(nowMs: number): KnownText[] {
    const { ownTags } = this.#record;
    const texts = this.texts(nowMs);
    if (ownTags === null) return texts;
    const since = texts.filter(({ revision }) => revision >= ownTags.revision);
    return [{ revision: ownTags.revision, when: "own", toSent: NO_CHANGE, tags: ownTags.tags }, ...since];
  }

  #rememberedWrite(): OwnWrite | null {
    const { ownWrite } = this.#record;
    return ownWrite === null ? null : { ...ownWrite, toSent: new TextChange([...ownWrite.toSent]) };
  }
}

function sentText(revision: number, when: KnownText["when"]): KnownText {
  return { revision, when, toSent: NO_CHANGE, tags: null };
}
