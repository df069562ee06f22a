import { describe, expect, test } from "vitest";
import { type Delivery, Outbox } from "../../src/core/feed/outbox.ts";
import type { Receiver } from "../../src/core/feed/receiver.ts";

/** A receiver that is told whatever number is newest, at most once in `pauseMs`. */
class NumberReceiver implements Receiver<number> {
  newest = 0;
  told = 0;
  confirmed = 0;
  readonly #pauseMs: number;
  #sentMs = Number.NEGATIVE_INFINITY;

  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  get isUnconfirmed(): boolean {
    return this.confirmed < this.newest;
  }

  dueAt(): number {
    return this.newest > this.told ? this.#sentMs + this.#pauseMs : Number.POSITIVE_INFINITY;
  }

  next(nowMs: number): number {
    this.#sentMs = nowMs;
    return this.newest;
  }

  arrived(message: number): void {
    this.told = message;
  }

  failed(): void {
    this.#sentMs = Number.NEGATIVE_INFINITY;
  }

  confirm(hasRung: boolean): void {
    if (hasRung) this.confirmed = this.told;
  }
}

class Line {
  readonly receiver: NumberReceiver;
  /** What was sent, as `number @ time`. */
  readonly sent: string[] = [];
  #delivery: Delivery | null = null;

  constructor(outbox: Outbox, pauseMs: number, now: { ms: number }) {
    this.receiver = new NumberReceiver(pauseMs);
    outbox.add(this.receiver, (message, delivery) => {
      expect(this.#delivery).toBeNull();
      this.sent.push(`${message} @ ${now.ms}`);
      this.#delivery = delivery;
    });
  }

  get delivery(): Delivery {
    const delivery = this.#delivery;
    if (delivery === null) throw new Error("nothing is on its way");
    this.#delivery = null;
    return delivery;
  }
}

/** Two receivers of one fragment. */
function twoReceivers() {
  const now = { ms: 0 };
  const spent: number[] = [];
  const outbox = new Outbox({ spend: (rows) => spent.push(rows) });
  const [quick, slow] = [new Line(outbox, 10, now), new Line(outbox, 1_000, now)];
  const commit = (revision: number) => {
    for (const { receiver } of [quick, slow]) receiver.newest = revision;
  };
  const runAt = (ms: number) => {
    now.ms = ms;
    outbox.run(ms);
  };
  return { outbox, spent, quick, slow, commit, runAt };
}

describe("the outbox of a fragment", () => {
  test("[CAT-3] each of two receivers is told at its own pace, one message after the other", () => {
    const { outbox, quick, slow, commit, runAt } = twoReceivers();
    expect(outbox.dueAt(0)).toBeNull();
    commit(1);
    runAt(0);
    commit(2);
    runAt(50);
    expect([quick.sent, slow.sent]).toEqual([["1 @ 0"], ["1 @ 0"]]);
    expect(outbox.dueAt(50)).toBeNull();
    quick.delivery.arrived(0, 60);
    expect(outbox.dueAt(60)).toBe(10);
    runAt(60);
    slow.delivery.arrived(0, 70);
    quick.delivery.arrived(0, 70);
    expect(outbox.dueAt(70)).toBe(1_000);
    runAt(999);
    runAt(1_000);
    expect([quick.sent, slow.sent]).toEqual([
      ["1 @ 0", "2 @ 60"],
      ["1 @ 0", "2 @ 1000"],
    ]);
  });

  test("[CAT-3] a receiver that fails is tried again later each time, and the other is not delayed", () => {
    const { outbox, quick, slow, commit, runAt } = twoReceivers();
    commit(1);
    runAt(0);
    quick.delivery.arrived(0, 0);
    let failedMs = 0;
    const pauses: number[] = [];
    for (let revision = 2; revision < 10; revision++) {
      slow.delivery.failed(failedMs);
      const dueMs = outbox.dueAt(failedMs) ?? 0;
      pauses.push(dueMs - failedMs);
      commit(revision);
      runAt(dueMs - 1);
      expect(quick.sent.at(-1)).toBe(`${revision} @ ${dueMs - 1}`);
      quick.delivery.arrived(0, dueMs - 1);
      runAt(dueMs);
      failedMs = dueMs;
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test("[CAT-3] a receiver that answers again is told without a pause from then on", () => {
    const { outbox, slow, commit, runAt } = twoReceivers();
    commit(1);
    runAt(0);
    slow.delivery.failed(0);
    runAt(1_000);
    slow.delivery.arrived(0, 1_000);
    commit(2);
    expect(outbox.dueAt(1_000)).toBe(2_000);
    runAt(2_000);
    slow.delivery.failed(2_000);
    expect(outbox.dueAt(2_000)).toBe(3_000);
  });

  test("[CAT-3] the alarm is wanted until every receiver is confirmed", () => {
    const { outbox, quick, slow, commit, runAt } = twoReceivers();
    commit(1);
    runAt(0);
    quick.delivery.arrived(0, 1);
    outbox.confirm(true, 1);
    expect([quick.receiver.confirmed, outbox.isUnconfirmed]).toEqual([1, true]);
    slow.delivery.arrived(0, 2);
    outbox.confirm(true, 2);
    expect(outbox.isUnconfirmed).toBe(false);
  });

  test("[COMMIT-4] the rows that a message costs at any receiver are the fragment's own", () => {
    const { quick, slow, commit, runAt, spent } = twoReceivers();
    commit(1);
    runAt(0);
    quick.delivery.arrived(3, 1);
    slow.delivery.arrived(4, 1);
    expect(spent).toEqual([3, 4]);
  });
});
