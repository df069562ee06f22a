import { scanInclusions } from "../../language/inclusion.ts";
import { roleFault } from "../../protocol/access.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import {
  AS_BEFORE,
  type ExpandedText,
  type ExpansionResult,
  expandOptions,
  showAsBefore,
  showExpansion,
  showWarnings,
} from "../../protocol/expansion.ts";
import { givenMetadata } from "../../protocol/fragment.ts";
import { type ClientFrame, decodeClientFrame, type FrameOf } from "../../protocol/json-frames.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { DurableFragment } from "../fragment/durable-fragment.ts";
import { socketClient } from "../fragment/request-client.ts";
import { changeSince } from "../fragment/revision-history.ts";
import type { Base, KnownText, RequestKey, Write } from "../fragment/write.ts";
import { EarlierSessions } from "./earlier-sessions.ts";
import type { Effect, ExpandRequest } from "./effects.ts";
import { JsonAnswers, type WriteRequest } from "./json-answers.ts";
import { JsonSessions, send } from "./json-sessions.ts";
import type { Presence } from "./presence.ts";
import { toAwarenessState } from "./presence-state.ts";
import { fingerprintOf } from "./request-fingerprint.ts";
import type { JsonSession } from "./session.ts";

/** The room, as the JSON protocol needs it. */
export interface JsonPorts {
  readonly fragment: DurableFragment;
  readonly presence: Presence;
  submit(write: Write): void;
}

/** The JSON side of a room: its sessions, the effects of their frames, and the answers to them. */
export class JsonProtocol {
  readonly sessions: JsonSessions;
  readonly #ports: JsonPorts;
  readonly #answers: JsonAnswers;
  readonly #earlier: EarlierSessions;

  constructor(ports: JsonPorts) {
    this.#ports = ports;
    this.#earlier = new EarlierSessions(ports.fragment.exists);
    const { fragment } = ports;
    this.sessions = new JsonSessions((revision) =>
      changeSince(fragment.history, revision, fragment.committed.timeMs),
    );
    this.#answers = new JsonAnswers(fragment, this.sessions);
  }

  /** Adds a session and sends it the fragment. */
  join(session: JsonSession): void {
    this.sessions.add(session);
    const { committed } = this.#ports.fragment;
    send(session, {
      action: "initial",
      id: committed.id,
      content: committed.content,
      ...committed.metadata,
      ...(session.record.isOldClient ? { is_composite: includesOthers(committed.content) } : {}),
      updated_at: timestamp(committed.timeMs),
      version: committed.revision,
      session: session.record.id,
    });
    session.knowledge.joined(committed.revision);
    this.#earlier.joined(session, committed.revision);
    this.sessions.markChanged(session);
  }

  /** Takes in a session whose socket outlived the last room. */
  restore(session: JsonSession): void {
    this.sessions.add(session);
    this.#earlier.restored(session);
  }

  leave(session: JsonSession, nowMs: number): void {
    this.sessions.remove(session);
    this.#earlier.left(session, nowMs);
  }

  /**
   * Takes note of a commit.
   *
   * @param writers the sessions with a write in it; null stands for anybody else
   */
  committed(writers: ReadonlySet<object | null>): void {
    this.#earlier.committed(writers);
  }

  /** Does what one frame asks for. A faulty frame is refused; it never ends the session. */
  receive(session: JsonSession, message: string | Uint8Array, nowMs: number): Effect | null {
    if (typeof message !== "string") {
      this.refuse(session, refusal("invalid_frame", "A frame must be text."), undefined);
      return null;
    }
    const decoded = decodeClientFrame(message, session.record.isOldClient);
    if (!decoded.ok) {
      if (decoded.silentForOldClients && session.record.isOldClient) return null;
      this.refuse(session, decoded.refusal, decoded.requestId);
      return null;
    }
    const { value: frame } = decoded;
    const requestId = frame.request_id ?? undefined;
    const { seenRevision } = session.knowledge;
    const fault = isWrite(frame) ? roleFault(session.record.access, "editor") : null;
    if (fault !== null) {
      this.refuse(session, fault, requestId);
      return { kind: "refused", session, code: fault.code };
    }
    const asked = { session, seenRevision, nowMs };
    switch (frame.action) {
      case "update": {
        const base =
          namedBase(session, frame) ?? this.#likeliest(session, () => session.knowledge.texts(nowMs), nowMs);
        const content = { kind: "text", text: frame.content } as const;
        this.#write({ ...asked, content, metadata: null, base, key: keyOf(session, frame) });
        return null;
      }
      case "edit": {
        const base = namedBase(session, frame);
        const content = { kind: "changes", changes: frame.changes } as const;
        if (base === null) this.refuse(session, BASE_NOT_NAMED, requestId);
        else this.#write({ ...asked, content, metadata: null, base, key: keyOf(session, frame) });
        return null;
      }
      case "update_metadata": {
        const base =
          namedBase(session, frame) ?? this.#likeliest(session, () => session.knowledge.tags(nowMs), nowMs);
        const metadata = givenMetadata(frame);
        this.#write({ ...asked, content: null, metadata, base, key: keyOf(session, frame) });
        return null;
      }
      case "expand":
        return {
          kind: "expand",
          session,
          content: frame.content ?? null,
          options: session.record.isOldClient ? AS_BEFORE : expandOptions(frame),
          requestId,
        };
      case "authenticate":
        return { kind: "renewal", session, token: frame.token, requestId };
      case "presence":
        this.#setPresence(session, frame, nowMs);
        return null;
      case "ping":
        send(session, { action: "pong", request_id: requestId });
        return null;
      default:
        return frame satisfies never;
    }
  }

