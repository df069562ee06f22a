/** The inputs of `npm run bench:turns`: honest ones that are large or have thousands of pieces. */
import { setTimeout as delay } from "node:timers/promises";
import type * as Y from "yjs";
import { JsonPeer, put, request, YjsPeer } from "./turn-peers.ts";

export interface TurnCase {
  readonly name: string;
  /** Prepares the server for the case, and returns the function whose run is measured. */
  prepare(serverUrl: string): Promise<() => Promise<unknown>>;
}

const MIB = 2 ** 20;
/** Leaves room for insertions. */
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
  typing("a Yjs peer types in 1 MiB", null),
  typing("a Yjs peer types in 1 MiB, a JSON peer takes changes", "?changes=1"),
  typing("a Yjs peer types in 1 MiB, a JSON peer takes whole texts", ""),
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

/** @param query of a JSON peer that looks on; null if there is none */
function typing(name: string, query: string | null): TurnCase {
  return {
    name,
    prepare: async (url) => {
      await put(url, lines(38_000, "line"));
      if (query !== null) await JsonPeer.open(url, query);
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
