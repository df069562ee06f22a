import type { Refusal } from "../../protocol/errors.ts";
import { encodeServerFrame, type PeerPresence, type ServerFrame } from "../../protocol/json-frames.ts";
import { MAX_REMEMBERED_REBASE_UNITS, MAX_REMEMBERED_TEXTS } from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { CommittedView } from "../fragment/durable-fragment.ts";
import type { KnownText } from "../fragment/write.ts";
import { NO_CHANGE, TextChange } from "../text/text-change.ts";
import { toChanges } from "../text/wire-changes.ts";
import { fullTextWindowMs } from "./cadence.ts";
import type { JsonRecord, JsonSession } from "./session.ts";

/** A round trip, and one that is slow: so long after its own write a session may not have read what became of it. */
const CROSSING_MS = 5_000;

/**
 * The JSON peers of a room: what each of them knows, and the frames that bring them to the committed revision,
 * encoded once for all that are in the same place. Nothing else than committed revisions is told here.
 */
export class JsonSessions {
  readonly #sessions = new Map<string, JsonSession>();
  /** Whose record differs from what its peer remembers. */
  readonly #unremembered = new Set<JsonSession>();
  /** How many take whole texts, and when those last left. */
  #fullTextPeers = 0;
  #fullTextMs = Number.NEGATIVE_INFINITY;
  /** Some session has not been told the committed revision. */
  #isBehind = false;
  /** Merged texts that old clients are still to be told. */
  readonly #merged = new Map<JsonSession, ServerFrame>();

  readonly #changeSince: (revision: number) => TextChange | null;

  /** @param changeSince from a past revision's shown text to the current one's; null if that is not known */
  constructor(changeSince: (revision: number) => TextChange | null) {
    this.#changeSince = changeSince;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(id: string): JsonSession | undefined {
    return this.#sessions.get(id);
  }

  values(): Iterable<JsonSession> {
    return this.#sessions.values();
  }

  add(session: JsonSession): void {
    this.#sessions.set(session.record.id, session);
    if (!session.record.wantsChanges) this.#fullTextPeers++;
  }

