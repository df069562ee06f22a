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

/** An own client: it offers the subprotocol. In sync when this settles. */
export async function connectYjs(serverUrl: string, path: string, name?: string): Promise<Live<YjsClient>> {
  const socket = makeSocket(serverUrl, path, [SUBPROTOCOL]);
  const client = new YjsClient(socket, name);
  await opened(socket);
  await client.sync();
  return { client, socket };
}
