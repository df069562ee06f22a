/** Many writes of one session under way at once: what their statuses say of the text, and what they cost. */
import { describe, expect, test } from "vitest";
import type { JsonSession } from "../../src/core/room/session.ts";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import { applyChanges } from "../support/apply-changes.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { parseJson, ScriptedPeer } from "../support/scripted-peer.ts";

type Status = Extract<ServerFrame, { action: "update_status" }>;

/** A JSON editor that pipelines: each edit builds on the one before, whether that is acknowledged or not. */
class PipeliningEditor {
  readonly peer = new ScriptedPeer();
  readonly session: JsonSession;
  readonly frames: string[] = [];
  readonly #host: RoomHost;
  /** The text after each request, by its number. */
  readonly #texts: string[] = [];
  text: string;

  constructor(host: RoomHost, options: { wantsChanges?: boolean; isOldClient?: boolean } = {}) {
    this.#host = host;
    this.text = host.room.committed.content;
    this.session = this.join(options);
  }

  join(options: { wantsChanges?: boolean; isOldClient?: boolean }): JsonSession {
    const session = this.#host.joinJson(this.peer, { clientName: "pipeline", ...options });
    this.peer.take();
    return session;
  }

  /** Inserts at this place; the request is named by its number. */
  insert(at: number, insert: string): object {
    const number = this.frames.length;
    const base = number === 0 ? { base_version: 1 } : { base_request_id: String(number - 1) };
    const change = { from: at, to: at, insert };
    const frame = { action: "edit", changes: [change], request_id: String(number), ...base };
    this.text = applyChanges(this.text, [change]);
    this.#texts.push(this.text);
    this.frames.push(JSON.stringify(frame));
    return frame;
  }

  /** The text of the version that these statuses are of, as their receiver computes it. */
  textAfter(statuses: readonly Status[]): string {
    const last = statuses.at(-1);
    if (last === undefined) throw new Error("There is no status.");
    expect(last.more).toBeUndefined();
    const sent = this.#texts[Number(last.request_id)] ?? "";
    return last.content ?? applyChanges(sent, last.changes ?? []);
  }
}

function hostWith(content: string): RoomHost {
  const host = new RoomHost(new MemoryUpdateLog());
  host.create(content);
  return host;
}

function statusesOf(frames: readonly (string | Uint8Array)[]): Status[] {
  return frames.map(parseJson).flatMap((frame) => (frame.action === "update_status" ? [frame] : []));
}

function bytesOf(frames: readonly (string | Uint8Array)[]): number {
  return frames.reduce((sum, frame) => sum + frame.length, 0);
}

