/** What a JSON session knows of its fragment: the texts that it may have seen when it wrote. */
import { describe, expect, test } from "vitest";
import {
  KNOWS_NOTHING,
  type KnowledgeRecord,
  SessionKnowledge,
} from "../../src/core/room/session-knowledge.ts";
import { NO_CHANGE, TextChange } from "../../src/core/text/text-change.ts";
import { MAX_REMEMBERED_REBASE_UNITS, MAX_REMEMBERED_TEXTS } from "../../src/protocol/limits.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

function fresh(): { record: KnowledgeRecord; knowledge: SessionKnowledge } {
  const record = { ...KNOWS_NOTHING };
  return { record, knowledge: new SessionKnowledge(record) };
}

/** The same session after hibernation: only the record is left. */
function woken(record: KnowledgeRecord): SessionKnowledge {
  return new SessionKnowledge(structuredClone(record));
}

function shown(knowledge: SessionKnowledge, nowMs = 0): string[] {
  return knowledge.texts(nowMs).map(({ revision, when }) => `${when} ${revision}`);
}

const write = (revision: number, toSent: TextChange = NO_CHANGE) => ({ revision, timeMs: 0, toSent });

describe("the texts that a session may have before its eyes", () => {
  test("[JSON-5] a session knows what it was sent, before it has written", () => {
    const { knowledge } = fresh();
    knowledge.told(3);
    knowledge.toldText(4);
    knowledge.told(4);
    expect(shown(knowledge)).toEqual(["later 3", "later 4"]);
  });

  test("[JSON-5] a text counts as crossing for five seconds, when it was sent while the session's own write was in flight", () => {
    const { knowledge } = fresh();
    knowledge.told(3);
    knowledge.toldText(4);
    knowledge.wrote(write(5), 3);
    knowledge.toldText(6);
    expect(shown(knowledge, 5_000)).toEqual(["own 5", "crossing 4", "later 6"]);
    expect(shown(knowledge, 5_001)).toEqual(["own 5", "later 6"]);
  });

  test("[JSON-5] a revision that changed metadata only is another name for the same text", () => {
    const { knowledge } = fresh();
    knowledge.told(3);
    knowledge.told(4);
    expect(shown(knowledge)).toEqual(["later 3", "later 4"]);
    knowledge.told(4);
    expect(shown(knowledge)).toEqual(["later 3", "later 4"]);
  });

  test("[JSON-5] a session knows the newest 32 texts and no others", () => {
    const { knowledge } = fresh();
    for (let revision = 1; revision <= 40; revision++) knowledge.toldText(revision);
    const texts = shown(knowledge);
    expect(texts).toHaveLength(MAX_REMEMBERED_TEXTS);
    expect([texts[0], texts.at(-1)]).toEqual(["later 9", "later 40"]);
  });

  test("[HIB-2] a session's own write is known after hibernation, when the way back to it is short", () => {
    const { record, knowledge } = fresh();
    knowledge.told(1);
    const toSent = new TextChange().retain(3).insert("x");
    knowledge.wrote(write(2, toSent), 1);
    expect(woken(record).texts(0)).toEqual(knowledge.texts(0));
    expect(woken(record).texts(0)[0]).toMatchObject({ revision: 2, when: "own" });
  });

  test("[HIB-2] the merged text takes the place of a session's own write, when the way back to that is long", () => {
    const { record, knowledge } = fresh();
    knowledge.told(1);
    const toSent = new TextChange().insert("x".repeat(MAX_REMEMBERED_REBASE_UNITS));
    knowledge.wrote(write(2, toSent), 1);
    expect(shown(knowledge)).toEqual(["own 2", "later 2"]);
    expect(shown(woken(record))).toEqual(["later 2"]);
  });

  test("[JSON-15] a session knows the tags that it wrote, and those that it was sent since", () => {
    const { knowledge } = fresh();
    knowledge.told(1);
    knowledge.wroteTags(2, ["mine"]);
    knowledge.toldText(3);
    expect(knowledge.tags(0).map(({ revision, tags }) => [revision, tags])).toEqual([
      [2, ["mine"]],
      [3, null],
    ]);
  });

  test("[JSON-5] the newest text is the one that the session was told last, whatever happened and after hibernation too", () => {
    forEachSeed(200, [], (seed) => {
      const random = new SeededRandom(seed);
      const { record, knowledge } = fresh();
      let known = knowledge;
      let revision = 1;
      known.told(revision);
      for (let step = 0; step < 60; step++) {
        revision++;
        if (random.chance(0.4)) {
          const long = random.chance(0.3) ? MAX_REMEMBERED_REBASE_UNITS : 1;
          known.wrote(
            write(revision, new TextChange().insert("x".repeat(long))),
            random.chance(0.5) ? null : revision - 1,
          );
        } else if (random.chance(0.7)) known.toldText(revision);
        known.told(revision);
        if (random.chance(0.2)) known = new SessionKnowledge(record);
        const newest = Math.max(...known.texts(0).map((text) => text.revision));
        expect(newest).toBeGreaterThanOrEqual(known.seenRevision);
      }
    });
  });
});
