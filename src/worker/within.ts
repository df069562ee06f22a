/** How long a request waits for the catalogue. Then it goes on without the catalogue's answer. */
export const CATALOGUE_WAIT_MS = 1_000;

/** The result, or null if it takes longer. */
export async function within<T>(maxMs: number, result: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), maxMs);
  try {
    return await Promise.race([result, late.promise]);
  } finally {
    clearTimeout(timer); // an object with a timer does not hibernate
  }
}
