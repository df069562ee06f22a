/** Where seeds begin. `.ci/run` takes it from the commit, so that each commit tries others. */
const FIRST_SEED = 1 + Number(process.env["SEED_OFFSET"] ?? 0);
/** Set: no other seed is tried. */
const ONLY_SEED = process.env["SEED"];

/**
 * Runs a check for each seed: first for those that failed once, then for this number of others. The error of a failing
 * seed names it.
 */
export function forEachSeed(
  count: number,
  failedSeeds: readonly number[],
  check: (seed: number) => Promise<void>,
): Promise<void>;
export function forEachSeed(
  count: number,
  failedSeeds: readonly number[],
  check: (seed: number) => void,
): void;
export function forEachSeed(
  count: number,
  failedSeeds: readonly number[],
  check: (seed: number) => void | Promise<void>,
): void | Promise<void> {
  const fresh = Array.from({ length: count }, (_, index) => FIRST_SEED + index);
  return checkFrom(0, ONLY_SEED === undefined ? [...failedSeeds, ...fresh] : [Number(ONLY_SEED)], check);
}

function checkFrom(
  start: number,
  seeds: readonly number[],
  check: (seed: number) => void | Promise<void>,
): void | Promise<void> {
  for (const [index, seed] of seeds.entries()) {
    if (index < start) continue;
    try {
      const checked = check(seed);
      if (!(checked instanceof Promise)) continue;
      return checked.then(
        () => checkFrom(index + 1, seeds, check),
        (error: unknown) => fail(seed, error),
      );
    } catch (error) {
      fail(seed, error);
    }
  }
}

function fail(seed: number, error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  throw new Error(`seed ${seed}: ${message}\nSEED=${seed} runs this seed alone.`, { cause: error });
}
