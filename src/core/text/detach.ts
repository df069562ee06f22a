/** V8 copies shorter slices anyway (November 2026). */
const MIN_SHARED_UNITS = 13;

/**
 * Copies a slice that will be kept. V8 makes a slice a view of the text that it was cut from, so a remembered change of a
 * few characters would keep a text of a megabyte in memory.
 */
export function detach(slice: string): string {
  return slice.length < MIN_SHARED_UNITS ? slice : ` ${slice}`.slice(1);
}
