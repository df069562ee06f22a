import type { Access } from "../../protocol/access.ts";
import { MAX_CLIENT_NAME_UNITS } from "../../protocol/limits.ts";
import { offersSubprotocol } from "./socket-peer.ts";

/** The address of the Yjs socket, in front of the id. */
export const YJS_PREFIX = "/v1/sync/";

/** A socket's request to join a fragment. The worker hands it to the object as the query of a URL. */
export interface JoinRequest {
  readonly protocol: "json" | "yjs";
  readonly access: Access;
  /** The request came over one of the old paths. */
  readonly isOldClient: boolean;
  /** `?create=1`: make the fragment if it is not there. */
  readonly creates: boolean;
  /** `?changes=1` */
  readonly wantsChanges: boolean;
  /** `?client=` */
  readonly clientName: string | null;
  /** The subprotocol of our own client was offered. */
  readonly isOwnClient: boolean;
}

/** Makes the request to the object from a client's request, with its upgrade headers. */
export function encodeJoinRequest(
  request: Request,
  access: Access,
  protocol: "json" | "yjs",
  isOldClient: boolean,
): Request {
  const query = new URL(request.url).searchParams;
  const url = new URL("https://fragment/join");
  url.searchParams.set("access", JSON.stringify(access));
  url.searchParams.set("protocol", protocol);
  if (isOldClient) url.searchParams.set("old", "1");
  for (const name of ["create", "changes", "client"]) {
    const value = query.get(name);
    if (value !== null) url.searchParams.set(name, value);
  }
  return new Request(url, request);
}

export function decodeJoinRequest(request: Request): JoinRequest {
  const query = new URL(request.url).searchParams;
  const clientName = query.get("client");
  return {
    access: JSON.parse(query.get("access") ?? "") as Access, // encodeJoinRequest wrote it
    protocol: query.get("protocol") === "yjs" ? "yjs" : "json",
    isOldClient: query.get("old") === "1",
    creates: query.get("create") === "1",
    wantsChanges: query.get("changes") === "1",
    clientName: clientName === null || clientName === "" ? null : cutName(clientName),
    isOwnClient: offersSubprotocol(request),
  };
}

/** Half a character at the cut becomes U+FFFD, as it would in the log, so that the name is the same after a restart. */
function cutName(name: string): string {
  return name.slice(0, MAX_CLIENT_NAME_UNITS).toWellFormed();
}
