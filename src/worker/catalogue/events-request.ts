import { fromBase64UrlEncoded, toBase64UrlEncoded } from "lib0/buffer";
import { decodeUtf8, encodeUtf8 } from "lib0/string";
import type { Access } from "../../protocol/access.ts";
import { agreedSubprotocol } from "../sockets/subprotocol.ts";

/**
 * A request of `/v1/events`, as the catalogue gets it. Nothing else of the client's request goes there: its headers and its
 * address may hold a key or token.
 */
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
    isSocket: request.headers.get("Upgrade")?.toLowerCase() === "websocket",
    lastSeq: given === "" ? null : Number(given),
    subprotocol: agreedSubprotocol(request),
  };
}

/** The request to the object. */
export function encodeEventsRequest(asked: EventsRequest): Request {
  const text = toBase64UrlEncoded(encodeUtf8(JSON.stringify(asked)));
  const headers: HeadersInit = asked.isSocket ? { Upgrade: "websocket" } : {};
  return new Request(`https://catalogue/events?${text}`, { headers });
}

export function decodeEventsRequest(request: Request): EventsRequest {
  const text = decodeUtf8(fromBase64UrlEncoded(new URL(request.url).search.slice(1)));
  return JSON.parse(text) as EventsRequest; // encodeEventsRequest wrote it
}
