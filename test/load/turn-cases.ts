/** The inputs of `npm run bench:turns`: what honest clients send that is large or has thousands of pieces. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type WebSocket from "ws";
import * as Y from "yjs";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import { makeSocket, within } from "../support/live-socket.ts";
import { SyncSocket } from "./sync-socket.ts";

export interface TurnCase {
  readonly name: string;
  /** Brings the server to where the case begins; what it returns is measured. */
  prepare(serverUrl: string): Promise<() => Promise<unknown>>;
}

const ID = "turns/text";
const MIB = 2 ** 20;
/** With room for what is inserted. */
const WORDS = "some words here\n".repeat(60_000);
const KEYS = 40;
const KEY_PAUSE_MS = 50;

export const TURN_CASES: readonly TurnCase[] = [
  pasting("15,000 CRLF lines pasted by a Yjs peer", "line of text\r\n".repeat(15_000)),
  pasting("60,000 CRLF lines pasted by a Yjs peer", "line of text\r\n".repeat(60_000)),
  pasting("300,000 CRLFs pasted by a Yjs peer", "\r\n".repeat(300_000)),
  pasting("1 MiB pasted by a Yjs peer", "line of text\n".repeat(MIB / 13)),
  pasting("1 MiB of emoji pasted by a Yjs peer", "😀".repeat(MIB / 4)),
  editing("10,000 insertions all over 1 MiB in one Yjs update", (content) => {
    for (let at = 9_999; at >= 0; at--) content.insert(at * 100, "x");
  }),
  editing("10,000 deletions all over 1 MiB in one Yjs update", (content) => {
    for (let at = 9_999; at >= 0; at--) content.delete(at * 100, 1);
  }),
  editing("all of 1 MiB deleted by a Yjs peer", (content) => content.delete(0, content.length)),
  {
    name: "a text of 30,000 pieces deleted, and pasted again, by a Yjs peer",
    prepare: async (url) => {
      const peer = await YjsPeer.open(url);
      await peer.edit((content) => content.insert(0, "ab".repeat(30_000)));
      await peer.edit((content) => {
        for (let at = 29_999; at > 0; at--) content.insert(at * 2, "x");
      });
      return async () => {
        const shown = peer.content.toString();
        await peer.edit((content) => content.delete(0, content.length));
        await peer.edit((content) => content.insert(0, shown));
      };
    },
  },
  {
    name: "PUT of 1 MiB of line feeds over 1 MiB of letters",
    prepare: (url) => prepared(url, "a".repeat(MIB), () => put(url, "\n".repeat(MIB))),
  },
  {
    name: "PUT of 1 MiB of line feeds over 1 MiB of lines",
    prepare: (url) => prepared(url, "a\n".repeat(MIB / 2), () => put(url, "\n".repeat(MIB))),
  },
  {
    name: "ten PUTs of 1 MiB of line feeds and of lines, in turn",
    prepare: (url) =>
      prepared(url, "a\n".repeat(MIB / 2), async () => {
        for (let round = 0; round < 5; round++) {
          await put(url, "\n".repeat(MIB));
          await put(url, "a\n".repeat(MIB / 2));
        }
      }),
  },
  {
    name: "PUT of 1 MiB with all lines indented",
    prepare: (url) => prepared(url, lines(25_000, "- Rule"), () => put(url, lines(25_000, "  - Rule"))),
  },
  {
    name: "PATCH of 99 edits on 1 MiB",
    prepare: (url) =>
      prepared(url, lines(38_000, "line"), () => {
        const edits = Array.from({ length: 99 }, (_, at) => ({
          old: `line ${at * 380}: the`,
          new: `row ${at * 380}: the`,
        }));
        return request(url, "PATCH", { edits });
      }),
  },
  {
    name: "an edit of 10,000 changes on 1 MiB",
    prepare: async (url) => {
      await put(url, WORDS);
      const peer = await JsonPeer.open(url);
      return () => peer.edit(peer.version, 10_000);
    },
  },
  {
    name: "ten edits from the version before an edit of 10,000 changes",
    prepare: async (url) => {
      await put(url, WORDS);
      const peer = await JsonPeer.open(url);
      const { version } = peer;
      await peer.edit(version, 10_000);
      return async () => {
        for (let left = 10; left > 0; left--) await peer.edit(version, 1);
      };
    },
  },
  typing("a Yjs peer types in 1 MiB", ""),
  typing("a Yjs peer types in 1 MiB, a JSON peer takes changes", "?changes=1"),
  typing("a Yjs peer types in 1 MiB, a JSON peer takes whole texts", "?changes=0"),
  {
    name: "a JSON peer types in 1 MiB",
    prepare: async (url) => {
      await put(url, lines(38_000, "line"));
      const peer = await JsonPeer.open(url);
      return async () => {
        for (let key = 0; key < KEYS; key++) {
          await peer.edit(peer.version, 1);
          await delay(KEY_PAUSE_MS);
        }
      };
    },
  },
];

function pasting(name: string, text: string): TurnCase {
  return {
    name,
    prepare: async (url) => {
      const peer = await YjsPeer.open(url);
      return () => peer.edit((content) => content.insert(0, text));
    },
  };
}

function editing(name: string, edit: (content: Y.Text) => void): TurnCase {
  return {
    name,
    prepare: async (url) => {
      await put(url, WORDS);
      const peer = await YjsPeer.open(url);
      return () => peer.edit(edit);
    },
  };
}

/** @param query of a JSON peer that looks on; empty: there is none */
function typing(name: string, query: string): TurnCase {
  return {
    name,
    prepare: async (url) => {
      await put(url, lines(38_000, "line"));
      if (query !== "") await JsonPeer.open(url, query);
      const peer = await YjsPeer.open(url);
      return async () => {
        for (let key = 0; key < KEYS; key++) {
          await peer.edit((content) => content.insert(400_000 + key, "x"));
          await delay(KEY_PAUSE_MS);
        }
      };
    },
  };
}

async function prepared(
  url: string,
  content: string,
  play: () => Promise<unknown>,
): Promise<() => Promise<unknown>> {
  await put(url, content);
  return play;
}

function lines(count: number, start: string): string {
  return Array.from({ length: count }, (_, at) => `${start} ${at}: the text.\n`).join("");
}

function put(url: string, content: string): Promise<void> {
  return request(url, "PUT", { content });
}

async function request(url: string, method: string, body: object): Promise<void> {
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
class YjsPeer {
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

class JsonPeer {
  version = 0;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(url: string, query = "?changes=1"): Promise<JsonPeer> {
    const peer = new JsonPeer(makeSocket(url, `/v1/ws/${ID}${query.replace("?changes=0", "")}`));
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
