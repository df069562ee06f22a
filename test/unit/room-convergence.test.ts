/**
 * Many JSON and Yjs editors in one room, on a random schedule. Each writes tokens that stand nowhere else, and
 * removes none but its own: so the naive oracle of the shared text is a list of what was acknowledged.
 */
import { describe, expect, test } from "vitest";
import { forEachSeed } from "../support/for-each-seed.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { SimulatedWorld, type WorldOptions } from "../support/simulated-world.ts";

/** Runs a world to its rest; checks what holds for each. */
function run(options: WorldOptions, steps: number): SimulatedWorld {
  const world = new SimulatedWorld(options);
  for (let left = steps; left > 0; left--) world.step();
  world.drain();
  expect(world.faults(), world.story).toEqual([]);
  expect(world.differences(), world.story).toEqual([]);
  return world;
}

describe("editors of all kinds in one room", () => {
  test("[ROOM-1] all come to one text and lose nothing, whatever the schedule", () => {
    let [acknowledged, sleeps] = [0, 0];
    forEachSeed(250, [1869], (seed) => {
      const world = run({ seed }, 250);
      acknowledged += world.ledger.acknowledgedCount;
      sleeps += world.sleeps;
    });
    expect(acknowledged).toBeGreaterThan(5_000);
    expect(sleeps).toBeGreaterThan(1_000);
  });

  test("[ROOM-1] all come to one text, when the log is compacted all the time", () => {
    const compaction = { maxRows: 1, minUpdateBytes: 10, maxCommits: 3 };
    forEachSeed(60, [], (seed) => run({ seed, compaction }, 250));
  });

  test("[ROOM-4] a version is one text for ever, and versions grow by one, whoever is told in whichever way", () => {
    forEachSeed(60, [], (seed) => {
      const world = run({ seed, clients: ["edit", "changes", "text", "old", "changes", "push"] }, 250);
      // That two readers of a version have the same text is what the book has checked.
      expect(world.book.versions.size).toBeGreaterThan(5);
      const revisions = world.host.log.past().map(({ revision }) => revision);
      expect(revisions).toEqual(revisions.map((_, index) => index + 1));
    });
  });

  test("[ROOM-5] a client that gets changes has the whole text by them, at every version", () => {
    forEachSeed(60, [], (seed) => run({ seed, clients: ["changes", "changes", "edit", "stock"] }, 250));
  });

  test("[ROOM-6] old clients that go on with stale texts revert nobody", () => {
    forEachSeed(100, [], (seed) => run({ seed, clients: ["stale", "stale", "old", "text", "push"] }, 250));
  });

  test("[ROOM-6] old clients that take each text in at once lose nothing of what they wrote before", () => {
    forEachSeed(100, [10, 33], (seed) => run({ seed, clients: ["eager", "eager", "eager"] }, 250));
    forEachSeed(100, [], (seed) => run({ seed, clients: ["eager", "old", "edit", "push", "stock"] }, 250));
  });

  test("[ROOM-6] an old client's text that was in flight keeps what others wrote meanwhile", () => {
    const host = new RoomHost(new MemoryUpdateLog());
    host.create("one two three");
    const [old, other] = [new ScriptedPeer(), new ScriptedPeer()] as const;
    const oldSession = host.joinJson(old, { isOldClient: true });
    const otherSession = host.joinJson(other);
    host.receive(otherSession, { action: "update", content: "one 2 three", base_version: 1 });
    // The old one has not read it yet.
    host.receive(oldSession, { action: "update", content: "one two three four" });
    host.receive(oldSession, { action: "update", content: "one two three four five" });
    host.passUntilIdle();
    expect(host.room.committed.content).toBe("one 2 three four five");
    expect(old.takeJson().at(-1)).toMatchObject({ action: "update", content: "one 2 three four five" });
  });

  test.for([
    { ago: 32, is: "is a base" },
    { ago: 33, is: "is no base" },
  ])("[ROOM-6] a text $is, when it was sent $ago texts ago", ({ ago, is }) => {
    // Texts without a letter in common: what builds on one that is no base comes in whole, beside what is there.
    const textOf = (version: number) => String.fromCodePoint(0x4e00 + version).repeat(20);
    const newest = 40;
    const host = new RoomHost(new MemoryUpdateLog());
    host.create(textOf(1));
    const [old, other] = [new ScriptedPeer(), new ScriptedPeer()] as const;
    const oldSession = host.joinJson(old, { isOldClient: true });
    const otherSession = host.joinJson(other);
    for (let version = 2; version <= newest; version++) {
      host.receive(otherSession, { action: "update", content: textOf(version), base_version: version - 1 });
      host.pass(1_000);
    }
    const sent = old.takeJson().flatMap((frame) => ("content" in frame ? [frame.content] : []));
    expect(sent).toHaveLength(newest); // the initial one, too
    const known = sent.at(-ago);
    host.receive(oldSession, { action: "update", content: `${known}!` });
    host.passUntilIdle();
    const { content } = host.room.committed;
    if (is === "is a base") expect(content).toBe(`${textOf(newest)}!`);
    else expect(content).toContain(`${known}!`);
  });

  describe("a text that changes both ends, after many others", () => {
    // Long, so that not all texts are compared in full.
    const LINES = "line\n".repeat(4_000);

    test("[ROOM-6] it is an edit of the newest one, when its sender has read them", () => {
      const host = new RoomHost(new MemoryUpdateLog());
      host.create(`alpha gamma\n${LINES}`);
      const oldSession = host.joinJson(new ScriptedPeer(), { isOldClient: true });
      const otherSession = host.joinJson(new ScriptedPeer());
      for (let n = 0; n < 9; n++) {
        const { content, revision } = host.room.committed;
        const edited = content.replace("gamma", "more gamma");
        host.receive(otherSession, { action: "update", content: edited, base_version: revision });
        host.pass(1_000);
      }
      const text = `# ${host.room.committed.content}.`;
      host.receive(oldSession, { action: "update", content: text });
      host.passUntilIdle();
      expect(host.room.committed.content).toBe(text);
    });

    test("[ROOM-6] it is an edit of its sender's own last one, when that has read none of them", () => {
      const words = "one two three four five six ";
      const host = new RoomHost(new MemoryUpdateLog());
      host.create(`alpha ${words}gamma\n${LINES}`);
      const oldSession = host.joinJson(new ScriptedPeer(), { isOldClient: true });
      const otherSession = host.joinJson(new ScriptedPeer());
      host.receive(oldSession, { action: "update", content: `alpha mine ${words}gamma\n${LINES}` });
      host.pass(1_000);
      for (const word of words.trim().split(" ")) {
        const { content, revision } = host.room.committed;
        const edited = content.replace(`${word} `, "");
        host.receive(otherSession, { action: "update", content: edited, base_version: revision });
        host.pass(1_000);
      }
      host.receive(oldSession, { action: "update", content: `# alpha mine ${words}gamma\n${LINES}.` });
      host.passUntilIdle();
      expect(host.room.committed.content).toBe(`# alpha mine gamma\n${LINES}.`);
    });
  });

  test("[OLD-3] an old client is told the merged text, when its metadata is written in the same commit", () => {
    const host = new RoomHost(new MemoryUpdateLog());
    host.create("abc");
    const [old, other] = [new ScriptedPeer(), new ScriptedPeer()] as const;
    const oldSession = host.joinJson(old, { isOldClient: true });
    const otherSession = host.joinJson(other);
    host.receiveTogether(
      [otherSession, { action: "update", content: "abcB", base_version: 1 }],
      [oldSession, { action: "update", content: "Aabc" }],
      [oldSession, { action: "update_metadata", description: "d" }],
    );
    host.passUntilIdle();
    expect(old.takeJson().at(-1)).toMatchObject({ action: "update", content: "AabcB" });
  });

  test("[JSON-12] who goes on from the text that a repetition was answered with reverts nobody", () => {
    const host = new RoomHost(new MemoryUpdateLog());
    host.create("abc");
    const other = host.joinJson(new ScriptedPeer());
    const first = host.joinJson(new ScriptedPeer(), { clientName: "ann" });
    host.receive(other, { action: "update", content: "abcB", base_version: 1 });
    const request = { action: "update", content: "Aabc", base_version: 1, request_id: "1" };
    host.receive(first, request);
    host.leave(first);
    host.receive(other, { action: "update", content: "AabcBC", base_version: 3 });
    const peer = new ScriptedPeer();
    const again = host.joinJson(peer, { clientName: "ann" });
    host.receive(again, request);
    expect(peer.takeJson().at(-1)).toMatchObject({ action: "update_status", content: "AabcB", version: 3 });
    host.receive(again, { action: "update", content: "1AabcB" });
    host.passUntilIdle();
    expect(host.room.committed.content).toBe("1AabcBC");
  });

  describe("when a text has crossed an old client's own", () => {
    /** The old client wrote `am` while `mU` was on its way to it; then it sent this. */
    function thenSends(
      content: string,
      { pause = 1_000, first = "m", others = "mU", own = "am" } = {},
    ): string {
      const host = new RoomHost(new MemoryUpdateLog());
      host.create(first);
      const oldSession = host.joinJson(new ScriptedPeer(), { isOldClient: true });
      const otherSession = host.joinJson(new ScriptedPeer());
      host.receive(otherSession, { action: "update", content: others, base_version: 1 });
      host.receive(oldSession, { action: "update", content: own });
      host.pass(pause);
      host.receive(oldSession, { action: "update", content });
      host.passUntilIdle();
      return host.room.committed.content;
    }

    test.for([
      { sends: "mUb", what: "it has taken that in, and goes on", becomes: "amUb" },
      { sends: "abm", what: "it has not seen it", becomes: "abmU" },
      { sends: "amUb", what: "it has seen both", becomes: "amUb" },
      { sends: "mU", what: "it has seen both, and takes its own back", becomes: "mU" },
      { sends: "m", what: "it has not seen it, and takes its own back", becomes: "mU" },
    ])("[ROOM-6] an old client's text is what it means, when $what", ({ sends, becomes }) => {
      expect(thenSends(sends)).toBe(becomes);
      expect(thenSends(sends, { pause: 0 }), "sent at once").toBe(becomes);
    });

    test.for([
      { first: "m", others: "mU", own: "am", sends: "XmU" },
      { first: "say ", others: "say hi ", own: "say foo", sends: "say hi bar" },
    ])(
      "[ROOM-6] an old client can replace its last word, when it must have seen the merge: $sends",
      ({ sends, ...texts }) => {
        expect(thenSends(sends, { ...texts, pause: 6_000 })).toBe(sends);
      },
    );

    test.for([
      { first: "abc", others: "ab", own: "abcXYZ", sends: "abc", becomes: "ab" },
      { first: "1 2 3", others: "1 3", own: "1 2 3 4 5", sends: "1 2 3", becomes: "1 3" },
    ])(
      "[ROOM-6] what others took out stays out, when an old client takes its own back: $becomes",
      ({ sends, becomes, ...texts }) => {
        expect(thenSends(sends, texts)).toBe(becomes);
      },
    );

    test("[ROOM-6] what others wrote stays, when a text without a base is in one commit with one that names it", () => {
      const host = new RoomHost(new MemoryUpdateLog());
      host.create("abc");
      const [ann, bob] = [host.joinJson(new ScriptedPeer()), host.joinJson(new ScriptedPeer())] as const;
      host.receive(bob, { action: "update", content: "abcB", base_version: 1 });
      host.receiveTogether(
        [ann, { action: "update", content: "abcXYZ", base_version: 1 }],
        [ann, { action: "update", content: "abc" }],
      );
      expect(host.room.committed).toMatchObject({ revision: 3, content: "abcB" });
    });
  });

  test("[ROOM-6] an old client can take its own last word back", () => {
    const host = new RoomHost(new MemoryUpdateLog());
    host.create("text");
    const session = host.joinJson(new ScriptedPeer(), { isOldClient: true });
    for (const content of ["texts", "text"]) {
      host.receive(session, { action: "update", content });
      host.pass(1_000);
    }
    expect(host.room.committed.content).toBe("text");
  });
});
