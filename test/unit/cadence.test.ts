/** The windows by number; room-cadence.test.ts has what the room does with them. */
import { expect, test } from "vitest";
import { fullTextWindowMs, presenceWindowMs, textWindowMs } from "../../src/core/room/cadence.ts";

test.for([
  { peers: 2, windowMs: 0.2 },
  { peers: 20, windowMs: 2 },
  { peers: 100, windowMs: 10 },
  { peers: 250, windowMs: 25 },
  { peers: 1_000, windowMs: 100 },
  { peers: 10_000, windowMs: 1_000 },
])(
  "[ROOM-3] the window of text is $windowMs ms, when $peers peers are there and few bytes wait",
  ({ peers, windowMs }) => {
    expect(textWindowMs(peers, 0)).toBeCloseTo(windowMs);
  },
);

test.for([
  { peers: 10, bytes: 100_000, moreMs: 10 },
  { peers: 10, bytes: 200_000, moreMs: 20 },
  { peers: 20, bytes: 100_000, moreMs: 20 },
  { peers: 1_000, bytes: 8_000_000, moreMs: 200 },
])(
  "[ROOM-3] the window of text is $moreMs ms longer, when $bytes bytes wait for $peers peers",
  ({ peers, bytes, moreMs }) => {
    expect(textWindowMs(peers, bytes) - textWindowMs(peers, 0)).toBeCloseTo(moreMs);
  },
);

test.for([
  { peers: 0, windowMs: 100 },
  { peers: 50, windowMs: 200 },
])(
  "[PRESENCE-1] the window of cursors is $windowMs ms, when $peers peers are there",
  ({ peers, windowMs }) => {
    expect(presenceWindowMs(peers)).toBe(windowMs);
  },
);

test.for([
  { bytes: 1_000, peers: 2, windowMs: 0.1 },
  { bytes: 1_000_000, peers: 20, windowMs: 1_000 },
  { bytes: 1_000_000, peers: 1_000, windowMs: 5_000 },
])(
  "[JSON-6] whole texts come once in $windowMs ms, when they have $bytes bytes and $peers readers",
  ({ bytes, peers, windowMs }) => {
    expect(fullTextWindowMs(bytes, peers)).toBeCloseTo(windowMs);
  },
);
