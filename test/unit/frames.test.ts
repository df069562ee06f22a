/** The frames of both sockets: their bytes are locked, and nothing that comes in makes a decoder throw. */

import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { describe, expect, test } from "vitest";
import * as awarenessProtocol from "y-protocols/awareness";
import * as syncProtocol from "y-protocols/sync";
import * as Y from "yjs";
import { CLOSE, closeReason } from "../../src/protocol/close-codes.ts";
import { decodeClientFrame } from "../../src/protocol/json-frames.ts";
import { MAX_CLOSE_REASON_BYTES } from "../../src/protocol/limits.ts";
import {
  decodeYjsFrame,
  decodeYjsServerFrame,
  encodeAccess,
  encodeAwareness,
  encodeNotice,
  encodePush,
  encodeQueryAwareness,
  encodeRenewal,
  encodeSaved,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
} from "../../src/protocol/yjs-frames.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const BODY = Uint8Array.of(9, 8);

describe("Yjs frames", () => {
  test.each([
    ["sync step 1", encodeSyncStep1(BODY), [0, 0, 2, 9, 8]],
    ["sync step 2", encodeSyncStep2(BODY), [0, 1, 2, 9, 8]],
    ["an update", encodeUpdate(BODY), [0, 2, 2, 9, 8]],
    [
      "awareness",
      encodeAwareness([
        { client: 300, clock: 1, state: "{}" },
        { client: 2, clock: 3, state: "null" },
      ]),
      [1, 14, 2, 0xac, 2, 1, 2, 123, 125, 2, 3, 4, 110, 117, 108, 108],
    ],
    ["a query for awareness", encodeQueryAwareness(), [3]],
    ["a push", encodePush(300, BODY), [100, 0xac, 2, 2, 9, 8]],
    ["saved", encodeSaved(300, 5), [101, 0xac, 2, 5]],
    ["a notice", encodeNotice("c", "é"), [102, 1, 99, 2, 0xc3, 0xa9]],
    ["a renewal", encodeRenewal("é"), [103, 2, 0xc3, 0xa9]],
    ["an access that ends", encodeAccess("é", 300), [104, 2, 0xc3, 0xa9, 0xac, 2]],
    ["an access without an end", encodeAccess("a", null), [104, 1, 97, 0]],
  ])("[FRAME-1] the bytes of %s are locked", (_, frame, bytes) => {
    expect([...frame]).toEqual(bytes);
  });

  test.each([
    ["sync step 1", [0, 0, 2, 9, 8], { kind: "step1", stateVector: BODY }],
    ["sync step 2", [0, 1, 2, 9, 8], { kind: "step2", update: BODY }],
    ["an update", [0, 2, 2, 9, 8], { kind: "update", update: BODY }],
    ["a push", [100, 0xac, 2, 2, 9, 8], { kind: "push", seq: 300, update: BODY }],
    ["a query for awareness", [3], { kind: "queryAwareness" }],
    [
      "awareness",
      [1, 5, 1, 7, 1, 1, 97],
      { kind: "awareness", entries: [{ client: 7, clock: 1, state: "a" }] },
    ],
    ["a renewal", [103, 2, 0xc3, 0xa9], { kind: "renewal", token: "é" }],
    ["an auth message", [2, 0, 1, 97], { kind: "foreign" }],
    ["a message of an unknown kind", [77, 1, 2, 3], { kind: "foreign" }],
  ])("[FRAME-1] %s is decoded", (_, bytes, frame) => {
    expect(decodeYjsFrame(Uint8Array.from(bytes))).toEqual(frame);
  });

  test.each([
    ["sync step 1", [0, 0, 2, 9, 8], { kind: "step1", stateVector: BODY }],
    ["sync step 2", [0, 1, 2, 9, 8], { kind: "step2", update: BODY }],
    ["an update", [0, 2, 2, 9, 8], { kind: "update", update: BODY }],
    [
      "awareness",
      [1, 5, 1, 7, 1, 1, 97],
      { kind: "awareness", entries: [{ client: 7, clock: 1, state: "a" }] },
    ],
    ["saved", [101, 0xac, 2, 5], { kind: "saved", seq: 300, revision: 5 }],
    ["a notice", [102, 1, 99, 2, 0xc3, 0xa9], { kind: "notice", code: "c", message: "é" }],
    ["an auth message", [2, 0, 1, 97], { kind: "foreign" }],
    ["an access that ends", [104, 2, 0xc3, 0xa9, 0xac, 2], { kind: "access", role: "é", expiresAtMs: 300 }],
    ["an access without an end", [104, 1, 97, 0], { kind: "access", role: "a", expiresAtMs: null }],
    ["a push", [100, 1, 0], { kind: "foreign" }],
  ])("[FRAME-1] %s of the server is decoded", (_, bytes, frame) => {
    expect(decodeYjsServerFrame(Uint8Array.from(bytes))).toEqual(frame);
  });

  test.each([
    ["nothing", []],
    ["a sync message without a body", [0, 2]],
    ["saved without a revision", [101, 1]],
    ["a notice cut off", [102, 1, 99, 9]],
    ["an access cut off", [104, 1, 97]],
  ])("[FRAME-2] %s is no frame of the server", (_, bytes) => {
    expect(decodeYjsServerFrame(Uint8Array.from(bytes))).toBeNull();
  });

  test.each([
    ["nothing", []],
    ["an unknown sync message", [0, 3, 0]],
    ["a sync message without a body", [0, 0]],
    ["a body shorter than it says", [0, 2, 5, 1]],
    ["a number without an end", [0xff, 0xff, 0xff]],
    ["a number beyond 53 bits", [0, 2, ...Array.from({ length: 12 }, () => 0xff), 1]],
    ["awareness of fewer than it says", [1, 2, 9, 7]],
    ["a state that is not UTF-8", [1, 5, 1, 7, 1, 1, 0xff]],
    ["a push without a number", [100]],
  ])("[FRAME-2] %s is no frame", (_, bytes) => {
    expect(decodeYjsFrame(Uint8Array.from(bytes))).toBeNull();
  });

  test("[FRAME-2] random bytes never make the decoder throw", () => {
    forEachSeed(20_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const bytes = random.bytes(random.below(40));
      if (random.chance(0.7)) bytes.set([random.pick([0, 1, 2, 3, 100])].slice(0, bytes.length));
      expect(() => decodeYjsFrame(bytes)).not.toThrow();
    });
  });

  test("[FRAME-1] stock y-protocols writes what we read, and reads what we write", () => {
    const doc = new Y.Doc();
    doc.clientID = 5;
    doc.getText("content").insert(0, "hello");
    const step1 = written(0, (encoder) => syncProtocol.writeSyncStep1(encoder, doc));
    expect(step1).toEqual(encodeSyncStep1(Y.encodeStateVector(doc)));
    const update = Y.encodeStateAsUpdate(doc);
    expect(written(0, (encoder) => syncProtocol.writeUpdate(encoder, update))).toEqual(encodeUpdate(update));

    const awareness = new awarenessProtocol.Awareness(doc);
    awareness.setLocalState({ name: "Ann" });
    const entries = awarenessProtocol.encodeAwarenessUpdate(awareness, [5]);
    const frame = written(1, (encoder) => encoding.writeVarUint8Array(encoder, entries));
    expect(decodeYjsFrame(frame)).toEqual({
      kind: "awareness",
      entries: [{ client: 5, clock: 1, state: '{"name":"Ann"}' }],
    });
    expect(encodeAwareness([{ client: 5, clock: 1, state: '{"name":"Ann"}' }])).toEqual(frame);
    awareness.destroy();

    const copy = new Y.Doc();
    const decoder = decoding.createDecoder(encodeSyncStep2(update));
    decoding.readVarUint(decoder);
    syncProtocol.readSyncMessage(decoder, encoding.createEncoder(), copy, null);
    expect(copy.getText("content").toString()).toBe("hello");
  });
});