describe("the statuses of pipelined edits", () => {
  test.each([true, false])(
    "[JSON-23] they cost bytes in proportion to the edits, when one client sends 300 on 1 MB (changes=1: %s)",
    (wantsChanges) => {
      const host = hostWith("x".repeat(1_000_000));
      const editor = new PipeliningEditor(host, { wantsChanges });
      for (let at = 0; at < 300; at++) host.receive(editor.session, editor.insert(at * 3_000, `<${at}>`));
      host.passUntilIdle();
      const frames = editor.peer.take();
      expect(statusesOf(frames)).toHaveLength(300);
      expect(bytesOf(frames)).toBeLessThan(2 * bytesOf(editor.frames));
      expect(host.room.committed.content).toBe(editor.text);
    },
  );

  test("[JSON-23] they cost as little, when the client repeats all its edits after a reconnect", () => {
    const host = hostWith("x".repeat(1_000_000));
    const editor = new PipeliningEditor(host, { wantsChanges: true });
    const frames = Array.from({ length: 300 }, (_, at) => editor.insert(at, `<${at}>`));
    for (const frame of frames) host.receive(editor.session, frame);
    host.passUntilIdle();
    editor.peer.take();
    const again = editor.join({ wantsChanges: true });
    for (const frame of frames) host.receive(again, frame);
    host.passUntilIdle();
    const statuses = editor.peer.take();
    expect(statusesOf(statuses)).toHaveLength(300);
    // An edit that is answered by itself names those that came after it.
    expect(bytesOf(statuses)).toBeLessThan(500_000);
    expect(editor.textAfter(statusesOf(statuses))).toBe(editor.text);
  });

  test("[JSON-23] all but the last of one version say `more`, when others have written between", () => {
    const host = hostWith("one two three");
    const editor = new PipeliningEditor(host, { wantsChanges: true });
    const other = host.joinJson(new ScriptedPeer());
    host.receiveTogether(
      [editor.session, editor.insert(3, " a")],
      [other, { action: "edit", base_version: 1, changes: [{ from: 13, to: 13, insert: " four" }] }],
      [editor.session, editor.insert(5, " b")],
      [editor.session, editor.insert(0, "zero ")],
    );
    const statuses = statusesOf(editor.peer.take());
    expect(statuses.map(({ version, more }) => [version, more])).toEqual([
      [2, true],
      [2, true],
      [2, undefined],
    ]);
    expect(statuses.at(-1)).toMatchObject({ changes: [{ from: 22, to: 22, insert: " four" }] });
    expect(editor.textAfter(statuses)).toBe(host.room.committed.content);
  });

  test("[JSON-23] the last brings the whole text, when the session did not ask for changes", () => {
    const host = hostWith("one");
    const editor = new PipeliningEditor(host);
    const other = host.joinJson(new ScriptedPeer());
    host.receiveTogether(
      [editor.session, editor.insert(3, " a")],
      [editor.session, editor.insert(5, " b")],
      [other, { action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "zero " }] }],
    );
    expect(statusesOf(editor.peer.take())).toMatchObject([
      { request_id: "0", more: true },
      { request_id: "1", content: "zero one a b" },
    ]);
  });

  test.each(["one\r\ntwo\r\n", "one\ntwo\n"])(
    "[JSON-23] the text is right, when the line ends are those of %j",
    (content) => {
      const host = hostWith(content);
      const editor = new PipeliningEditor(host, { wantsChanges: true });
      const other = host.joinJson(new ScriptedPeer());
      host.receiveTogether(
        [other, { action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "zero\r\n" }] }],
        [editor.session, editor.insert(content.length, "three\r\n")],
        [editor.session, editor.insert(0, "a")],
      );
      const statuses = statusesOf(editor.peer.take());
      expect(editor.textAfter(statuses)).toBe(host.room.committed.content);
    },
  );

  test("[JSON-23] a write of metadata behind the edits leaves the text to the last edit", () => {
    const host = hostWith("one");
    const editor = new PipeliningEditor(host);
    const other = host.joinJson(new ScriptedPeer());
    host.receiveTogether(
      [other, { action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "zero " }] }],
      [editor.session, editor.insert(3, "!")],
      [editor.session, { action: "update_metadata", description: "d", request_id: "m" }],
    );
    const [edit, metadata] = statusesOf(editor.peer.take());
    expect(edit).toMatchObject({ request_id: "0", content: "zero one!" });
    expect(edit?.more).toBeUndefined();
    expect(metadata).not.toHaveProperty("content");
    expect(metadata).not.toHaveProperty("more");
  });

  test("[JSON-23] an old client gets neither `more` nor `changes`, and one merged text behind all its statuses", () => {
    const host = hostWith("one");
    const peer = new ScriptedPeer();
    const old = host.joinJson(peer, { isOldClient: true });
    const other = host.joinJson(new ScriptedPeer());
    peer.take();
    host.receiveTogether(
      [other, { action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "zero " }] }],
      [old, { action: "update", content: "one two" }],
      [old, { action: "update", content: "one two three" }],
    );
    const timestamp = expect.any(String);
    expect(peer.takeJson()).toEqual([
      { action: "update_status", success: true, timestamp, version: 2 },
      { action: "update_status", success: true, timestamp, version: 2 },
      { action: "update", content: "zero one two three", timestamp, version: 2 },
    ]);
  });
});

describe("stale bases", () => {
  test("[JSON-11] only the first answer brings the text, when a chain of edits begins with an unknown base", () => {
    const host = hostWith("x".repeat(100_000));
    const editor = new PipeliningEditor(host);
    const chain = Array.from({ length: 50 }, (_, at) => editor.insert(at, "y"));
    host.receive(editor.session, { ...chain[0], base_version: 77 });
    for (const frame of chain.slice(1)) host.receive(editor.session, frame);
    const errors = editor.peer.takeJson();
    expect(errors).toHaveLength(50);
    expect(errors[0]).toMatchObject({ code: "stale_base", version: 1, content: "x".repeat(100_000) });
    for (const error of errors.slice(1)) {
      expect(error).toMatchObject({ code: "stale_base", version: 1 });
      expect(error).not.toHaveProperty("content");
    }
  });

  test("[JSON-11] each answer brings the text, when two edits name unknown versions one after the other", () => {
    const host = hostWith("text");
    const peer = new ScriptedPeer();
    const session = host.joinJson(peer);
    peer.take();
    for (const base_version of [77, 78])
      host.receive(session, { action: "edit", changes: [], base_version, request_id: String(base_version) });
    expect(peer.takeJson()).toMatchObject([{ content: "text" }, { content: "text" }]);
  });
});
