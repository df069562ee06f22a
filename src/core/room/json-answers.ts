import type { Refusal, Result } from "../../protocol/errors.ts";
import type { Metadata } from "../../protocol/fragment.ts";
import type { ServerFrame } from "../../protocol/json-frames.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { CommittedView, DurableFragment } from "../fragment/durable-fragment.ts";
import { metadataAt } from "../fragment/revision-history.ts";
import type { Base, ContentWrite, RequestKey, Written } from "../fragment/write.ts";
import { sameTags } from "../text/shared-metadata.ts";
import { invertChange } from "../text/text-change.ts";
import { toChanges } from "../text/wire-changes.ts";
import { type JsonSessions, metadataFrame, send, textFrame } from "./json-sessions.ts";
import type { JsonSession } from "./session.ts";

/** A write as one frame asks for it. */
export interface WriteRequest {
  readonly session: JsonSession;
  readonly content: ContentWrite | null;
  readonly metadata: Partial<Metadata> | null;
  readonly base: Base;
  /** Null if the frame has no request id. */
  readonly key: RequestKey | null;
  /** The revision that the session had been told of when the frame came in. */
  readonly seenRevision: number;
  readonly nowMs: number;
}

/** Stale requests remembered for one session. If there are more, they are forgotten, and a text may be sent twice. */
const MAX_STALE_REQUESTS = 1_000;

/** A write that a commit has made durable, or that it repeats. */
interface Answered {
  readonly request: WriteRequest;
  readonly written: Written;
}

/**
 * The answers to the writes of JSON sessions. A refusal is sent at once. The statuses of one commit are sent together:
 * of a session's statuses for one revision, only the last carries the merged text.
 */
export class JsonAnswers {
  readonly #fragment: DurableFragment;
  readonly #sessions: JsonSessions;
  readonly #written = new Map<JsonSession, Answered[]>();
  /** The stale requests of each session. Requests that build on them are stale too, and need no text of their own. */
  readonly #stale = new WeakMap<JsonSession, Set<string>>();

  constructor(fragment: DurableFragment, sessions: JsonSessions) {
    this.#fragment = fragment;
    this.#sessions = sessions;
  }

  /** Takes the result of a write. A session that has left gets no answer, but its write is committed all the same. */
  add(request: WriteRequest, result: Result<Written>): void {
    const { session } = request;
    if (!this.#sessions.has(session)) return;
    if (!result.ok) {
      this.#refuse(request, result.refusal);
      return;
    }
    const answered = this.#written.get(session);
    if (answered === undefined) this.#written.set(session, [{ request, written: result.value }]);
    else answered.push({ request, written: result.value });
  }

  /** Sends the statuses of a commit, which is durable. */
  send(): void {
    for (const [session, answered] of this.#written) {
      const last = lastOfEachRevision(answered);
      let merged: ServerFrame | null = null;
      for (const one of answered) {
        const isLast = last.has(one) || one.request.content === null;
        const content = isLast ? one.written.content : null;
        this.#acknowledge(one, content, isLast);
        if (content !== null) merged = textFrame({ ...one.written, content });
        else if (wroteText(one)) merged = null;
      }
      // Sent after all statuses: what is typed into an old page between two frames would be lost to a second text.
      if (session.record.isOldClient && merged !== null) send(session, merged);
      this.#sessions.markChanged(session);
    }
    this.#written.clear();
  }

  #refuse(request: WriteRequest, { code, message }: Refusal): void {
    const { session } = request;
    const frame: ServerFrame = { action: "error", code, message, request_id: requestIdOf(request) };
    if (code !== "stale_base" || !this.#fragment.exists) {
      send(session, frame);
      return;
    }
    const view = this.#fragment.committed;
    const { knowledge } = session;
    const isToldOf = this.#isToldOf(request);
    send(session, { ...frame, version: view.revision, ...(isToldOf ? {} : { content: view.content }) });
    if (!isToldOf) knowledge.toldText(view.revision);
    if (knowledge.seenRevision < view.metadataRevision) send(session, metadataFrame(view));
    knowledge.told(view.revision);
    this.#sessions.markChanged(session);
  }

  /** Whether the write builds on a stale one, whose answer has brought the text already. */
  #isToldOf({ session, base, key }: WriteRequest): boolean {
    const requestId = key?.requestId;
    let stale = this.#stale.get(session);
    if (stale === undefined || stale.size > MAX_STALE_REQUESTS) {
      stale = new Set();
      this.#stale.set(session, stale);
    }
    if (requestId !== undefined) stale.add(requestId);
    return base.kind === "request" && base.requestId !== requestId && stale.has(base.requestId);
  }

  /**
   * @param content the committed text, where the session cannot know it
   * @param isLast no later write of the session's is in the same revision
   */
  #acknowledge(answered: Answered, content: string | null, isLast: boolean): void {
    const { request, written } = answered;
    const { session, metadata } = request;
    const { record, knowledge } = session;
    const { revision, timeMs, toSent } = written;
    send(session, {
      action: "update_status",
      success: true,
      timestamp: timestamp(timeMs),
      version: revision,
      request_id: requestIdOf(request),
      ...(content === null || record.isOldClient ? {} : mergedText(written, content, record.wantsChanges)),
      ...(isLast || record.isOldClient ? {} : { more: true }),
    });
    if (wroteText(answered)) knowledge.wrote({ revision, timeMs, toSent }, written.baseRevision);
    // The sender may also build on the text of a repetition, whatever it was told when it reconnected.
    if (content !== null) knowledge.toldText(revision);
    if (written.isRepetition) return;
    if (metadata?.tags !== undefined) knowledge.wroteTags(revision, metadata.tags);
    this.#tellMetadata(request, revision);
  }

  /** Tells a session that knows the text of its write's revision the metadata of that revision. */
  #tellMetadata({ session, content, metadata, seenRevision, nowMs }: WriteRequest, revision: number): void {
    const view: CommittedView = this.#fragment.committed;
    const { knowledge } = session;
    const knowsText = content !== null || view.contentRevision <= knowledge.seenRevision;
    if (!knowsText) return; // the room will tell it both
    const believed = { ...metadataAt(this.#fragment.history, seenRevision, nowMs), ...metadata };
    if (!sameMetadata(believed, view.metadata)) send(session, metadataFrame(view));
    knowledge.told(revision);
  }
}

function requestIdOf({ key }: WriteRequest): string | undefined {
  return key?.requestId;
}

/** For each revision, the last answer to a write of the text. The others only confirm. */
function lastOfEachRevision(answered: readonly Answered[]): ReadonlySet<Answered> {
  const last = new Map<number, Answered>();
  for (const one of answered) if (one.request.content !== null) last.set(one.written.revision, one);
  return new Set(last.values());
}

/** A repetition, and a write of metadata only, say nothing about the text that the session has. */
function wroteText({ request, written }: Answered): boolean {
  return request.content !== null && !written.isRepetition;
}

/** The committed text for a status: whole, or as changes to what was sent. */
function mergedText({ toSent, isToSentExact }: Written, content: string, wantsChanges: boolean) {
  if (!wantsChanges || !isToSentExact) return { content };
  return { changes: toChanges(invertChange(toSent, content)) };
}

function sameMetadata(believed: Partial<Metadata>, metadata: Metadata): boolean {
  return (
    believed.description === metadata.description &&
    believed.prompt_type === metadata.prompt_type &&
    believed.tags !== undefined &&
    sameTags(believed.tags, metadata.tags)
  );
}
