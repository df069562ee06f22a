import type { Access } from "../../protocol/access.ts";
import { isUpgrade } from "../http/is-upgrade.ts";
import { decodeObjectRequest, encodeObjectRequest } from "../object-request.ts";
import { agreedSubprotocol } from "../sockets/subprotocol.ts";

/** A request of `/v1/events`, as the catalogue gets it (object-request.ts). */
export interface EventsRequest {
  readonly access: Access;
  readonly isSocket: boolean;
  /** The last change that the client knows; null if it wants only what happens from now on. */
  readonly lastSeq: number | null;
  /** The subprotocol to answer with; null if none was offered. */
  readonly subprotocol: string | null;
}

/**
 * What a client's request asks for. An `EventSource` names the last event in a header when it connects again; a
 * WebSocket, which cannot set headers, names it in `?last_event_id=`. Null if it is not a number.
 */
export function readEventsRequest(request: Request, access: Access): EventsRequest | null {
  const given =
    request.headers.get("Last-Event-ID") ?? new URL(request.url).searchParams.get("last_event_id") ?? "";
  if (!/^\d{0,15}$/.test(given)) return null;
  return {
    access,
    isSocket: isUpgrade(request),
    lastSeq: given === "" ? null : Number(given),
    subprotocol: agreedSubprotocol(request),
  };
}

/** The request to the object. */
export function encodeEventsRequest(asked: EventsRequest): Request {
  return encodeObjectRequest("https://catalogue/events", asked, asked.isSocket);
}

export function decodeEventsRequest(request: Request): EventsRequest {
  return decodeObjectRequest(request) as EventsRequest; // encodeEventsRequest wrote it
}
