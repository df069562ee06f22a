/** The scripted clients on real sockets. */
import type WebSocket from "ws";
import { SUBPROTOCOL } from "../../src/protocol/yjs-frames.ts";
import { JsonClient } from "./json-client.ts";
import { makeSocket, opened } from "./live-socket.ts";
import { YjsClient } from "./yjs-client.ts";

export interface Live<C> {
  readonly client: C;
  readonly socket: WebSocket;
}

export async function connectJson(serverUrl: string, path: string, name?: string): Promise<Live<JsonClient>> {
  const socket = makeSocket(serverUrl, path);
  const client = new JsonClient(socket, name);
  await opened(socket);
  return { client, socket };
}

/**
 * In sync when this settles.
 *
 * @param isOwnClient offers the subprotocol; else it looks like a stock provider that renews nothing
 */
export async function connectYjs(
  serverUrl: string,
  path: string,
  { isOwnClient = true, name }: { isOwnClient?: boolean; name?: string } = {},
): Promise<Live<YjsClient>> {
  const socket = makeSocket(serverUrl, path, isOwnClient ? [SUBPROTOCOL] : []);
  const client = new YjsClient(socket, name);
  await opened(socket);
  await client.sync();
  return { client, socket };
}
