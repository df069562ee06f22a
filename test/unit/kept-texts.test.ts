/** What a room keeps of large texts that are edited: the changes, and not the texts that they were cut out of. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const TEXT = Array.from(
  { length: 20_000 },
  (_, at) => `line ${at} of a text with a lot of lines in it\n`,
).join("");
const EDITS = 60;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void; // the flag has made it

function heldBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

test.each([
  [
    "delete from it",
    (text: string, version: number, at: number) => ({
      frame: { action: "edit", base_version: version, changes: [{ from: at, to: at + 40, insert: "" }] },
      made: text.slice(0, at) + text.slice(at + 40),
    }),
  ],
  [
    "send it whole, with a line more",
    (text: string, version: number, at: number) => {
      const made = `${text.slice(0, at)}[a line of its own, ${at}]${text.slice(at)}`;
      return { frame: { action: "update", base_version: version, content: made }, made };
    },
  ],
])("[LOG-11] the past of a large text takes little memory, when edits %s", (_what, edit) => {
  const host = new RoomHost(new MemoryUpdateLog());
  host.create(TEXT);
  const peer = new ScriptedPeer();
  const session = host.joinJson(peer, { wantsChanges: true });
  let text = TEXT;
  const round = (count: number) => {
    for (let index = 0; index < count; index++) {
      const { frame, made } = edit(text, host.room.committed.revision, 1_000 * (index + 1));
      host.receive(session, JSON.parse(JSON.stringify({ ...frame, request_id: `${made.length}` })));
      host.passUntilIdle();
      peer.take();
      text = made;
    }
  };
  round(5);
  const before = heldBytes();
  round(EDITS);
  expect(host.room.committed.content).toBe(text);
  expect(heldBytes() - before).toBeLessThan((EDITS / 4) * TEXT.length);
});
