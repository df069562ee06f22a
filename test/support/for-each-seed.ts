/**
 * Runs a check for each seed; the error of a failing one names it. Seeds that failed once are run first, for ever.
 */
export function forEachSeed(
  count: number,
  failedSeeds: readonly number[],
  check: (seed: number) => void,
): void {
  const seeds = [...failedSeeds, ...Array.from({ length: count }, (_, index) => index + 1)];
  for (const seed of seeds) {
    try {
      check(seed);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`seed ${seed}: ${message}`, { cause: error });
    }
  }
}
