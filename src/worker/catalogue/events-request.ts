/** A request of `/v1/events`. */
export interface EventsRequest {
  readonly isSocket: boolean;
  /** The last change that the client knows; null if it wants only what happens from now on. */
  readonly lastSeq: number | null;
}

/**
 * Reads the request. An `EventSource` names the last event in a header when it connects again; a WebSocket, which
 * cannot set headers, names it in `?last_event_id=`. Null if it is not a number.
 */
export function parseEventsRequest(request: Request): EventsRequest | null {
  const given =
    request.headers.get("Last-Event-ID") ?? new URL(request.url).searchParams.get("last_event_id");
  const isSocket = request.headers.get("Upgrade")?.toLowerCase() === "websocket";
  if (given === null || given === "") return { isSocket, lastSeq: null };
  return /^\d{1,15}$/.test(given) ? { isSocket, lastSeq: Number(given) } : null;
}
