/** Objects asked at the same time. Most requests name no more than this, and wait for one round trip. */
const OBJECTS_AT_A_TIME = 32;

/** Objects in each later group. If all objects share one thread, waking one occupies it for 2 ms. */
const LATER_GROUPS = 8;

/** Pause between two groups, so that other requests get their turn: workerd reads no sockets while objects answer each other. */
const PAUSE_MS = 1;

/** Asks about all ids, one group after the other, and yields the answers of each group in the order of its ids. */
export async function* inGroups<Id, Answer>(
  ids: readonly Id[],
  ask: (id: Id) => Promise<Answer>,
): AsyncGenerator<readonly Answer[], void> {
  let from = 0;
  while (from < ids.length) {
    if (from > 0) await scheduler.wait(PAUSE_MS);
    const to = from + (from === 0 ? OBJECTS_AT_A_TIME : LATER_GROUPS);
    yield await Promise.all(ids.slice(from, to).map(ask));
    from = to;
  }
}
