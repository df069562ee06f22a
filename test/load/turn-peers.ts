/** The clients of `npm run bench:turns`. All work on one fragment, and wait for each write to be stored. */
import { once } from "node:events";
import type WebSocket from "ws";
import * as Y from "yjs";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import { makeSocket, within } from "../support/live-socket.ts";
import { SyncSocket } from "./sync-socket.ts";

const ID = "turns/text";

export function put(url: string, content: string): Promise<void> {
  return request(url, "PUT", { content });
}

export async function request(url: string, method: string, body: object): Promise<void> {
  const response = await fetch(`${url}/v1/fragments/${ID}`, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (!response.ok)
    throw new Error(`${method} was answered with ${response.status}: ${answer.slice(0, 300)}`);
}

/** Makes edits, each of which is saved before the next. */
export class YjsPeer {
  readonly #doc = new Y.Doc();
  readonly #socket: SyncSocket;
  #seq = 0;
  #saved = Promise.withResolvers<void>();

  private constructor(url: string, onSynced: () => void) {
    this.#socket = new SyncSocket(url, `/v1/sync/${ID}?create=1`, this.#doc, {
      onSynced,
      onSaved: () => this.#saved.resolve(),
      onNotice: (code, message) => this.#saved.reject(new Error(`${code}: ${message}`)),
    });
  }

  static async open(url: string): Promise<YjsPeer> {
    const synced = Promise.withResolvers<void>();
    const peer = new YjsPeer(url, synced.resolve);
    await within("a sync", synced.promise);
    return peer;
  }

  get content(): Y.Text {
    return this.#doc.getText("content");
  }

  async edit(edit: (content: Y.Text) => void): Promise<void> {
    const before = Y.encodeStateVector(this.#doc);
    const updates: Uint8Array[] = [];
    const take = (update: Uint8Array) => updates.push(update);
    this.#doc.on("update", take);
    this.#doc.transact(() => edit(this.content));
    this.#doc.off("update", take);
    this.#saved = Promise.withResolvers<void>();
    this.#socket.push(
      ++this.#seq,
      updates.length === 1 ? (updates[0] as Uint8Array) : Y.encodeStateAsUpdate(this.#doc, before),
    );
    await within("a save", this.#saved.promise);
  }
}

export class JsonPeer {
  version = 0;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(url: string, query = "?changes=1"): Promise<JsonPeer> {
    const peer = new JsonPeer(makeSocket(url, `/v1/ws/${ID}${query}`));
    await peer.#next("initial");
    return peer;
  }

  /** @param changes made on the text of that version, 90 code units from each other */
  async edit(version: number, changes: number): Promise<void> {
    const list = Array.from({ length: changes }, (_, at) => ({ from: at * 90, to: at * 90, insert: "x" }));
    this.#socket.send(JSON.stringify({ action: "edit", base_version: version, changes: list }));
    await this.#next("update_status");
  }

  async #next(action: ServerFrame["action"]): Promise<void> {
    for (;;) {
      const [data] = await within(action, once(this.#socket, "message"));
      const frame = JSON.parse(String(data)) as ServerFrame; // the server's grammar, which other tests hold it to
      if ("version" in frame && typeof frame.version === "number") this.version = frame.version;
      if (frame.action === action) return;
      if (frame.action === "error") throw new Error(`${frame.code}: ${frame.message}`);
    }
  }
}
