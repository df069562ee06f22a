const MS_OF = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A time to come, in ISO 8601 with offset; null if the text is none.
 *
 * @param text a number of minutes, hours or days (`90m`, `12h`, `30d`), or a time in ISO 8601 with offset
 */
export function parseExpiry(text: string, nowMs: number): string | null {
  const timeMs =
    fromNow(text, nowMs) ?? (/T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : Number.NaN);
  const isTime = timeMs > nowMs && timeMs < MAX_TIME_MS;
  return isTime ? new Date(timeMs).toISOString() : null;
}

/** The last year that ISO 8601 writes with four digits. */
const MAX_TIME_MS = Date.UTC(10_000, 0);

function fromNow(text: string, nowMs: number): number | null {
  const [, number, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (number === undefined || (unit !== "m" && unit !== "h" && unit !== "d")) return null;
  return nowMs + Number(number) * MS_OF[unit];
}
