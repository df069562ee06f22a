/** Very many writes at once: none waits for all the others. */
import { describe, expect, test } from "vitest";
import { EMPTY_WRITE, type KnownText, type Write, type Written } from "../../src/core/fragment/write.ts";
import { applyChange, NO_CHANGE } from "../../src/core/text/text-change.ts";
import type { Result } from "../../src/protocol/errors.ts";
import { expectLinear } from "../support/growth.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const LINES = Array.from({ length: 80_000 }, (_, at) => `line ${at}\n`).join("");

function lineEdit(at: number): { old: string; new: string } {
  return { old: `\nline ${at + 1}\n`, new: `\nnew ${at + 1}\n` };
}

/** A room that writes as often as its rows allow, and edits of its first revision, each of one place of its own. */
function flood(length: number) {
  const host = new RoomHost(new MemoryUpdateLog(null));
  host.create(".".repeat(length));
  const results: Result<Written>[] = [];
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
      answer: (result) => results.push(result),
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
    expect(results.map(({ ok }) => ok)).toEqual(results.map(() => true));
    expect(results.length).toBe(200);
    expect(host.room.committed.content.match(/x/g)?.length).toBe(200);
  });

  test("[COMMIT-8] a commit takes some of them and the next ones the rest, when each changes very much", () => {
    const { host, results, submit } = flood(20_000);
    for (let at = 0; at < 12; at++) submit(at, 900);
    host.turn(() => undefined);
    expect(results.length).toBe(2);
    host.passUntilIdle();
    expect(results.length).toBe(12);
    expect(host.room.committed.content.match(/x/g)?.length).toBe(12 * 900);
  });

  test.for([
    {
      what: "substitutions",
      write: (at: number): Partial<Write> => ({
        content: { kind: "substitutions", edits: [...Array(50).keys()].map((n) => lineEdit(at * 50 + n)) },
      }),
    },
    {
      what: "whole texts that may build on many",
      write: (at: number): Partial<Write> => {
        const own = (revision: number): KnownText => ({
          revision,
          when: "later",
          toSent: NO_CHANGE,
          tags: null,
        });
        return {
          content: { kind: "text", text: LINES.replace(`line ${at}\n`, "changed\n") },
          base: { kind: "likeliest", texts: () => Array(32).fill(own(1)), shownBefore: () => null },
        };
      },
    },
  ])("[COMMIT-8] a commit takes a few of them, when they are $what of a long text", ({ write }) => {
    const host = new RoomHost(new MemoryUpdateLog(null));
    host.create(LINES);
    let settled = 0;
    const onAnswer = ({ ok }: Result<Written>) => {
      expect(ok).toBe(true);
      settled++;
    };
    for (let at = 0; at < 40; at++) host.room.submit({ ...EMPTY_WRITE, ...write(at), answer: onAnswer });
    host.turn(() => undefined);
    expect(settled).toBeGreaterThan(0);
    expect(settled).toBeLessThan(10);
    host.passUntilIdle();
    expect(settled).toBe(40);
  });

  test.for([
    { what: "everywhere", old: (half: number) => "a".repeat(half), isEverywhere: true },
    { what: "nearly everywhere, but for its start", old: (half: number) => `b${"a".repeat(half)}` },
    {
      what: "nearly everywhere, but for its middle",
      old: (half: number) => `${"a".repeat(half / 2)}b${"a".repeat(half / 2)}`,
    },
  ])("[REST-5] an `old` is looked for in linear time, when it is $what", async ({ old, isEverywhere }) => {
    await expectLinear(2 ** 20, (units) => {
      const host = new RoomHost(new MemoryUpdateLog(null));
      host.create("a".repeat(units));
      const edit = { old: old(units / 2), new: "c" };
      const matches = isEverywhere === true ? units / 2 + 1 : 0;
      return () => {
        let result: Result<Written> | undefined;
        const answer = (one: Result<Written>) => {
          result = one;
        };
        host.submit({ content: { kind: "substitutions", edits: [edit] }, answer });
        host.passUntilIdle();
        if (result?.ok !== false) throw new Error("It was not refused.");
        expect(result.refusal.message).toContain(`edits.0.old matches ${matches} times`);
      };
    });
  });

  test("[REST-7] a write with If-Match is made, when what came before it in its commit changed nothing", () => {
    const host = new RoomHost(new MemoryUpdateLog());
    host.create("x");
    const results: Result<Written>[] = [];
    for (const text of ["x", "y", "z"]) {
      const expectedVersions = text === "x" ? null : [1];
      const answer = (result: Result<Written>) => results.push(result);
      host.room.submit({ ...EMPTY_WRITE, content: { kind: "text", text }, expectedVersions, answer });
    }
    host.turn(() => undefined);
    expect(results).toMatchObject([
      { ok: false, refusal: { message: "The current version is 2." } },
      { ok: true, value: { revision: 2 } },
      { ok: true, value: { revision: 2 } },
    ]);
    expect(host.room.committed.content).toBe("y");
  });

  test("[COMMIT-8] a session's texts build on each other, when a commit ends between them", () => {
    const host = new RoomHost(new MemoryUpdateLog(null));
    host.create(LINES);
    const [ann, bob] = [host.joinJson(new ScriptedPeer()), host.joinJson(new ScriptedPeer())] as const;
    const tokens = Array.from({ length: 30 }, (_, at) => `[${at}]`);
    host.receiveTogether(
      ...tokens.flatMap((_, at) => [
        [ann, { action: "update", content: LINES + tokens.slice(0, at + 1).join("") }] as const,
        [ann, { action: "update_metadata", tags: at % 2 === 0 ? ["kept", `own ${at}`] : ["kept"] }] as const,
        [bob, { action: "update_metadata", tags: [`bob ${at}`] }] as const,
      ]),
    );
    const { revision } = host.room.committed;
    host.passUntilIdle();
    const { content, metadata } = host.room.committed;
    expect(host.room.committed.revision).toBeGreaterThan(revision);
    expect(content).toBe(LINES + tokens.join(""));
    expect(metadata.tags.toSorted()).toEqual(["bob 29", "kept"]);
  });

  test("[COMMIT-8] a commit takes at least one write, when that alone changes very much", () => {
    const { host, results, submit } = flood(20_000);
    submit(0, 9_000);
    host.turn(() => undefined);
    expect(results.length).toBe(1);
  });

  test("[COMMIT-8] a read waits for the writes before it, and for none behind it", () => {
    const { host, results, submit } = flood(900_000);
    for (let at = 0; at < 100; at++) submit(at * 3);
    let written: number | null = null;
    host.room.whenDurable(() => {
      written = host.room.committed.content.match(/x/g)?.length ?? 0;
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

  test("[COMMIT-8] each writer of one commit can find the text that it sent, when later writes changed it", () => {
    const { host, results, submit } = flood(100);
    for (let at = 0; at < 10; at++) submit(at * 10);
    host.turn(() => undefined);
    const { content } = host.room.committed;
    expect(results.length).toBe(10);
    for (const [at, result] of results.entries()) {
      if (!result.ok) throw new Error("refused");
      const sent = `${".".repeat(at * 10)}x${".".repeat(100 - at * 10 - 1)}`;
      expect(applyChange(result.value.toSent, content)).toBe(sent);
    }
  });
});
