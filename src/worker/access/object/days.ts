export const DAY_MS = 24 * 60 * 60 * 1000;

/** The day since 1970 (UTC): uses of keys and users are kept to the day. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}

/** The day as `2026-11-28`. */
export function dateOf(day: number | null): string | null {
  return day === null ? null : new Date(day * DAY_MS).toISOString().slice(0, 10);
}
