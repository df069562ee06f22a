import type { Access } from "../../protocol/access.ts";
import { MAX_CLIENT_NAME_UNITS } from "../../protocol/limits.ts";
import { decodeObjectRequest, encodeObjectRequest } from "../object-request.ts";
import { agreedSubprotocol, offersSubprotocol } from "./subprotocol.ts";

/** The address of the Yjs socket, in front of the id. */
export const YJS_PREFIX = "/v1/sync/";

/** A socket's request to join a fragment, as its object gets it (object-request.ts). */
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
  /** The subprotocol to answer with; null if none was offered. */
  readonly subprotocol: string | null;
}

/** What a client's request asks for. */
export function readJoinRequest(
  request: Request,
  access: Access,
  protocol: "json" | "yjs",
  isOldClient: boolean,
): JoinRequest {
  const query = new URL(request.url).searchParams;
  const clientName = query.get("client");
  return {
    access,
    protocol,
    isOldClient,
    creates: query.get("create") === "1",
    wantsChanges: query.get("changes") === "1",
    clientName: clientName === null || clientName === "" ? null : cutName(clientName),
    isOwnClient: offersSubprotocol(request),
    subprotocol: agreedSubprotocol(request),
  };
}

/** The request to the object. */
export function encodeJoinRequest(join: JoinRequest): Request {
  return encodeObjectRequest("https://fragment/join", join, true);
}

export function decodeJoinRequest(request: Request): JoinRequest {
  return decodeObjectRequest(request) as JoinRequest; // encodeJoinRequest wrote it
}

/** Half a character at the cut becomes U+FFFD, as it would in the log, so that the name is the same after a restart. */
function cutName(name: string): string {
  return name.slice(0, MAX_CLIENT_NAME_UNITS).toWellFormed();
}
