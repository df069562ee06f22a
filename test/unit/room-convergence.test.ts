/**
 * Many JSON and Yjs editors in one room, on a random schedule. Each writes tokens that stand nowhere else, and
 * removes none but its own: so a list of the acknowledged tokens is a naive oracle of the shared text.
 */
import { describe, expect, test } from "vitest";
import { forEachSeed } from "../support/for-each-seed.ts";
import { RoomScene } from "../support/room-scene.ts";
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
  test("[ROOM-1] all editors come to one text and lose nothing, whatever the schedule and however often the object hibernates", () => {
    let [acknowledged, sleeps] = [0, 0];
    forEachSeed(250, [1869], (seed) => {
      const world = run({ seed }, 250);
      acknowledged += world.ledger.acknowledgedCount;
      sleeps += world.sleeps;
    });
    expect(acknowledged).toBeGreaterThan(5_000);
    expect(sleeps).toBeGreaterThan(1_000);
  });

  test("[ROOM-1] all editors come to one text, when the log is compacted all the time", () => {
    const compaction = { maxRows: 1, minUpdateBytes: 10, maxCommits: 3 };
    forEachSeed(60, [], (seed) => run({ seed, compaction }, 250));
  });

  test("[ROOM-4] a version is one text for ever and versions grow by one, for editors of every kind", () => {
    forEachSeed(60, [], (seed) => {
      const world = run({ seed, clients: ["edit", "changes", "text", "old", "changes", "push"] }, 250);
      // That two readers of a version have the same text is what the book has checked.
      expect(world.book.versions.size).toBeGreaterThan(5);
      const revisions = world.host.log.past().map(({ revision }) => revision);
      expect(revisions).toEqual(revisions.map((_, index) => index + 1));
    });
  });

  test("[ROOM-5] a client that gets changes has the whole text at every version", () => {
    forEachSeed(60, [], (seed) => run({ seed, clients: ["changes", "changes", "edit", "stock"] }, 250));
  });

  test("[ROOM-6] old clients revert nobody, when they go on with stale texts", () => {
    forEachSeed(100, [], (seed) => run({ seed, clients: ["stale", "stale", "old", "text", "push"] }, 250));
  });

  test("[ROOM-6] old clients lose nothing of what they wrote, when they take each text in at once", () => {
    forEachSeed(100, [10, 33], (seed) => run({ seed, clients: ["eager", "eager", "eager"] }, 250));
    forEachSeed(100, [], (seed) => run({ seed, clients: ["eager", "old", "edit", "push", "stock"] }, 250));
  });

  test("[ROOM-6] an old client's text that was in flight keeps what others wrote meanwhile", () => {
    const room = new RoomScene("one two three");
    const [old, other] = [room.old("old"), room.json("other")];
    other.write("one 2 three", 1);
    old.write("one two three four"); // it has not read the other's text yet
    old.write("one two three four five");
    room.rest();
    expect(room.text).toBe("one 2 three four five");
    expect(old.told().at(-1)).toMatchObject({ action: "update", content: "one 2 three four five" });
  });

  test.for([
    { ago: 32, is: "is a base" },
    { ago: 33, is: "is no base" },
  ])("[ROOM-6] a text $is, when it was sent $ago texts ago", ({ ago, is }) => {
    // Texts without a letter in common: an edit of one that is no base comes in whole, beside the present text.
    const textOf = (version: number) => String.fromCodePoint(0x4e00 + version).repeat(20);
    const newest = 40;
    const room = new RoomScene(textOf(1));
    const [old, other] = [room.old("old"), room.json("other")];
    for (let version = 2; version <= newest; version++) {
      other.write(textOf(version), version - 1);
      room.wait(1_000);
    }
    expect(old.told()).toHaveLength(newest - 1); // and the initial one before
    const known = textOf(newest + 1 - ago);
    old.write(`${known}!`);
    room.rest();
    if (is === "is a base") expect(room.text).toBe(`${textOf(newest)}!`);
    else expect(room.text).toContain(`${known}!`);
  });

  describe("a text that changes both ends, after many others", () => {
    // Long, so that not all texts are compared in full.
    const LINES = "line\n".repeat(4_000);

    test("[ROOM-6] a text is an edit of the newest one, when its sender has read them all", () => {
      const room = new RoomScene(`alpha gamma\n${LINES}`);
      const [old, other] = [room.old("old"), room.json("other")];
      for (let n = 0; n < 9; n++) {
        other.write(room.text.replace("gamma", "more gamma"), room.revision);
        room.wait(1_000);
      }
      const text = `# ${room.text}.`;
      old.write(text);
      room.rest();
      expect(room.text).toBe(text);
    });

    test("[ROOM-6] a text is an edit of its sender's own last one, when the sender has read none of the others", () => {
      const words = "one two three four five six ";
      const room = new RoomScene(`alpha ${words}gamma\n${LINES}`);
      const [old, other] = [room.old("old"), room.json("other")];
      old.write(`alpha mine ${words}gamma\n${LINES}`);
      room.wait(1_000);
      for (const word of words.trim().split(" ")) {
        other.write(room.text.replace(`${word} `, ""), room.revision);
        room.wait(1_000);
      }
      old.write(`# alpha mine ${words}gamma\n${LINES}.`);
      room.rest();
      expect(room.text).toBe(`# alpha mine gamma\n${LINES}.`);
    });
  });

  test("[OLD-3] an old client is told the merged text, when its metadata is written in the same commit", () => {
    const room = new RoomScene("abc");
    const [old, other] = [room.old("old"), room.json("other")];
    room.together(
      [other, { action: "update", content: "abcB", base_version: 1 }],
      [old, { action: "update", content: "Aabc" }],
      [old, { action: "update_metadata", description: "d" }],
    );
    room.rest();
    expect(old.told().at(-1)).toMatchObject({ action: "update", content: "AabcB" });
  });

  test("[JSON-12] a client reverts nobody, when it goes on from the text that a repeated request was answered with", () => {
    const room = new RoomScene("abc");
    const [other, first] = [room.json("other"), room.json("ann", { clientName: "ann" })];
    const request = { action: "update", content: "Aabc", base_version: 1, request_id: "1" };
    other.write("abcB", 1);
    first.send(request);
    first.leave();
    other.write("AabcBC", 3);
    const again = room.json("ann again", { clientName: "ann" });
    again.send(request);
    expect(again.told().at(-1)).toMatchObject({ action: "update_status", content: "AabcB", version: 3 });
    again.write("1AabcB");
    room.rest();
    expect(room.text).toBe("1AabcBC");
  });

  describe("when a text has crossed an old client's own", () => {
    /** The old client wrote `am` while `mU` was on its way to it; then it sent this. */
    function thenSends(
      content: string,
      { pause = 1_000, first = "m", others = "mU", own = "am" } = {},
    ): string {
      const room = new RoomScene(first);
      const [old, other] = [room.old("old"), room.json("other")];
      other.write(others, 1);
      old.write(own);
      room.wait(pause);
      old.write(content);
      room.rest();
      return room.text;
    }

    test.for([
      { sends: "mUb", what: "it has taken that in, and goes on", becomes: "amUb" },
      { sends: "abm", what: "it has not seen it", becomes: "abmU" },
      { sends: "amUb", what: "it has seen both", becomes: "amUb" },
      { sends: "mU", what: "it has seen both, and takes its own back", becomes: "mU" },
      { sends: "m", what: "it has not seen it, and takes its own back", becomes: "mU" },
    ])("[ROOM-6] an old client's text becomes what its user meant, when $what", ({ sends, becomes }) => {
      expect(thenSends(sends)).toBe(becomes);
      expect(thenSends(sends, { pause: 0 }), "sent at once").toBe(becomes);
    });

    test.for([
      { first: "m", others: "mU", own: "am", sends: "XmU" },
      { first: "say ", others: "say hi ", own: "say foo", sends: "say hi bar" },
    ])(
      "[ROOM-6] an old client can replace its last word, when it has had time to read the merge: $sends",
      ({ sends, ...texts }) => {
        expect(thenSends(sends, { ...texts, pause: 6_000 })).toBe(sends);
      },
    );

    test.for([
      { first: "abc", others: "ab", own: "abcXYZ", sends: "abc", becomes: "ab" },
      { first: "1 2 3", others: "1 3", own: "1 2 3 4 5", sends: "1 2 3", becomes: "1 3" },
    ])(
      "[ROOM-6] what others deleted stays deleted, when an old client takes its own text back: $becomes",
      ({ sends, becomes, ...texts }) => {
        expect(thenSends(sends, texts)).toBe(becomes);
      },
    );

    test("[ROOM-6] the others' edits stay, when a text without a base is in one commit with one that names its base", () => {
      const room = new RoomScene("abc");
      const [ann, bob] = [room.json("ann"), room.json("bob")];
      bob.write("abcB", 1);
      room.together(
        [ann, { action: "update", content: "abcXYZ", base_version: 1 }],
        [ann, { action: "update", content: "abc" }],
      );
      expect([room.text, room.revision]).toEqual(["abcB", 3]);
    });
  });

  test("[ROOM-6] an old client can take its own last word back", () => {
    const room = new RoomScene("text");
    const old = room.old("old");
    for (const content of ["texts", "text"]) {
      old.write(content);
      room.wait(1_000);
    }
    expect(room.text).toBe("text");
  });
});
