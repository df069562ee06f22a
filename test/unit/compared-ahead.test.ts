/** A long text is compared with the one that it replaces in turns of its own, ahead of the commit. */
import { expect, test } from "vitest";
import * as Y from "yjs";
import type { Write } from "../../src/core/fragment/write.ts";
import { RoomScene, type YjsEditor } from "../support/room-scene.ts";

const LINES = 10_000;
const BEFORE = lines("- Rule");
const AFTER = lines("  - Rule");

function lines(start: string): string {
  return Array.from({ length: LINES }, (_, at) => `${start} ${at}: the text.\n`).join("");
}

function put(room: RoomScene, text: string, base: Write["base"]): { readonly answers: string[] } {
  const answers: string[] = [];
  const answer: Write["answer"] = (result) => answers.push(result.ok ? "written" : result.refusal.code);
  room.host.submit({ content: { kind: "text", text }, base, answer });
  return { answers };
}

/** Takes in what the room has sent. */
function shownTo(editor: YjsEditor): string {
  for (const frame of editor.frames()) if (frame.kind === "update") Y.applyUpdate(editor.doc, frame.update);
  return editor.doc.getText("content").toString();
}

test("[TEXT-7] a long text is compared in one turn, and committed and answered in the next", () => {
  const room = new RoomScene(BEFORE);
  const { answers } = put(room, AFTER, { kind: "current" });
  expect(room.events).toEqual([]);
  expect(answers).toEqual([]);
  room.host.turn(() => undefined);
  expect(answers).toEqual(["written"]);
  expect(room.text === AFTER).toBe(true);
  expect(room.revision).toBe(2);
});

test("[TEXT-7] two texts of a megabyte are compared in several turns, none of which commits", () => {
  const room = new RoomScene("a\n".repeat(2 ** 19));
  const after = "\n".repeat(2 ** 20);
  const { answers } = put(room, after, { kind: "current" });
  let turns = 1;
  for (; answers.length === 0 && turns < 100; turns++) {
    expect(room.revision).toBe(1);
    room.host.turn(() => undefined);
  }
  expect(answers).toEqual(["written"]);
  expect(turns).toBeGreaterThan(4);
  expect(room.text === after).toBe(true);
  expect(room.revision).toBe(2);
});

test("[TEXT-7] a long text is committed in the turn in which it comes, when little in it has changed", () => {
  const room = new RoomScene(BEFORE);
  const { answers } = put(room, BEFORE.replace("Rule 5000", "Law 5000"), { kind: "current" });
  expect(answers).toEqual(["written"]);
});

test("[TEXT-7] an edit between the two turns is kept, when the long text names the version that it is an edit of", () => {
  const room = new RoomScene(BEFORE);
  const ann = room.yjs("ann");
  put(room, AFTER, { kind: "version", version: 1 });
  ann.push(1, (content) => content.insert(BEFORE.indexOf("Rule 5000"), "old "));
  room.rest();
  expect(room.text === AFTER.replace("Rule 5000", "old Rule 5000")).toBe(true);
  expect(shownTo(ann) === room.text).toBe(true);
});

test("[TEXT-7] the text is the long one, whatever was written between the two turns, when it names no version", () => {
  const room = new RoomScene(BEFORE);
  const ann = room.yjs("ann");
  put(room, AFTER, { kind: "current" });
  ann.push(1, (content) => content.insert(0, "first\n"));
  room.rest();
  expect(room.text === AFTER).toBe(true);
  expect(shownTo(ann) === room.text).toBe(true);
});
