/** The same change made twice from one base: by a program that tries again, or by two people. */
import { describe, expect, test } from "vitest";
import { EMPTY_WRITE } from "../../src/core/fragment/write.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { SeededRandom } from "../support/seeded-random.ts";

/** Makes these texts of the version they name, each in a commit of its own, or all in one. */
function writeAll(
  text: string,
  writes: readonly (readonly [base: number, text: string])[],
  { inOneCommit = false } = {},
): { content: string; revision: number } {
  const host = new RoomHost(new MemoryUpdateLog(null));
  host.create(text);
  const submit = ([version, sent]: readonly [number, string]) =>
    host.room.submit({
      content: { kind: "text", text: sent },
      metadata: null,
      base: { kind: "version", version },
      expectedVersions: null,
      author: "anonymous",
      session: null,
      seenRevision: 0,
      request: null,
      answer: ({ ok }) => expect(ok).toBe(true),
    });
  if (inOneCommit) host.turn(() => writes.forEach(submit));
  else for (const write of writes) host.turn(() => submit(write));
  host.passUntilIdle();
  return host.room.committed;
}

describe("a text that was made from its base already", () => {
  const scenes = [
    {
      what: "is tried again at once",
      text: "Hello.",
      writes: [
        [1, "Hello, dear reader."],
        [1, "Hello, dear reader."],
      ],
      becomes: "Hello, dear reader.",
    },
    {
      what: "is tried again, and others have written before it and since",
      text: "Hello.\nBye.\n",
      writes: [
        [1, "Hello.\nBye!\n"],
        [1, "Hello, dear reader.\nBye.\n"],
        [3, "Hello, dear reader.\nBye!\nP.S.\n"],
        [1, "Hello, dear reader.\nBye.\n"],
      ],
      becomes: "Hello, dear reader.\nBye!\nP.S.\n",
    },
    {
      what: "is tried again, and others have changed a part of what it put in",
      text: "Hello.",
      writes: [
        [1, "Hello, dear reader."],
        [2, "Hello, dear friend."],
        [1, "Hello, dear reader."],
      ],
      becomes: "Hello, dear friend.",
    },
    {
      what: "is tried again, and others have put in the same letters beside it",
      text: "ab",
      writes: [
        [1, "axb"],
        [2, "axxb"],
        [1, "axb"],
      ],
      becomes: "axxb",
    },
    {
      what: "takes words out that are out already",
      text: "one two three",
      writes: [
        [1, "one three"],
        [2, "one three four"],
        [1, "one three"],
      ],
      becomes: "one three four",
    },
    {
      what: "is one of two corrections that somebody else makes at once",
      text: "teh cat adn dog",
      writes: [
        [1, "the cat adn dog"],
        [1, "the cat and dog"],
      ],
      becomes: "the cat and dog",
    },
    {
      what: "is two corrections, of which somebody else makes one",
      text: "teh cat adn dog",
      writes: [
        [1, "the cat and dog"],
        [1, "teh cat and dog"],
      ],
      becomes: "the cat and dog",
    },
    {
      what: "shares one correction with another that has one of its own, too",
      text: "teh cat adn teh dog",
      writes: [
        [1, "the cat and teh dog"],
        [1, "the cat adn the dog"],
      ],
      becomes: "the cat and the dog",
    },
  ] as const;

  test.for(scenes)("[ROOM-9] a change is there once, when it $what", ({ text, writes, becomes }) => {
    expect(writeAll(text, writes).content).toBe(becomes);
  });

  test("[ROOM-9] a change is there once, when it is tried again in the same commit", () => {
    const writes = [
      [1, "Hello!"],
      [1, "Hello, dear reader."],
      [1, "Hello, dear reader."],
    ] as const;
    expect(writeAll("Hello.", writes, { inOneCommit: true })).toMatchObject({ revision: 2 });
    expect(writeAll("Hello.", writes, { inOneCommit: true }).content).toBe("Hello!, dear reader");
  });

  test("[ROOM-9] a repetition makes no version", () => {
    expect(
      writeAll("a", [
        [1, "ab"],
        [1, "ab"],
        [1, "ab"],
      ]).revision,
    ).toBe(2);
  });
});

describe("a text that was there before", () => {
  test("[ROOM-9] it is written again, when its sender builds on a later one of its own in the same commit", () => {
    const host = new RoomHost(new MemoryUpdateLog(null));
    host.create("a");
    const session = host.joinJson(new ScriptedPeer());
    host.receiveTogether(
      [session, { action: "update", content: "ab", base_version: 1, request_id: "1" }],
      [session, { action: "update", content: "a", base_request_id: "1", request_id: "2" }],
      [session, { action: "update", content: "aba", base_request_id: "2", request_id: "3" }],
      [session, { action: "update", content: "ababa", base_request_id: "3", request_id: "4" }],
    );
    host.passUntilIdle();
    expect(host.room.committed.content).toBe("ababa");
  });

  test("[ROOM-9] it is written again, when a write without a base comes in the same commit", () => {
    const host = new RoomHost(new MemoryUpdateLog(null));
    host.create("a");
    const put = (text: string) =>
      host.room.submit({ ...EMPTY_WRITE, content: { kind: "text", text }, answer: () => undefined });
    host.turn(() => {
      put("ab");
      put("a");
    });
    host.passUntilIdle();
    expect(host.room.committed.content).toBe("a");
  });
});

describe("texts that differ", () => {
  test.for([
    { what: "two lines at the end", text: "a\n", one: "a\nb\n", other: "a\nc\n", both: "a\nb\nc\n" },
    {
      what: "a word and a longer one",
      text: "say",
      one: "say hi",
      other: "say hi you",
      both: "say hi hi you",
    },
    { what: "one word at two places", text: "a b", one: "x a b", other: "a x b", both: "x a x b" },
  ])("[ROOM-9] both insertions stay, when they are $what", ({ text, one, other, both }) => {
    expect(
      writeAll(text, [
        [1, one],
        [1, other],
      ]).content,
    ).toBe(both);
  });

  test("[ROOM-9] every insertion stays and a repetition changes nothing, in random writes", () => {
    forEachSeed(400, [], (seed) => {
      const random = new SeededRandom(seed);
      const words = ["a", "b", "ab", " ", "\n", "😀"];
      const edited = (text: string, token: string) => {
        const characters = Array.from(text);
        const at = random.below(characters.length + 1);
        characters.splice(at, random.below(3), token, random.pick(words));
        return characters.join("");
      };
      const text = Array.from({ length: 12 }, () => random.pick(words)).join("");
      const writes: [number, string][] = [];
      for (let token = 0; token < 4; token++) writes.push([1, edited(text, `<${token}>`)]);
      const once = writeAll(text, writes).content;
      for (let token = 0; token < 4; token++) expect(once.split(`<${token}>`)).toHaveLength(2);
      const inOrder = [...writes, ...writes.filter(() => random.chance(0.7))];
      expect(writeAll(text, inOrder).content).toBe(once);
    });
  });
});
