/** When a room replaces its log by a snapshot. */
import { expect, test } from "vitest";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";

/** A room with an empty text. */
function openRoom(): RoomHost {
  const host = new RoomHost(new MemoryUpdateLog());
  host.create();
  return host;
}

test("[STO-5] a short log is compacted in the turn of the commit, when it outweighs its snapshot", () => {
  const host = openRoom();
  host.submit({ content: { kind: "text", text: "short ".repeat(1_000) } });
  expect(host.log.size.snapshotBytes).toBeGreaterThan(0);
});

test("[STO-5] a long log is compacted in a turn of its own, behind the commit that made it outweigh its snapshot", () => {
  const host = openRoom();
  host.submit({ content: { kind: "text", text: "long ".repeat(100_000) } });
  expect(host.room.isDurable).toBe(true);
  expect(host.log.size.snapshotBytes).toBe(0);
  host.pass(0);
  expect(host.log.size.snapshotBytes).toBeGreaterThan(500_000);
  expect(host.room.dueAt(host.nowMs)).toBeNull();
});

test("[STO-5] a long log is not compacted any more, when its fragment was deleted before its turn came", () => {
  const host = openRoom();
  host.submit({ content: { kind: "text", text: "long ".repeat(100_000) } });
  host.turn((nowMs) => host.room.remove(null, "user:ann", nowMs));
  host.passUntilIdle();
  expect(host.room.exists).toBe(false);
});
