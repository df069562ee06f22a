import { parseWorkspace, type Workspace } from "../../src/protocol/access.ts";
import type { NewKey } from "../../src/protocol/principals.ts";
import { signToken } from "../../src/protocol/tokens.ts";
import { JsonClient } from "../support/json-client.ts";
import { TEST_SECRET } from "../support/test-secret.ts";
import { YjsClient } from "../support/yjs-client.ts";
import { callWith, closeOf as closeOfRefused } from "./settings.ts";

/** A server that is closed, in front of the objects that all tests of a file share. */

export interface Sent {
  readonly credential?: string;
  readonly body?: unknown;
  /** A body that is sent as it is. */
  readonly text?: string;
  readonly headers?: Record<string, string>;
  /** Variables and secrets of the deployment. */
  readonly settings?: Record<string, string>;
}

/** Calls a closed server. */
export function call(method: string, path: string, sent: Sent = {}): Promise<Response> {
  const { credential, body, headers = {}, settings = {} } = sent;
  const text = sent.text ?? (body === undefined ? undefined : JSON.stringify(body));
  const bearer: Record<string, string> =
    credential === undefined ? {} : { Authorization: `Bearer ${credential}` };
  return callWith({ OPEN_ACCESS: "", ...settings }, method, path, { ...bearer, ...headers }, text);
}

export async function codeOf(answer: Response): Promise<string> {
  return (await answer.json<{ code: string }>()).code;
}

/** The client's end of a socket, not accepted yet. */
export async function openSocket(path: string, sent: Sent = {}): Promise<WebSocket> {
  const answer = await call("GET", path, { ...sent, headers: { Upgrade: "websocket", ...sent.headers } });
  const socket = answer.webSocket;
  if (socket === null) throw new Error(`${path} answered ${answer.status} ${await answer.text()}`);
  socket.binaryType = "arraybuffer";
  return socket;
}

/** A JSON client that has read its `initial`. */
export async function joinJson(
  id: string,
  sent: Sent & { readonly query?: string } = {},
): Promise<JsonClient> {
  const socket = await openSocket(`/v1/ws/${id}${sent.query ?? ""}`, sent);
  const client = new JsonClient(socket);
  socket.accept();
  await client.next("initial");
  return client;
}

/** A Yjs client that has the text. */
export async function joinYjs(id: string, sent: Sent & { readonly query?: string } = {}): Promise<YjsClient> {
  const socket = await openSocket(`/v1/sync/${id}${sent.query ?? ""}`, sent);
  const client = new YjsClient(socket);
  socket.accept();
  await client.sync();
  return client;
}

/** How a socket is closed that is refused. */
export async function closeOf(path: string, sent: Sent = {}): Promise<number> {
  const headers = { Upgrade: "websocket", ...sent.headers };
  return closeOfRefused(await call("GET", path, { ...sent, headers }));
}

let lastName = 0;

/** A name that no other test of this file has. */
export function freshWorkspace(): Workspace {
  const name = parseWorkspace(`w${++lastName}`);
  if (name === null) throw new Error("no workspace can have the name");
  return name;
}

/** What the operator's command line signs. */
export function operatorToken(
  workspace: Workspace,
  claims: { makesWorkspace?: boolean; secret?: string } = {},
) {
  const { makesWorkspace = true, secret = TEST_SECRET } = claims;
  const issuedAtMs = Date.now();
  const id = crypto.randomUUID();
  const expiresAtMs = issuedAtMs + 300_000;
  return signToken(secret, { kind: "operator", id, workspace, makesWorkspace, issuedAtMs, expiresAtMs });
}

/** Makes a key as the operator does, and the workspace if it is new. */
export async function operatorKey(workspace: Workspace, fields: object = {}): Promise<NewKey> {
  const body = { name: "a program", role: "admin", ...fields };
  const answer = await call("POST", "/v1/keys", { credential: await operatorToken(workspace), body });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json<NewKey>();
}

export interface MadeToken {
  readonly token: string;
  readonly id: string;
  readonly role: string;
  readonly prefixes: readonly string[] | null;
  readonly expires_at: string;
}

/** A token for a user, made with a key. */
export async function userToken(key: string, fields: object = {}): Promise<MadeToken> {
  const body = { user: { id: "anna", name: "Anna" }, ...fields };
  const answer = await call("POST", "/v1/tokens", { credential: key, body });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json<MadeToken>();
}
