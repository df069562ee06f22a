/** `edits` of a PATCH, beside what others write at the same time. */
import { expect, test } from "vitest";
import type { Substitution, Written } from "../../src/core/fragment/write.ts";
import type { Result } from "../../src/protocol/errors.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { SeededRandom } from "../support/seeded-random.ts";

/** Somebody makes `others` of `text`; the edits are made on `text` all the same. What comes of both. */
function merge(text: string, others: string, edits: readonly Substitution[]): string {
  const host = new RoomHost(new MemoryUpdateLog());
  host.create(text);
  const other = host.joinJson(new ScriptedPeer());
  host.receive(other, { action: "update", content: others, base_version: 1 });
  let result: Result<Written> | null = null;
  host.submit({
    content: { kind: "substitutions", edits },
    base: { kind: "version", version: 1 },
    answer: (answer) => {
      result = answer;
    },
  });
  host.passUntilIdle();
  expect(result).toMatchObject({ ok: true });
  return host.room.committed.content;
}

test.for([
  {
    what: "before a word that stays",
    text: "1. Greet the user.\n2. Ask for the name.\n",
    others: "1. Greet the new user.\n2. Ask for the name.\n",
    edits: [
      {
        old: "1. Greet the user.\n2. Ask for the name.",
        new: "1. Greet the user.\n2. Ask for the full name.",
      },
    ],
    both: "1. Greet the new user.\n2. Ask for the full name.\n",
  },
  {
    what: "in the first of two places that change",
    text: "say one thing, then another thing",
    others: "say (now) one thing, then another thing",
    edits: [{ old: "say one thing, then another thing", new: "say 1 thing, then 2nd thing" }],
    both: "say (now) 1 thing, then 2nd thing",
  },
  {
    what: "between edits that build on each other",
    text: "alpha beta gamma",
    others: "alpha beta! gamma",
    edits: [
      { old: "alpha beta gamma", new: "alpha beta delta gamma" },
      { old: "beta delta gamma", new: "beta delta GAMMA" },
      { old: "alpha beta", new: "ALPHA beta" },
    ],
    both: "ALPHA beta! delta GAMMA",
  },
  {
    what: "across line ends, in a text with CRLF",
    text: "one\r\ntwo\r\nthree\r\n",
    others: "one\r\ntwo and a half\r\nthree\r\n",
    edits: [{ old: "one\r\ntwo\r\nthree", new: "one\r\ntwo\r\n\r\n3" }],
    both: "one\r\ntwo and a half\r\n\r\n3\r\n",
  },
  {
    what: "beside pairs that share a half",
    text: "a 😀 b 😁 c",
    others: "a 😀 b! 😁 c",
    edits: [{ old: "a 😀 b 😁 c", new: "a 😁 b 😀 c" }],
    both: "a 😁 b! 😀 c",
  },
])(
  "[REST-5] what others type inside `old` keeps its place, when it stands $what",
  ({ text, others, edits, both }) => {
    expect(merge(text, others, edits)).toBe(both);
  },
);

test("[REST-5] edits make the text that replacing each `old` makes, whatever they are", () => {
  forEachSeed(300, [], (seed) => {
    const random = new SeededRandom(seed);
    const word = () => random.pick(["a", "b", "ab", "😀", "😁", "\n", " "]);
    const words = (count: number) => Array.from({ length: count }, word).join("");
    const text = `[${words(30)}]`;
    const edits: Substitution[] = [];
    let made = text;
    for (let left = 1 + random.below(5); left > 0; left--) {
      const characters = Array.from(made);
      const from = 1 + random.below(characters.length - 1);
      const old = characters
        .slice(from, Math.min(from + 1 + random.below(8), characters.length - 1))
        .join("");
      if (made.indexOf(old) !== made.lastIndexOf(old) || old === "") continue;
      const edit = { old, new: words(random.below(8)) };
      edits.push(edit);
      made = made.replace(old, () => edit.new);
    }
    expect(merge(text, `<${text}>`, edits)).toBe(`<${made}>`);
  });
});
