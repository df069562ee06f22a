import { env, exports } from "cloudflare:workers";
import type { Access } from "../../src/protocol/access.ts";
import { encodeJoinRequest, readJoinRequest } from "../../src/worker/sockets/join-request.ts";
import { JsonClient } from "../support/json-client.ts";
import { YjsClient } from "../support/yjs-client.ts";

/** What the tests in workerd have in common: the worker's front door, its sockets, and its objects behind. */

let lastId = 0;

/** An id that no other test of this file has; each file has its own storage. */
export function freshId(): string {
  return `test/${++lastId}`;
}

export function request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const content = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  return exports.default.fetch(`http://localhost${path}`, { method, headers, ...content });
}

export interface FragmentBody {
  readonly id: string;
  readonly content: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly prompt_type: string;
  readonly eol: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly version: number;
  readonly size: number;
}

/** Makes a fragment, under a new id unless one is given. */
export async function createFragment(content: string, fields: object = {}): Promise<FragmentBody> {
  const response = await request("POST", "/v1/fragments", { id: freshId(), content, ...fields });
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  return response.json<FragmentBody>();
}

export async function readFragment(id: string): Promise<FragmentBody> {
  const response = await request("GET", `/v1/fragments/${id}`);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.json<FragmentBody>();
}

/** The client's end of a socket at this path. */
export async function openSocket(path: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const upgrade = { Upgrade: "websocket", ...headers };
  const response = await exports.default.fetch(`http://localhost${path}`, { headers: upgrade });
  const socket = response.webSocket;
  if (socket === null) throw new Error(`${path} answered ${response.status} ${await response.text()}`);
  socket.binaryType = "arraybuffer";
  return socket;
}

/** A JSON client on a fragment, as it stands before it has read anything. */
export async function connectJson(id: string, query = "", name = "the JSON client"): Promise<JsonClient> {
  return connectOld(`/v1/ws/${id}${query}`, name);
}

/** The same over any path of a JSON socket. */
export async function connectOld(path: string, name = "the old client"): Promise<JsonClient> {
  const socket = await openSocket(path);
  const client = new JsonClient(socket, name);
  socket.accept();
  return client;
}

/** A JSON client that has read its `initial`. */
export async function joinJson(id: string, query = "", name = "the JSON client"): Promise<JsonClient> {
  const client = await connectJson(id, query, name);
  await client.next("initial");
  return client;
}

export async function connectYjs(id: string, options: YjsOptions = {}): Promise<YjsClient> {
  const { query = "", isStock = false, name = "the Yjs client" } = options;
  const headers: Record<string, string> = isStock ? {} : { "Sec-WebSocket-Protocol": "prompt-manager.v1" };
  const socket = await openSocket(`/v1/sync/${id}${query}`, headers);
  const client = new YjsClient(socket, name);
  socket.accept();
  return client;
}

export interface YjsOptions {
  readonly query?: string;
  /** Without our subprotocol. */
  readonly isStock?: boolean;
  readonly name?: string;
}

/** A Yjs client that has the text. */
export async function joinYjs(id: string, options: YjsOptions = {}): Promise<YjsClient> {
  const client = await connectYjs(id, options);
  await client.sync();
  return client;
}

/**
 * A socket that joins with this access, as the object gets it from the worker.
 *
 * @param options.query of the client's address
 */
export async function openSocketWith(
  id: string,
  access: Access,
  protocol: "json" | "yjs",
  options: YjsOptions = {},
): Promise<WebSocket> {
  const { query = "", isStock = false } = options;
  const headers = {
    Upgrade: "websocket",
    ...(isStock ? {} : { "Sec-WebSocket-Protocol": "prompt-manager.v1" }),
  };
  const join = readJoinRequest(
    new Request(`http://localhost/${query}`, { headers }),
    access,
    protocol,
    false,
  );
  const response = await objectOf(id).fetch(encodeJoinRequest(join));
  const socket = response.webSocket;
  if (socket === null) throw new Error(`the object answered ${response.status} ${await response.text()}`);
  socket.binaryType = "arraybuffer";
  return socket;
}

/** A JSON client with this access, before it has read anything. */
export async function connectJsonWith(id: string, access: Access, query = ""): Promise<JsonClient> {
  const socket = await openSocketWith(id, access, "json", { query });
  const client = new JsonClient(socket, access.principal.id);
  socket.accept();
  return client;
}

/** A Yjs client with this access that has the text. */
export async function joinYjsWith(id: string, access: Access, options: YjsOptions = {}): Promise<YjsClient> {
  const socket = await openSocketWith(id, access, "yjs", options);
  const client = new YjsClient(socket, access.principal.id);
  socket.accept();
  await client.sync();
  return client;
}

/** The object behind a fragment. */
export function objectOf(id: string) {
  return env.FRAGMENT.getByName(`default/${id}`);
}