describe("JSON frames", () => {
  test.each([
    ['{"action":"update","content":"a","base_version":3,"request_id":"r"}'],
    ['{"action":"update","content":""}'],
    ['{"action":"edit","base_version":0,"changes":[{"from":0,"to":1,"insert":"x"}]}'],
    ['{"action":"update_metadata","description":"","tags":[],"prompt_type":null}'],
    ['{"action":"expand"}'],
    ['{"action":"expand","content":null}'],
    ['{"action":"presence","state":{"name":"Ann","cursor":{"anchor":1,"head":2}}}'],
    ['{"action":"presence","state":null}'],
  ])("[FRAME-3] %s is a frame", (text) => {
    expect(decode(text)).toMatchObject({ ok: true, value: { action: JSON.parse(text).action } });
  });

  test.each([
    ["", "invalid_json", false],
    ["{", "invalid_json", false],
    ["[]", "invalid_frame", false],
    ["null", "invalid_frame", false],
    ['"update"', "invalid_frame", false],
    ["{}", "invalid_frame", true],
    ['{"action":5}', "invalid_frame", true],
    ['{"action":null}', "invalid_frame", true],
    ['{"action":"no such"}', "unknown_action", true],
    ['{"action":"__proto__"}', "unknown_action", true],
    ['{"action":"toString"}', "unknown_action", true],
    ['{"action":"update"}', "invalid_frame", true],
    ['{"action":"update","content":null}', "invalid_frame", true],
    ['{"action":"update","content":5}', "invalid_frame", false],
    ['{"action":"update","content":"a","base_version":-1}', "invalid_frame", false],
    ['{"action":"update","content":"a","base_version":1.5}', "invalid_frame", false],
    ['{"action":"edit","base_version":1,"changes":{}}', "invalid_frame", false],
    ['{"action":"edit","base_version":1,"changes":[{"from":0}]}', "invalid_frame", false],
    ['{"action":"update_metadata","tags":["",5]}', "invalid_frame", false],
    ['{"action":"presence"}', "invalid_frame", false],
  ])("[FRAME-3] %s is refused with a reason", (text, code, silentForOldClients) => {
    const decoded = decode(text);
    expect(decoded).toMatchObject({ ok: false, refusal: { code }, silentForOldClients });
    if (!decoded.ok) expect(decoded.refusal.message).not.toBe("");
  });

  test.each([
    [{ action: "update_metadata", tag: ["x"] }, "update_metadata: tag: is not known; did you mean `tags`?"],
    [{ action: "update", contents: "x" }, "update: contents: is not known; did you mean `content`?"],
    [
      { action: "edit", changes: [{ form: 0, to: 0 }] },
      "edit: changes.0.form: is not known; did you mean `from`?",
    ],
    [
      { action: "presence", state: { colour: "red" } },
      "presence: state.colour: is not known; did you mean `color`?",
    ],
    [
      { action: "edit", changes: [...Array(9_999).fill({ from: -1, to: 0 }), { from: 0, to: 0, text: "" }] },
      "edit: changes.9999.text: is not known; known here: `from`, `to`, `insert`.",
    ],
    [
      { action: "expand", baseVersion: 1 },
      "expand: baseVersion: is not known; known here: `action`, `content`, `unresolved`, `variables`, `map`, `request_id`.",
    ],
    [{ action: "ping", toString: 1 }, "ping: toString: is not known; known here: `action`, `request_id`."],
  ])(
    "[FRAME-7] a frame with an unknown field is refused and the nearest known one is named: %#",
    (frame, message) => {
      const decoded = decode(JSON.stringify({ ...frame, request_id: "r" }));
      expect(decoded).toMatchObject({
        ok: false,
        refusal: { code: "invalid_frame", message },
        requestId: "r",
      });
    },
  );

  test.each([
    [
      { action: "update", content: "x", contents: "y" },
      { action: "update", content: "x" },
    ],
    [
      { action: "edit", changes: [{ from: 0, to: 0, insert: "x", colour: "red" }] },
      { action: "edit", changes: [{ from: 0, to: 0, insert: "x" }] },
    ],
    [
      { action: "presence", state: { name: "Ann", colour: "red" } },
      { action: "presence", state: { name: "Ann" } },
    ],
    [{ action: "ping", unknown: 1 }, { action: "ping" }],
  ])("[FRAME-7] a frame of an old client is taken without its unknown fields: %#", (frame, taken) => {
    expect(decodeClientFrame(JSON.stringify(frame), true)).toEqual({ ok: true, value: taken });
  });

  test("[FRAME-7] a frame with ten thousand faults is refused about as fast as a good one is taken", () => {
    const frame = (change: object) =>
      JSON.stringify({ action: "edit", base_version: 1, changes: Array(10_000).fill(change) });
    const timeOf = (text: string) => {
      const times = Array.from({ length: 7 }, () => {
        const startMs = performance.now();
        decode(text);
        return performance.now() - startMs;
      });
      return Math.min(...times);
    };
    const good = timeOf(frame({ from: 0, to: 1, insert: "a" }));
    const bad = timeOf(frame({ from: -1, to: "x", ["x".repeat(64)]: 1 }));
    expect(bad / good).toBeLessThan(10);
  });

  test("[FRAME-3] a refusal names the request that it refuses", () => {
    expect(decode('{"action":"no such","request_id":"r 1"}')).toMatchObject({ requestId: "r 1" });
    const tooLong = JSON.stringify({ action: "no such", request_id: "r".repeat(129) });
    expect(decode(tooLong)).toMatchObject({ ok: false, requestId: undefined });
  });

  test("[FRAME-4] no input makes the decoder throw", () => {
    forEachSeed(20_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = random.chance(0.5) ? JSON.stringify(randomFrame(random)) : randomText(random);
      expect(() => decode(text ?? ""), text).not.toThrow();
    });
  });

  test("[FRAME-4] a frame nested a hundred thousand deep is refused or ignored, without a throw", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    expect(decode(deep).ok).toBe(false);
    expect(() => decode(`{"action":"presence","state":{"cursor":${deep}}}`)).not.toThrow();
  });
});

