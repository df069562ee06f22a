/** Objects asked at the same time: enough to hide the way to them, few enough to hold their answers in memory. */
export const OBJECTS_AT_A_TIME = 32;

/** Asks about all ids, one group after the other, and yields the answers of each group in the order of its ids. */
export async function* inGroups<Id, Answer>(
  ids: readonly Id[],
  ask: (id: Id) => Promise<Answer>,
): AsyncGenerator<readonly Answer[], void> {
  for (let at = 0; at < ids.length; at += OBJECTS_AT_A_TIME)
    yield await Promise.all(ids.slice(at, at + OBJECTS_AT_A_TIME).map(ask));
}
