/** A pasted Windows file has tens of thousands of line ends to mend: the room does that in steps, and commits them with the paste. */
import { expect, test } from "vitest";
import * as Y from "yjs";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { RoomScene, type YjsEditor } from "../support/room-scene.ts";

const LINES = 10_000;
const MOST_IN_A_TURN = 2_500;

/** A room in which somebody has just pasted this many lines. */
function pasted(): { room: RoomScene; author: YjsEditor; other: YjsEditor } {
  const room = new RoomScene("");
  const [author, other] = [room.yjs("author"), room.yjs("other")];
  room.forget();
  author.push(1, (content) => content.insert(0, "line\r\n".repeat(LINES)));
  return { room, author, other };
}

/** Takes in what the room has sent. */
function read(editor: YjsEditor): string {
  for (const frame of editor.frames()) if (frame.kind === "update") Y.applyUpdate(editor.doc, frame.update);
  return editor.doc.getText("content").toString();
}

function returnsIn(text: string): number {
  return text.split("\r").length - 1;
}

/** The text that the stored log makes. */
function stored({ log }: RoomScene): string {
  return new RoomHost(new MemoryUpdateLog(log.stored)).room.committed.content;
}

test("[TEXT-7] the line ends of a paste are mended a few thousand a turn, and committed with it as one revision", () => {
  const { room, author, other } = pasted();
  const { revision } = room;
  let left = LINES;
  for (let turns = 0; left > 0; turns++) {
    expect(turns).toBeLessThan(LINES / 1_000);
    expect(room.events).not.toContain("write");
    const now = returnsIn(read(other));
    expect(left - now).toBeGreaterThan(0);
    expect(left - now).toBeLessThan(MOST_IN_A_TURN);
    left = now;
    room.host.turn(() => undefined);
  }
  room.rest();
  const text = "line\n".repeat(LINES);
  expect([room.text, read(author), read(other), stored(room)].every((one) => one === text)).toBe(true);
  expect(room.revision).toBe(revision + 1);
  expect(room.events.filter((event) => event === "author saved")).toHaveLength(1);
});

test("[TEXT-7] a write waits until the line ends of a paste are mended, and keeps both texts", () => {
  const { room, other } = pasted();
  const bob = room.json("bob");
  bob.send({ action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "bob\n" }] });
  expect(bob.told()).toEqual([]);
  room.rest();
  expect(bob.told().map(({ action }) => action)).toContain("update_status");
  expect(room.text.replace("bob\n", "") === "line\n".repeat(LINES)).toBe(true);
  expect(read(other) === room.text && stored(room) === room.text).toBe(true);
});

test("[TEXT-5] what peers type while a paste is being mended is mended too, before and behind the current step", () => {
  const { room, author, other } = pasted();
  read(other);
  other.push(1, (content) => content.insert(0, "first\r\n"));
  author.push(2, (content) => content.insert(content.length, "last\r\r\n"));
  room.rest();
  expect(room.text.startsWith("first\n") && room.text.endsWith("last\n")).toBe(true);
  expect(returnsIn(room.text)).toBe(0);
  expect([read(author), read(other), stored(room)].every((one) => one === room.text)).toBe(true);
});

test("[TEXT-5] a fragment that is deleted while a paste is being mended shows no CRLF before it goes", () => {
  const { room } = pasted();
  const bob = room.json("bob");
  expect(room.host.turn((nowMs) => room.host.room.remove(null, "user:ann", nowMs))).toBeNull();
  room.rest();
  const frames = bob.told();
  expect(frames.map(({ action }) => action)).toEqual(["update", "deleted"]);
  expect(JSON.stringify(frames)).not.toContain("\\r");
});