describe("close frames", () => {
  test("[FRAME-5] a close reason has at most 123 bytes, and is cut between characters", () => {
    forEachSeed(2_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const reason = Array.from({ length: random.below(150) }, () =>
        random.pick(["a", "é", "漢", "😀"]),
      ).join("");
      const cut = closeReason(reason);
      const bytes = new TextEncoder().encode(cut).length;
      expect(bytes).toBeLessThanOrEqual(MAX_CLOSE_REASON_BYTES);
      expect(cut.isWellFormed()).toBe(true);
      if (new TextEncoder().encode(reason).length <= MAX_CLOSE_REASON_BYTES) expect(cut).toBe(reason);
      else {
        expect(bytes).toBeGreaterThan(MAX_CLOSE_REASON_BYTES - 4);
        expect(reason.startsWith(cut.slice(0, -1))).toBe(true);
      }
    });
  });

  test("[FRAME-5] a close code is 44xx if it is final for a Yjs provider, and another if the provider is to try again", () => {
    const isFinal = (code: number) => code >= 4400 && code < 4500;
    const { malformed, unauthorised, forbidden, notFoundYjs, forged, deleted, overLimit } = CLOSE;
    for (const code of [malformed, unauthorised, forbidden, notFoundYjs, forged, deleted, overLimit]) {
      expect(isFinal(code)).toBe(true);
    }
    for (const code of [CLOSE.tooLarge, CLOSE.serverError, CLOSE.expired, CLOSE.full])
      expect(isFinal(code)).toBe(false);
    expect(CLOSE).toMatchObject({ notFoundJson: 4004, tooLarge: 1009, serverError: 1011, deleted: 4410 });
  });
});

