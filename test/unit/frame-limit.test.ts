/** How much one session may send to a room. */
import { describe, expect, test } from "vitest";
import type { Access } from "../../src/protocol/access.ts";
import { encodeAwareness } from "../../src/protocol/yjs-frames.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { decodeServerFrame } from "../support/yjs-client.ts";

const PING = { action: "ping", request_id: "p" };
const ANN: Access = {
  ...OPEN_ACCESS,
  principal: { id: "user:ann", name: "Ann", color: null },
  role: "editor",
};

function roomWith(isLimited: boolean): RoomHost {
  const host = new RoomHost(new MemoryUpdateLog(), { isLimited });
  host.create("text");
  host.pass(60_000);
  return host;
}

/** What came of some frames: errors with their times to wait, answers, and the close. */
function outcome(peer: ScriptedPeer) {
  const frames = peer.takeJson();
  const errors = frames.filter((frame) => frame.action === "error");
  const pongs = frames.filter(({ action }) => action === "pong").length;
  return {
    errors: errors.map(({ code, retry_after }) => [code, retry_after]),
    pongs,
    closed: peer.closed?.code,
  };
}

function send(host: RoomHost, session: ReturnType<RoomHost["joinJson"]>, count: number): void {
  for (let sent = 0; sent < count; sent++) host.receive(session, PING);
}

describe("a JSON session", () => {
  test("[LIMIT-3] ten thousand frames at once are within the limit", () => {
    const host = roomWith(true);
    const peer = new ScriptedPeer();
    send(host, host.joinJson(peer), 10_000);
    expect(outcome(peer)).toEqual({ errors: [], pongs: 10_000, closed: undefined });
  });

  test("[LIMIT-1] it is told once when it sends more, and what it sends is taken", () => {
    const host = roomWith(true);
    const peer = new ScriptedPeer();
    const session = host.joinJson(peer);
    send(host, session, 10_000);
    peer.take();
    send(host, session, 5_000);
    expect(outcome(peer)).toEqual({ errors: [["rate_limited", 1]], pongs: 5_000, closed: undefined });
  });

  test("[LIMIT-2] it is closed with 4529 when it goes on", () => {
    const host = roomWith(true);
    const peer = new ScriptedPeer();
    const session = host.joinJson(peer);
    send(host, session, 15_000);
    peer.take();
    send(host, session, 1);
    expect(outcome(peer)).toEqual({ errors: [], pongs: 0, closed: 4529 });
    send(host, session, 10);
    expect(peer.frameCount).toBe(0);
  });

  test("[LIMIT-1] it sends 500 frames a second for ever", () => {
    const host = roomWith(true);
    const peer = new ScriptedPeer();
    const session = host.joinJson(peer);
    for (let second = 0; second < 60; second++) {
      send(host, session, 500);
      host.pass(1_000);
    }
    expect(outcome(peer)).toEqual({ errors: [], pongs: 30_000, closed: undefined });
  });

  test("[LIMIT-1] it is told again, when it has been quiet and sends too much once more", () => {
    const host = roomWith(true);
    const peer = new ScriptedPeer();
    const session = host.joinJson(peer);
    for (let time = 0; time < 2; time++) {
      send(host, session, 10_001);
      host.pass(30_000);
    }
    expect(outcome(peer).errors).toEqual([
      ["rate_limited", 1],
      ["rate_limited", 1],
    ]);
  });

  test("[LIMIT-2] a new socket of the same user goes on where the old one was, and that of another one begins", () => {
    const host = roomWith(true);
    const first = new ScriptedPeer();
    send(host, host.joinJson(first, { access: ANN }), 15_001);
    expect(first.closed?.code).toBe(4529);
    const [again, other] = [new ScriptedPeer(), new ScriptedPeer()];
    send(host, host.joinJson(again, { access: ANN }), 1);
    const bob = { ...ANN, principal: { ...ANN.principal, id: "user:bob" } };
    send(host, host.joinJson(other, { access: bob }), 1);
    expect([again.closed?.code, other.closed]).toEqual([4529, null]);
    host.pass(60_000);
    const later = new ScriptedPeer();
    send(host, host.joinJson(later, { access: ANN }), 10_000);
    expect(later.closed).toBeNull();
  });

  test("[LIMIT-9] nothing is limited on an open server", () => {
    const host = roomWith(false);
    const peer = new ScriptedPeer();
    send(host, host.joinJson(peer), 30_000);
    expect(outcome(peer)).toEqual({ errors: [], pongs: 30_000, closed: undefined });
  });
});

describe("a Yjs session", () => {
  test("[LIMIT-3] nine updates of eight mebibytes at once are within the limit, and the next one is not", () => {
    const host = roomWith(true);
    const peer = new ScriptedPeer();
    const session = host.joinYjs(peer);
    // A frame of a type that nobody knows is ignored, but counts.
    host.receive(session, encodeAwareness([]));
    const frame = new Uint8Array(8 * 1024 * 1024).fill(9);
    for (let sent = 0; sent < 9; sent++) host.receive(session, frame);
    expect(
      peer
        .takeBinary()
        .map(decodeServerFrame)
        .filter(({ kind }) => kind === "notice"),
    ).toEqual([]);
    host.receive(session, frame);
    expect(peer.takeBinary().map(decodeServerFrame)).toMatchObject([
      { kind: "notice", code: "rate_limited" },
    ]);
    expect(peer.closed).toBeNull();
  });

  test("[LIMIT-1] a client of our subprotocol is told by a notice, a stock client by nothing", () => {
    const host = roomWith(true);
    const [own, stock] = [new ScriptedPeer(), new ScriptedPeer()];
    const sessions = [host.joinYjs(own), host.joinYjs(stock, { isOwnClient: false })];
    const frame = encodeAwareness([]);
    for (const session of sessions) for (let sent = 0; sent < 10_001; sent++) host.receive(session, frame);
    const notices = own
      .takeBinary()
      .map(decodeServerFrame)
      .filter(({ kind }) => kind === "notice");
    expect(notices).toMatchObject([{ kind: "notice", code: "rate_limited" }]);
    expect(
      stock
        .takeBinary()
        .map(decodeServerFrame)
        .filter(({ kind }) => kind !== "awareness"),
    ).toEqual([]);
    expect([own.closed, stock.closed]).toEqual([null, null]);
    for (let sent = 0; sent < 5_000; sent++) for (const session of sessions) host.receive(session, frame);
    expect([own.closed?.code, stock.closed?.code]).toEqual([4529, 4529]);
  });
});