  remove(session: JsonSession): void {
    if (!this.#sessions.delete(session.record.id)) return;
    this.#unremembered.delete(session);
    if (!session.record.wantsChanges) this.#fullTextPeers--;
  }

  welcome(session: JsonSession, view: CommittedView): void {
    send(session, {
      action: "initial",
      id: view.id,
      content: view.content,
      ...view.metadata,
      updated_at: timestamp(view.timeMs),
      version: view.revision,
      session: session.record.id,
    });
    this.#toldText(session, view.revision);
  }

  refuse(
    session: JsonSession,
    { code, message }: Refusal,
    requestId: string | undefined,
    view: CommittedView | null,
  ): void {
    const frame: ServerFrame = { action: "error", code, message, request_id: requestId };
    if (code !== "stale_base" || view === null) {
      send(session, frame);
      return;
    }
    send(session, { ...frame, version: view.revision, content: view.content });
    this.#toldText(session, view.revision);
    if (session.record.seenRevision < view.metadataRevision) this.tellMetadata(session, view);
    this.knows(session, view.revision);
  }

  /**
   * Acknowledges a write of this session: it is durable as `revision`.
   *
   * @param toSent the way back from that revision's text to what was sent
   * @param content that revision's text where it is not what was sent
   * @param wroteContent false for a repetition, and for a write of metadata only, which says nothing about the text
   * @param baseRevision what it was an edit of, if not of its own text: what was sent to it since may have been in flight
   *   when it wrote, and be before its eyes now
   */
  acknowledge(
    session: JsonSession,
    status: {
      revision: number;
      timeMs: number;
      requestId: string | undefined;
      toSent: TextChange;
      content: string | null;
      wroteContent: boolean;
      baseRevision: number | null;
    },
  ): void {
    const { record } = session;
    const { revision, content } = status;
    const merged = content === null || record.isOldClient ? {} : { content };
    const time = timestamp(status.timeMs);
    send(session, {
      action: "update_status",
      success: true,
      timestamp: time,
      version: revision,
      request_id: status.requestId,
      ...merged,
    });
    if (content !== null && record.isOldClient) {
      this.#merged.set(session, { action: "update", content, timestamp: time, version: revision });
    }
    if (!status.wroteContent) {
      // Of a repetition: the sender may go on from it, whatever it was told when it came back.
      if (content !== null) this.#toldText(session, revision);
      return;
    }
    if (content === null) this.#merged.delete(session);
    const { toSent } = status;
    const isSmall = JSON.stringify(toSent.ops).length <= MAX_REMEMBERED_REBASE_UNITS;
    const { timeMs } = status;
    session.ownWrite = { revision, timeMs, toSent };
    record.ownWrite = isSmall ? { revision, timeMs, toSent: toSent.ops } : null;
    const { baseRevision } = status;
    record.sentRevisions = record.sentRevisions.filter((sent) => sent > (baseRevision ?? 0));
    if (content !== null || !isSmall) this.#toldText(session, revision);
    this.#unremembered.add(session);
  }

  /**
   * Tells old clients what became of their texts, behind all acknowledgements of one commit: one that had several in it
   * and types on between two frames would lose that to a second one.
   */
  tellMerged(): void {
    for (const [session, frame] of this.#merged) send(session, frame);
    this.#merged.clear();
  }

  tellMetadata(session: JsonSession, view: CommittedView): void {
    const { metadata, timeMs, revision: version } = view;
    send(session, { action: "update_metadata", ...metadata, timestamp: timestamp(timeMs), version });
  }

  /** This session knows all of that revision: its text, too, may be what it builds on. */
  knows(session: JsonSession, revision: number): void {
    const { record } = session;
    record.seenRevision = revision;
    const newest = Math.max(record.sentRevisions.at(-1) ?? -1, record.ownWrite?.revision ?? -1);
    if (newest < revision) this.#toldText(session, revision);
    this.#unremembered.add(session);
  }

  /** A revision was committed: those that are not told at once are told by `flush`. */
  committed(view: CommittedView, nowMs: number): void {
    this.#isBehind = this.#sessions.size > 0;
    this.#tell(view, (record) => record.wantsChanges);
    if (nowMs >= (this.dueAt(view.size, nowMs) ?? 0)) this.flush(view, nowMs);
  }

  /** When `flush` is due; null if everybody knows the committed revision. */
  dueAt(size: number, nowMs: number): number | null {
    if (!this.#isBehind) return null;
    return Math.min(this.#fullTextMs, nowMs) + fullTextWindowMs(size, this.#fullTextPeers);
  }

  flush(view: CommittedView, nowMs: number): void {
    this.#isBehind = false;
    this.#fullTextMs = nowMs;
    this.#tell(view, (record) => !record.wantsChanges);
  }

  broadcastPresence(peers: readonly PeerPresence[], except: string | null): void {
    const frame = encodeServerFrame({ action: "presence", peers });
    for (const { record, peer } of this.#sessions.values()) {
      if (!record.isOldClient && record.id !== except) peer.send(frame);
    }
  }

  /** Has each changed record kept where it survives hibernation. */
  remember(): void {
    for (const { record, peer } of this.#unremembered) peer.remember(record);
    this.#unremembered.clear();
  }

  markChanged(session: JsonSession): void {
    this.#unremembered.add(session);
  }

  /** Frames by the revision that their readers know, so that each is encoded once. */
  #tell(view: CommittedView, isAddressed: (record: JsonRecord) => boolean): void {
    const time = timestamp(view.timeMs);
    const { revision: version } = view;
    let text: string | null = null;
    let metadata: string | null = null;
    const changes = new Map<number, string | null>();
    for (const session of this.#sessions.values()) {
      const { record, peer } = session;
      if (record.seenRevision >= version || !isAddressed(record)) continue;
      if (record.seenRevision < view.contentRevision) {
        let frame = record.wantsChanges ? changes.get(record.seenRevision) : null;
        if (frame === undefined) {
          frame = this.#changesFrame(view, record.seenRevision);
          changes.set(record.seenRevision, frame);
        }
        if (frame === null) {
          text ??= encodeServerFrame({ action: "update", content: view.content, timestamp: time, version });
          frame = text;
        }
        peer.send(frame);
        this.#toldText(session, version);
      }
      if (record.seenRevision < view.metadataRevision) {
        metadata ??= encodeServerFrame({
          action: "update_metadata",
          ...view.metadata,
          timestamp: time,
          version,
        });
        peer.send(metadata);
      }
      this.knows(session, version);
    }
  }

  #changesFrame(view: CommittedView, base: number): string | null {
    const change = this.#changeSince(base);
    if (change === null) return null;
    const time = timestamp(view.timeMs);
    const changes = toChanges(change);
    return encodeServerFrame({
      action: "update",
      changes,
      base_version: base,
      timestamp: time,
      version: view.revision,
    });
  }

  #toldText(session: JsonSession, revision: number): void {
    const { record } = session;
    record.sentRevisions = [...record.sentRevisions, revision].slice(-MAX_REMEMBERED_TEXTS);
    this.#unremembered.add(session);
  }
}

/**
 * The texts that may be the base of what this session sends without naming one, oldest first. What crossed its own last
 * write is among them until it must have read what became of that.
 */
export function knownTexts({ record, ownWrite }: JsonSession, nowMs: number): KnownText[] {
  const own = ownWrite ?? toOwnWrite(record);
  const sent = (revision: number, when: KnownText["when"]): KnownText => ({
    revision,
    when,
    toSent: NO_CHANGE,
    tags: null,
  });
  if (own === null) return record.sentRevisions.map((revision) => sent(revision, "later"));
  const isCrossingOver = nowMs > own.timeMs + CROSSING_MS;
  const crossing = record.sentRevisions.filter((revision) => !isCrossingOver && revision < own.revision);
  const later = record.sentRevisions.filter((revision) => revision >= own.revision);
  return [
    { revision: own.revision, when: "own", toSent: own.toSent, tags: null },
    ...crossing.map((revision) => sent(revision, "crossing")),
    ...later.map((revision) => sent(revision, "later")),
  ];
}

function toOwnWrite({ ownWrite }: JsonRecord): JsonSession["ownWrite"] {
  return ownWrite === null ? null : { ...ownWrite, toSent: new TextChange([...ownWrite.toSent]) };
}

/** The same for its tags: as it last sent them, and those it was told since. */
export function knownTags(session: JsonSession, nowMs: number): KnownText[] {
  const { ownTags } = session.record;
  const texts = knownTexts(session, nowMs);
  if (ownTags === null) return texts;
  const since = texts.filter(({ revision }) => revision >= ownTags.revision);
  return [{ revision: ownTags.revision, when: "own", toSent: NO_CHANGE, tags: ownTags.tags }, ...since];
}

/** The tags that a session sent, which may not be those that the revision has in the end. */
export function rememberTags({ record }: JsonSession, revision: number, tags: readonly string[]): void {
  const isSmall = JSON.stringify(tags).length <= MAX_REMEMBERED_REBASE_UNITS;
  record.ownTags = isSmall ? { revision, tags } : null;
}

export function send(session: JsonSession, frame: ServerFrame): void {
  session.peer.send(encodeServerFrame(frame));
}