function written(tag: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, tag);
  write(encoder);
  return encoding.toUint8Array(encoder);
}

/** Nearly a frame: the right fields with anything in them. */
/** As a frame on the socket of `/v1`. */
function decode(text: string) {
  return decodeClientFrame(text, false);
}

function randomFrame(random: SeededRandom): unknown {
  const value = (depth: number): unknown => {
    const kind = random.below(depth > 2 ? 8 : 10);
    if (kind === 8) return Array.from({ length: random.below(4) }, () => value(depth + 1));
    if (kind === 9) return { from: value(depth + 1), to: value(depth + 1), name: value(depth + 1) };
    const plain = [null, true, 0, -1, 1e300, "", "update", "\ud800"];
    return plain[kind];
  };
  const frame: Record<string, unknown> = {};
  const fields = ["content", "base_version", "base_request_id", "request_id", "changes", "tags", "state"];
  for (const field of fields) if (random.chance(0.5)) frame[field] = value(0);
  const actions = ["update", "edit", "update_metadata", "expand", "presence", "ping", "constructor"];
  if (random.chance(0.9)) frame["action"] = random.chance(0.9) ? random.pick(actions) : value(0);
  return frame;
}

function randomText(random: SeededRandom): string {
  const pieces = [
    "{",
    "}",
    "[",
    "]",
    '"action"',
    ":",
    ",",
    '"update"',
    "null",
    "1e999",
    "\\u0000",
    "\ud800",
    " ",
  ];
  return Array.from({ length: random.below(12) }, () => random.pick(pieces)).join("");
}
