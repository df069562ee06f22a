/** Sessions whose roles change while they type: what is acknowledged is there, and what a viewer typed is not. */
import { expect, test } from "vitest";
import * as Y from "yjs";
import { openSession, type SessionRecord, type YjsSession } from "../../src/core/room/session.ts";
import type { Role } from "../../src/protocol/access.ts";
import {
  encodePush,
  encodeRenewal,
  encodeSyncStep1,
  encodeSyncStep2,
} from "../../src/protocol/yjs-frames.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { userAccess } from "../support/open-access.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { updateOf } from "../support/update-of.ts";
import { decodeServerFrame } from "../support/yjs-client.ts";

const EDITORS = 4;
const STEPS = 60;

/** A client of our subprotocol. It pushes each change once, so a push that was dropped only comes by a sync step 2. */
class Editor {
  readonly doc = new Y.Doc();
  readonly name: string;
  peer = new ScriptedPeer();
  session: YjsSession;
  /** The word of each push, by its number. */
  readonly pushed = new Map<number, string>();
  savedSeq = 0;
  seq = 0;
  /** Whether it was ever allowed to write. */
  couldWrite = false;

  constructor(host: RoomHost, name: string, clientId: number, role: Role) {
    this.name = name;
    this.doc.clientID = clientId;
    this.session = host.joinYjs(this.peer, { access: accessOf(name, role) });
    this.couldWrite = role !== "viewer";
    host.receive(this.session, encodeSyncStep1(Y.encodeStateVector(this.doc)));
  }

  type(host: RoomHost): void {
    const word = `<${this.name}${++this.seq}>`;
    const update = updateOf(this.doc, (text) => text.insert(0, word));
    this.pushed.set(this.seq, word);
    host.receive(this.session, encodePush(this.seq, update));
  }

  /** Reads what came, and answers each sync step 1 if it is allowed to. */
  read(host: RoomHost, answers: boolean): void {
    for (const frame of this.peer.takeBinary().map(decodeServerFrame)) {
      if (frame.kind === "step2" || frame.kind === "update") Y.applyUpdate(this.doc, frame.update, "server");
      else if (frame.kind === "saved") this.savedSeq = frame.seq;
      else if (frame.kind === "step1" && answers)
        host.receive(this.session, encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)));
    }
  }

  /** Connects again, as after every close. What was not saved is pushed again. */
  reconnect(host: RoomHost, role: Role): void {
    this.peer = new ScriptedPeer();
    this.session = host.joinYjs(this.peer, { access: accessOf(this.name, role) });
    this.couldWrite ||= role !== "viewer";
    host.receive(this.session, encodeSyncStep1(Y.encodeStateVector(this.doc)));
    this.read(host, true);
    if (this.savedSeq < this.seq)
      host.receive(this.session, encodePush(this.seq, Y.encodeStateAsUpdate(this.doc)));
  }
}

function accessOf(name: string, role: Role) {
  return userAccess(name, { role, grants: [`user:${name}`] });
}

test("[SESSION-9] every push that `saved` covers is in the text, and no word of those who may only read, when roles change while all type", () => {
  forEachSeed(150, [], (seed) => {
    const random = new SeededRandom(seed);
    const log = new MemoryUpdateLog();
    let host = new RoomHost(log, { seed });
    host.create("");
    const roles: Role[] = ["editor", "editor", "viewer"];
    const editors = Array.from(
      { length: EDITORS },
      (_, at) => new Editor(host, `e${at}-`, 1_000 + at, at === 0 ? "viewer" : random.pick(roles)),
    );
    const steps: string[] = [];
    const check = () => {
      const text = host.room.committed.content;
      for (const editor of editors) {
        for (const [seq, word] of editor.pushed) {
          if (seq <= editor.savedSeq) expect(text, `${word} is saved; ${steps.slice(-12)}`).toContain(word);
          if (!editor.couldWrite) expect(text, `of a viewer; ${steps.slice(-12)}`).not.toContain(word);
        }
      }
    };
    for (let step = 0; step < STEPS; step++) {
      const editor = random.pick(editors);
      const isReader = editor === editors[0]; // it is never more than a viewer
      const action = random.pick(["type", "type", "type", "lower", "renew", "read", "read", "wait", "sleep"]);
      steps.push(`${editor.name}${action}`);
      switch (action) {
        case "type":
          editor.type(host);
          break;
        case "lower": {
          const change = { grant: `user:${editor.name}`, cap: { role: "viewer", prefixes: null } } as const;
          host.turn((nowMs) => host.room.changeAccess(change, nowMs));
          host.pass(61_000); // so that a later renewal is not lowered again
          break;
        }
        case "renew": {
          const role = isReader ? "viewer" : random.pick(roles);
          host.receive(editor.session, encodeRenewal("a.b.c"));
          const effect = host.effects.pop();
          if (effect?.kind !== "renewal") break; // its socket is closed
          const checked = { ok: true, value: accessOf(editor.name, role) } as const;
          host.turn((nowMs) => host.room.answerRenewal(effect, checked, nowMs));
          editor.couldWrite ||= role !== "viewer";
          break;
        }
        case "read":
          editor.read(host, random.chance(0.8));
          break;
        case "wait":
          host.pass(random.below(1_000));
          break;
        case "sleep":
          host.passUntilIdle();
          host = wake(host, log, seed, editors);
          break;
      }
      for (const one of editors)
        if (one.peer.closed !== null) one.reconnect(host, one === editors[0] ? "viewer" : random.pick(roles));
      check();
    }
    host.passUntilIdle();
    for (const editor of editors) editor.read(host, true);
    host.passUntilIdle();
    for (const editor of editors) editor.read(host, true);
    check();
  });
});

/** The object has slept: its sessions come back from what their peers remember. */
function wake(asleep: RoomHost, log: MemoryUpdateLog, seed: number, editors: readonly Editor[]): RoomHost {
  for (const editor of editors) {
    const record = editor.peer.remembered as SessionRecord; // each has joined
    if (record.protocol === "yjs") editor.session = openSession(record, editor.peer);
  }
  const sessions = editors.map(({ session }) => session);
  return new RoomHost(log, { seed: seed + 1, nowMs: asleep.nowMs, sessions });
}
