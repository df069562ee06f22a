/** Twenty forgers against twenty editors of all kinds, at random, on connections that take 0 to 200 ms each way. */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import type { Access } from "../../src/protocol/access.ts";
import { DelayedRoom } from "../support/delayed-room.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { FORGED_TEXT, FORGERS_OWN_TEXT, Forger } from "../support/forger.ts";
import { LiveEditor } from "../support/live-editor.ts";
import { LiveJsonEditor } from "../support/live-json-editor.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { SeededRandom } from "../support/seeded-random.ts";

interface Battle {
  readonly seed: number;
  readonly victims: number;
  readonly forgers: number;
  readonly steps: number;
  /** Editors are known by name, and their connections break; otherwise they are anonymous, and stay. */
  readonly areKnown: boolean;
  /** Pairs of editors that are also linked peer to peer, and editors with a second provider. */
  readonly links?: number;
  readonly doubled?: number;
}

function as(id: string): Access {
  return { ...OPEN_ACCESS, principal: { id, name: null, color: null } };
}

function fight({ seed, victims, forgers, steps, areKnown, links = 0, doubled = 0 }: Battle) {
  const random = new SeededRandom(seed);
  const room = new DelayedRoom();
  const delayMs = () => random.below(201);
  const editors: LiveEditor[] = [];
  const json: LiveJsonEditor[] = [];
  for (let at = 0; at < victims; at++) {
    const access = areKnown ? as(`user:${at}`) : as(`anonymous:${at}`);
    const kind = (["stock", "own", areKnown ? "stock" : "raw", "json"] as const)[at % 4] ?? "raw";
    if (kind === "json") json.push(new LiveJsonEditor(room, { delayMs, access }));
    else {
      const doc = new Y.Doc();
      doc.clientID = random.below(2 ** 31);
      editors.push(new LiveEditor(room, `editor ${at}`, { kind, delayMs, access, doc }));
    }
  }
  // Some are also linked peer to peer, and some have two providers on one document.
  for (let at = 0; at + 1 < links * 2; at += 2)
    link(room, editors[at], editors[at + 1], () => random.below(150));
  const doubles = editors
    .slice(editors.length - doubled)
    .map(
      ({ doc }, at) =>
        new LiveEditor(room, `second of ${at}`, { kind: random.pick(["own", "stock"]), delayMs, doc }),
    );
  // A session owns the id under which it has written: before that, an editor without awareness is nobody.
  const typed: string[] = [];
  const type = (editor: LiveEditor | LiveJsonEditor) => {
    const token = `[${typed.length}]`;
    typed.push(token);
    editor.type(token);
  };
  if (links > 0) {
    // As stock providers do. An editor without awareness, whose first update also brings a linked peer's, is nobody.
    for (const editor of [...editors, ...doubles]) editor.show();
    room.pass(1_000);
  }
  for (const editor of [...editors, ...json]) type(editor);
  room.pass(2_000);
  const targets = () => [
    ...editors.map(({ doc }) => ({ clientId: doc.clientID, clock: Y.getState(doc.store, doc.clientID) })),
    ...json.map(({ clientId }) => ({ clientId, clock: 0 })),
  ];
  const all = Array.from({ length: forgers }, (_, at) => {
    const access = areKnown && at % 2 === 0 ? as(`user:forger-${at}`) : as(`anonymous:forger-${at}`);
    return new Forger(room, { random, delayMs, access, targets });
  });
  for (let step = 0; step < steps; step++) {
    const kind = random.below(20);
    if (kind < 9) type(random.pick([...editors, ...json]));
    else if (kind < 17) random.pick(all).act();
    else if (kind === 17 && areKnown)
      random.pick(editors).reconnect({ isHalfOpen: random.chance(0.4), afterMs: random.below(3_000) });
    else if (kind === 18) random.pick(editors).show();
    // Connections that break are back within three seconds, and no room sleeps before ten seconds without an event.
    else if (kind === 19 && !areKnown) sleep(room);
    room.pass(random.below(40));
  }
  for (let more = 0; more < 30; more++) {
    room.pass(1_000);
    if (more % 10 === 5) room.hibernate();
  }
  return { room, editors: [...editors, ...doubles], json, typed, forgers: all };
}

/** A room sleeps after ten seconds without an event, so no question is open then, and no answer on its way. */
function sleep(room: DelayedRoom): void {
  room.pass(1_000);
  room.hibernate();
}

function expectUnharmed({ room, editors, json, typed }: ReturnType<typeof fight>): void {
  const { text } = room;
  expect(text).not.toContain(FORGED_TEXT);
  const honest = text.replaceAll(FORGERS_OWN_TEXT, "");
  expect(typed.filter((token) => honest.split(token).length !== 2)).toEqual([]);
  for (const editor of editors) {
    expect([editor.name, editor.closeCodes, editor.unsaved]).toEqual([editor.name, [], []]);
    expect(editor.text).toBe(text);
  }
  for (const one of json) expect([one.pending, one.isClosed]).toEqual([[], false]);
}

function link(
  room: DelayedRoom,
  one: LiveEditor | undefined,
  other: LiveEditor | undefined,
  delayMs: () => number,
): void {
  if (one === undefined || other === undefined) throw new Error("There are more editors than linked ones.");
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    let arrivesMs = 0;
    from.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === "link") return;
      arrivesMs = Math.max(arrivesMs, room.nowMs + delayMs());
      room.after(arrivesMs - room.nowMs, () => Y.applyUpdate(to.doc, update, "link"));
    });
  }
}

describe("forgers among editors", () => {
  test("[FORGE-14] no editor is closed, none loses an edit, and nothing forged is in the text, when all are anonymous", () => {
    let closes = 0;
    forEachSeed(5, [], (seed) => {
      const battle = fight({ seed, victims: 20, forgers: 20, steps: 300, areKnown: false });
      expectUnharmed(battle);
      for (const forger of battle.forgers) closes += forger.closes;
    });
    expect(closes).toBeGreaterThan(5);
  });

  test("[FORGE-14] no editor is closed, none loses an edit, and nothing forged is in the text, when editors have two providers", () => {
    forEachSeed(5, [], (seed) => {
      expectUnharmed(fight({ seed, victims: 20, forgers: 20, steps: 300, areKnown: false, doubled: 3 }));
    });
  });

  test("[FORGE-14] no editor is closed, none loses an edit, and nothing forged is in the text, when editors are linked", () => {
    forEachSeed(5, [], (seed) => {
      expectUnharmed(
        fight({ seed, victims: 20, forgers: 20, steps: 300, areKnown: false, links: 4, doubled: 3 }),
      );
    });
  });

  test("[FORGE-14] no editor is closed, none loses an edit, and nothing forged is in the text, when known editors lose their connections", () => {
    forEachSeed(5, [207, 308], (seed) => {
      expectUnharmed(fight({ seed, victims: 20, forgers: 20, steps: 300, areKnown: true }));
    });
  });
});
