import { encodeServerFrame, type PeerPresence, type ServerFrame } from "../../protocol/json-frames.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { CommittedView } from "../fragment/durable-fragment.ts";
import type { TextChange } from "../text/text-change.ts";
import { toChanges } from "../text/wire-changes.ts";
import { fullTextWindowMs } from "./cadence.ts";
import type { JsonRecord, JsonSession } from "./session.ts";

/**
 * The JSON sessions of a room, and the frames that bring them up to the committed revision. Each frame is encoded once
 * for all sessions that know the same revision. Only committed revisions are sent.
 */
export class JsonSessions {
  readonly #sessions = new Map<string, JsonSession>();
  /** Sessions whose record differs from what its peer remembers. */
  readonly #unremembered = new Set<JsonSession>();
  /** The number of sessions that take whole texts, and when a whole text was last sent. */
  #fullTextPeers = 0;
  #fullTextMs = Number.NEGATIVE_INFINITY;
  /** Some session has not been told the committed revision. */
  #isBehind = false;
  readonly #changeSince: (revision: number) => TextChange | null;

  /** @param changeSince the change from a past revision's shown text to the current one; null if it is not known */
  constructor(changeSince: (revision: number) => TextChange | null) {
    this.#changeSince = changeSince;
  }

  get size(): number {
    return this.#sessions.size;
  }

  has(session: JsonSession): boolean {
    return this.#sessions.get(session.record.id) === session;
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

  /** Tells a new revision to the sessions that take changes. `flush` tells the others, at once if it is due. */
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

  /** Tells the committed revision to the sessions that take whole texts. */
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

  /** Stores each changed record where it survives hibernation. */
  remember(): void {
    for (const { record, peer } of this.#unremembered) peer.remember(record);
    this.#unremembered.clear();
  }

  markChanged(session: JsonSession): void {
    this.#unremembered.add(session);
  }

  /** Brings the addressed sessions up to this revision. */
  #tell(view: CommittedView, isAddressed: (record: JsonRecord) => boolean): void {
    const { revision: version } = view;
    let text: string | null = null;
    let metadata: string | null = null;
    const changes = new Map<number, string | null>();
    for (const session of this.#sessions.values()) {
      const { record, peer, knowledge } = session;
      const { seenRevision } = knowledge;
      if (seenRevision >= version || !isAddressed(record)) continue;
      if (seenRevision < view.contentRevision) {
        let frame = record.wantsChanges ? changes.get(seenRevision) : null;
        if (frame === undefined) {
          frame = this.#changesFrame(view, seenRevision);
          changes.set(seenRevision, frame);
        }
        if (frame === null) {
          text ??= encodeServerFrame(textFrame(view));
          frame = text;
        }
        peer.send(frame);
        knowledge.toldText(version);
      }
      if (seenRevision < view.metadataRevision) {
        metadata ??= encodeServerFrame(metadataFrame(view));
        peer.send(metadata);
      }
      knowledge.told(version);
      this.markChanged(session);
    }
  }

  #changesFrame(view: CommittedView, base: number): string | null {
    const change = this.#changeSince(base);
    if (change === null) return null;
    return encodeServerFrame({
      action: "update",
      changes: toChanges(change),
      base_version: base,
      timestamp: timestamp(view.timeMs),
      version: view.revision,
    });
  }
}

export function textFrame({
  content,
  timeMs,
  revision,
}: Pick<CommittedView, "content" | "timeMs" | "revision">): ServerFrame {
  return { action: "update", content, timestamp: timestamp(timeMs), version: revision };
}

export function metadataFrame({ metadata, timeMs, revision }: CommittedView): ServerFrame {
  return { action: "update_metadata", ...metadata, timestamp: timestamp(timeMs), version: revision };
}

export function send(session: JsonSession, frame: ServerFrame): void {
  session.peer.send(encodeServerFrame(frame));
}
