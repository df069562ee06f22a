/** What is kept of the past: ten minutes, within a bound of memory. */
import { expect, test } from "vitest";
import { Past } from "../../src/core/history/past.ts";
import type { PastEntry } from "../../src/core/history/past-entry.ts";
import { TextChange } from "../../src/core/text/text-change.ts";
import { MAX_PAST_BYTES, REBASE_HORIZON_MS } from "../../src/protocol/limits.ts";

const NOW_MS = 1_700_000_000_000;

function entry(
  revision: number,
  options: { undo?: string; toSent?: string; timeMs?: number; requestId?: string },
): PastEntry {
  const change = (text = "") => new TextChange().insert(text);
  return {
    revision,
    timeMs: options.timeMs ?? NOW_MS + revision,
    authors: [],
    undo: change(options.undo),
    metadataBefore: null,
    answers: [
      { client: "ann", requestId: options.requestId ?? `r${revision}`, toSent: change(options.toSent) },
    ],
  };
}

/** Nine revisions behind the first, this many milliseconds apart. */
function pastOf(options: { undo?: string; toSent?: string }): Past {
  const entries = Array.from({ length: 9 }, (_, at) => entry(at + 2, options));
  return new Past(() => entries);
}

const LONG = "x".repeat(MAX_PAST_BYTES / 8);

test.each([
  ["the steps back", { undo: LONG }],
  ["what was sent", { toSent: LONG }],
])(
  "[LOG-11] the oldest revisions are no bases any more, when %s would take too much memory",
  (_what, options) => {
    const past = pastOf(options);
    expect(past.undoTo(1, 10, NOW_MS)).toBeNull();
    expect(past.undoTo(2, 10, NOW_MS)).not.toBeNull();
    expect(past.answerTo("ann", "r2", NOW_MS)).toBeNull();
    expect(past.answerTo("ann", "r3", NOW_MS)).toMatchObject({ revision: 3 });
  },
);

test("[LOG-11] all revisions are bases, when they are small", () => {
  const past = pastOf({ undo: "x", toSent: "x" });
  expect(past.undoTo(1, 10, NOW_MS)?.ops).toEqual([{ insert: "xxxxxxxxx" }]);
  expect(past.answerTo("ann", "r2", NOW_MS)).toMatchObject({ revision: 2 });
});

test("[JSON-12] a request id that is used again is remembered by its last use, when the first is forgotten", () => {
  const first = entry(2, { requestId: "again", timeMs: NOW_MS - REBASE_HORIZON_MS - 1 });
  const past = new Past(() => [first, entry(3, { requestId: "again" })]);
  expect(past.answerTo("ann", "again", NOW_MS)).toMatchObject({ revision: 3 });
});
