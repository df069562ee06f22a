/** Very many writes at once: nobody waits for all of them. */
import { describe, expect, test } from "vitest";
import { EMPTY_WRITE, type WriteResult } from "../../src/core/room/write.ts";
import { applyChange } from "../../src/core/text/text-change.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";

/** A room that writes as often as its rows allow, and edits of its first revision, each of one place of its own. */
function flood(length: number) {
  const host = new RoomHost(new MemoryUpdateLog(null));
  host.create(".".repeat(length));
  const results: WriteResult[] = [];
  const submit = (at: number, changes = 1) =>
    host.room.submit({
      ...EMPTY_WRITE,
      content: {
        kind: "changes",
        changes: Array.from({ length: changes }, (_, n) => {
          const from = at + n * Math.floor(length / changes);
          return { from, to: from + 1, insert: "x" };
        }),
      },
      base: { kind: "version", version: 1 },
      request: { client: "ann", requestId: `${at}` },
      settle: (result) => results.push(result),
    });
  return { host, results, submit };
}

describe("writes that come faster than they can be made", () => {
  test("[COMMIT-8] a commit takes some of them and the next ones the rest, when the text is long", () => {
    const { host, results, submit } = flood(900_000);
    for (let at = 0; at < 200; at++) submit(at * 3);
    host.turn(() => undefined);
    expect(results.length).toBeGreaterThan(20);
    expect(results.length).toBeLessThan(100);
    host.passUntilIdle();
    expect(results.map(({ kind }) => kind)).toEqual(results.map(() => "written"));
    expect(results.length).toBe(200);
    expect(host.room.fragment.committed.content.match(/x/g)?.length).toBe(200);
  });

  test("[COMMIT-8] a commit takes some of them and the next ones the rest, when each changes very much", () => {
    const { host, results, submit } = flood(20_000);
    for (let at = 0; at < 12; at++) submit(at, 900);
    host.turn(() => undefined);
    expect(results.length).toBe(2);
    host.passUntilIdle();
    expect(results.length).toBe(12);
    expect(host.room.fragment.committed.content.match(/x/g)?.length).toBe(12 * 900);
  });

  test("[COMMIT-8] a write is made however much it changes", () => {
    const { host, results, submit } = flood(20_000);
    submit(0, 9_000);
    host.turn(() => undefined);
    expect(results.length).toBe(1);
  });

  test("[COMMIT-8] a read waits for the writes before it, and for none behind it", () => {
    const { host, results, submit } = flood(900_000);
    for (let at = 0; at < 100; at++) submit(at * 3);
    let written: number | null = null;
    host.room.whenSettled(() => {
      written = host.room.fragment.committed.content.match(/x/g)?.length ?? 0;
    });
    for (let at = 100; at < 300; at++) submit(at * 3);
    host.turn(() => undefined);
    expect(written).toBeNull();
    host.pass(300);
    expect(written).toBeGreaterThanOrEqual(100);
    expect(written).toBeLessThan(300);
    host.passUntilIdle();
    expect(results.length).toBe(300);
  });

  test("[COMMIT-8] what was sent is found again from each write of one commit, when later ones changed it", () => {
    const { host, results, submit } = flood(100);
    for (let at = 0; at < 10; at++) submit(at * 10);
    host.turn(() => undefined);
    const { content } = host.room.fragment.committed;
    expect(results.length).toBe(10);
    for (const [at, result] of results.entries()) {
      if (result.kind !== "written") throw new Error("refused");
      const sent = `${".".repeat(at * 10)}x${".".repeat(100 - at * 10 - 1)}`;
      expect(applyChange(result.toSent, content)).toBe(sent);
    }
  });
});
