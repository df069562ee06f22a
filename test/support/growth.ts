/**
 * Whether work grows in proportion to its input. Nothing here depends on how fast the machine is: `FACTOR` small inputs
 * are measured against one input that is `FACTOR` times as large. Linear work takes as long for both; quadratic work
 * takes `FACTOR` times as long for the large one.
 */

const FACTOR = 16;
/** Halfway, as ratios go, between linear (1) and quadratic (16). */
const MAX_RATIO = Math.sqrt(FACTOR);
/** The first runs also pay for compilation, so the first rounds decide nothing. */
const MIN_ROUNDS = 3;
/** Other work on the machine only ever adds time, so the least of several rounds is closest to the work itself. */
const MAX_ROUNDS = 12;

/** Makes input of this size. Only the work that it returns is measured. */
type Prepare = (size: number) => (() => unknown) | Promise<() => unknown>;

/** In milliseconds. */
type Clock = () => number;

/**
 * Fails when the work on `size` costs much more than sixteen times the work on a sixteenth of it.
 *
 * @param size of the larger input; one that takes at least ten milliseconds or so
 * @param clock processor time in Node; `performance.now` where the work is done elsewhere
 */
export async function expectLinear(
  size: number,
  prepare: Prepare,
  clock: Clock = processorTime,
): Promise<void> {
  let small = Number.POSITIVE_INFINITY;
  let large = Number.POSITIVE_INFINITY;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const works: (() => unknown)[] = [];
    while (works.length < FACTOR) works.push(await prepare(Math.floor(size / FACTOR)));
    small = Math.min(small, await costOf(works, clock));
    large = Math.min(large, await costOf([await prepare(size)], clock));
    if (round >= MIN_ROUNDS && large <= MAX_RATIO * small) return;
  }
  const ratio = (large / small).toFixed(1);
  throw new Error(
    `${FACTOR} inputs of ${Math.floor(size / FACTOR)} took ${small.toFixed(1)} ms; one of ${size} took ${large.toFixed(1)} ms, ` +
      `which is ${ratio} times as long. For linear work the two are alike.`,
  );
}

async function costOf(works: readonly (() => unknown)[], clock: Clock): Promise<number> {
  const before = clock();
  for (const work of works) await work();
  return clock() - before;
}

/** Of this process. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
