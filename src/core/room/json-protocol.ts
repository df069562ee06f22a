import { type Refusal, type Result, refusal } from "../../protocol/errors.ts";
import { givenMetadata, type Metadata } from "../../protocol/fragment.ts";
import { type ClientFrame, decodeClientFrame } from "../../protocol/json-frames.ts";
import { metadataAt } from "../fragment/revision-history.ts";
import type { Base, ContentWrite, KnownText, Written } from "../fragment/write.ts";
import { sameTags } from "../text/shared-metadata.ts";
import { knownTags, knownTexts, rememberTags, send } from "./json-sessions.ts";
import { toAwarenessState } from "./presence.ts";
import type { Room } from "./room.ts";
import { canWrite, type JsonSession } from "./session.ts";

/** A JSON session asks for an expansion; what comes of it is sent to the session, outside of the room's turn. */
export interface ExpandRequest {
  readonly session: JsonSession;
  /** Null: the current text. */
  readonly content: string | null;
  readonly requestId: string | undefined;
}

type FrameOf<A extends ClientFrame["action"]> = Extract<ClientFrame, { action: A }>;

/** What one text frame of a JSON session does. Whatever is wrong with it, the session lives. */
export function receiveJson(
  room: Room,
  session: JsonSession,
  text: string,
  nowMs: number,
  expand: (request: ExpandRequest) => void,
): void {
  const decoded = decodeClientFrame(text, session.record.isOldClient);
  if (!decoded.ok) {
    if (decoded.silentForOldClients && session.record.isOldClient) return;
    room.json.refuse(session, decoded.refusal, decoded.requestId, null);
    return;
  }
  const { value: frame } = decoded;
  const requestId = frame.request_id ?? undefined;
  switch (frame.action) {
    case "update":
      write(
        room,
        session,
        { kind: "text", text: frame.content },
        null,
        updateBase(session, frame, nowMs),
        requestId,
        nowMs,
      );
      break;
    case "edit": {
      const base = editBase(session, frame);
      if ("code" in base) room.json.refuse(session, base, requestId, null);
      else write(room, session, { kind: "changes", changes: frame.changes }, null, base, requestId, nowMs);
      break;
    }
    case "update_metadata":
      write(room, session, null, givenMetadata(frame), metadataBase(session, frame, nowMs), requestId, nowMs);
      break;
    case "expand":
      expand({ session, content: frame.content ?? null, requestId });
      break;
    case "presence":
      setPresence(room, session, frame, nowMs);
      break;
    case "ping":
      send(session, { action: "pong", request_id: requestId });
      break;
    default:
      frame satisfies never;
  }
}

function updateBase(session: JsonSession, frame: FrameOf<"update">, nowMs: number): Base {
  return namedBase(session, frame) ?? likeliest(session, () => knownTexts(session, nowMs));
}

function metadataBase(session: JsonSession, frame: FrameOf<"update_metadata">, nowMs: number): Base {
  return namedBase(session, frame) ?? likeliest(session, () => knownTags(session, nowMs));
}

/** Of what it is sent, only what it had been told when it wrote. */
function likeliest(session: JsonSession, known: () => readonly KnownText[]): Base {
  const { seenRevision } = session.record;
  const texts = () => known().filter(({ when, revision }) => when === "own" || revision <= seenRevision);
  return { kind: "likeliest", texts };
}

function editBase(session: JsonSession, frame: FrameOf<"edit">): Base | Refusal {
  return (
    namedBase(session, frame) ??
    refusal("invalid_frame", "edit: name the base in base_version or base_request_id.")
  );
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

/** Under what a session's requests are remembered: over reconnects only with a name of its own. */
function clientOf({ record }: JsonSession): string {
  return record.clientName ?? record.id;
}

function write(
  room: Room,
  session: JsonSession,
  content: ContentWrite | null,
  metadata: Partial<Metadata> | null,
  base: Base,
  requestId: string | undefined,
  nowMs: number,
): void {
  if (!canWrite(session)) {
    room.json.refuse(session, refusal("forbidden", "This session may only read."), requestId, null);
    return;
  }
  const { seenRevision } = session.record;
  room.submit({
    content,
    metadata,
    base,
    expectedVersions: null,
    author: session.record.clientName ?? session.record.principal.kind,
    session,
    seenRevision,
    request: requestId === undefined ? null : { client: clientOf(session), requestId },
    answer: (result) =>
      answer(room, session, content !== null, metadata, seenRevision, requestId, result, nowMs),
  });
}

function answer(
  room: Room,
  session: JsonSession,
  wroteContent: boolean,
  metadata: Partial<Metadata> | null,
  seenRevision: number,
  requestId: string | undefined,
  result: Result<Written>,
  nowMs: number,
): void {
  if (room.json.get(session.record.id) !== session) return; // it left; its write is committed all the same
  if (!result.ok) {
    room.json.refuse(
      session,
      result.refusal,
      requestId,
      room.fragment.exists ? room.fragment.committed : null,
    );
    return;
  }
  const { revision, timeMs, toSent, content, isRepetition, baseRevision } = result.value;
  const view = room.fragment.committed;
  const status = {
    revision,
    timeMs,
    requestId,
    toSent,
    content,
    wroteContent: wroteContent && !isRepetition,
    baseRevision,
  };
  room.json.acknowledge(session, status);
  if (isRepetition) return;
  if (metadata?.tags !== undefined) rememberTags(session, revision, metadata.tags);
  const knowsContent = wroteContent || view.contentRevision <= session.record.seenRevision;
  if (!knowsContent) return; // the room tells it of both
  const believed = { ...metadataAt(room.fragment.history, seenRevision, nowMs), ...metadata };
  if (!sameAs(believed, view.metadata)) room.json.tellMetadata(session, view);
  room.json.knows(session, revision);
}

function sameAs(believed: Partial<Metadata>, metadata: Metadata): boolean {
  return (
    believed.description === metadata.description &&
    believed.prompt_type === metadata.prompt_type &&
    believed.tags !== undefined &&
    sameTags(believed.tags, metadata.tags)
  );
}

function setPresence(room: Room, session: JsonSession, frame: FrameOf<"presence">, nowMs: number): void {
  const { record } = session;
  if (record.clientId === null) throw new Error("A JSON session is given its client id when it joins.");
  const entry = {
    client: record.clientId,
    clock: record.presenceClock + 1,
    state: frame.state === null ? "null" : toAwarenessState(frame.state, room.fragment.text),
  };
  const refused = room.presence.set(session, entry, nowMs, false);
  if (refused !== null) room.json.refuse(session, refused, frame.request_id ?? undefined, null);
  else room.json.markChanged(session);
}