  /** Answers what `receive` returned. A session that has left meanwhile gets nothing. */
  answerExpand(
    { session, requestId, options: { unresolved } }: ExpandRequest,
    content: string,
    answer: ExpansionResult<ExpandedText>,
  ): void {
    if (!this.sessions.has(session)) return;
    if (!answer.ok) {
      const { warnings } = answer;
      const { code, message } = answer.refusal;
      const shown = warnings === undefined ? {} : { warnings: showWarnings(warnings, unresolved) };
      send(session, { action: "error", code, message, ...shown, request_id: requestId });
      return;
    }
    const shown = session.record.isOldClient
      ? showAsBefore(answer.value)
      : showExpansion(answer.value, unresolved);
    send(session, { action: "expanded", content, ...shown, request_id: requestId });
  }

  /** Sends the answers to the writes of a commit, which is durable. */
  sendAnswers(): void {
    this.#answers.send();
  }

  refuse(session: JsonSession, why: Refusal, requestId: string | undefined): void {
    const { code, message, retryAfterS: retry_after } = why;
    send(session, { action: "error", code, message, request_id: requestId, retry_after });
  }

  /** Tells a session what it may do, and until when. */
  tellAccess(session: JsonSession, requestId?: string): void {
    const { role, expiresAtMs } = session.record.access;
    const expires_at = expiresAtMs === null ? null : timestamp(expiresAtMs);
    send(session, { action: "access", role, expires_at, request_id: requestId });
  }

  /** The likeliest of these texts. Only those count that the session had been told of when its frame came in. */
  #likeliest(session: JsonSession, known: () => readonly KnownText[], nowMs: number): Base {
    const { knowledge, record } = session;
    const { seenRevision } = knowledge;
    // On the new address a client could have named its base, so its text may well be a new one.
    const certainty = record.isOldClient ? "shown" : "perhaps";
    return {
      kind: "likeliest",
      texts: () => known().filter(({ when, revision }) => when === "own" || revision <= seenRevision),
      shownBefore: () => {
        const before = knowledge.joinedRevision;
        const shown = this.#earlier.shownTo(session, nowMs);
        if (before === null || shown === null) return null;
        const likelihood = shown.isCertain ? certainty : "perhaps";
        return { before, of: (revision) => (revision >= shown.oldest ? likelihood : "no") };
      },
    };
  }

  #write(request: WriteRequest): void {
    const { session, content, metadata, base, seenRevision } = request;
    const { access } = session.record;
    this.#ports.submit({
      content,
      metadata,
      base,
      expectedVersions: null,
      author: access.principal.id,
      session,
      seenRevision,
      request: request.key,
      answer: (result) => this.#answers.add(request, result),
    });
  }

  #setPresence(session: JsonSession, frame: FrameOf<"presence">, nowMs: number): void {
    const { fragment, presence } = this.#ports;
    const { record } = session;
    if (record.clientId === null) throw new Error("A JSON session is given its client id when it joins.");
    const entry = {
      client: record.clientId,
      clock: record.presenceClock + 1,
      state: frame.state === null ? "null" : toAwarenessState(frame.state, fragment.text),
    };
    const refused = presence.set(session, entry, nowMs, false);
    if (refused !== null) this.refuse(session, refused, frame.request_id ?? undefined);
    else this.sessions.markChanged(session);
  }
}

function isWrite({ action }: ClientFrame): boolean {
  return action === "update" || action === "edit" || action === "update_metadata";
}

function includesOthers(content: string): boolean {
  return scanInclusions(content).next().done !== true;
}

const BASE_NOT_NAMED = refusal("invalid_frame", "edit: name the base in base_version or base_request_id.");

/** The key under which a repetition of this frame is recognised; null where it has no request id. */
function keyOf(session: JsonSession, frame: ClientFrame): RequestKey | null {
  if (frame.request_id == null) return null;
  const fingerprint = fingerprintOf(frame);
  return { client: clientOf(session), requestId: frame.request_id, fingerprint };
}

function namedBase(
  session: JsonSession,
  frame: { base_version?: number | null | undefined; base_request_id?: string | null | undefined },
): Base | null {
  if (frame.base_request_id != null) {
    return { kind: "request", client: clientOf(session), requestId: frame.base_request_id };
  }
  return frame.base_version == null ? null : { kind: "version", version: frame.base_version };
}

/** Only a name that the client chose survives a reconnect. */
function clientOf({ record }: JsonSession): string {
  return socketClient(record.access.principal, record.clientName, record.id);
}
