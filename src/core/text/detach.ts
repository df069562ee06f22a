/** V8 copies shorter slices by itself (November 2026). */
const MIN_SHARED_UNITS = 13;

/**
 * A copy of a slice that is kept. V8 makes a slice a view of the text that it was cut out of, so a change that is remembered
 * for a few characters would keep a text of a megabyte in memory.
 */
export function detach(slice: string): string {
  return slice.length < MIN_SHARED_UNITS ? slice : ` ${slice}`.slice(1);
}
