/** ISO 8601 with an offset that also old parsers read, which do not know `Z`. */
export function timestamp(timeMs: number): string {
  return new Date(timeMs).toISOString().replace("Z", "+00:00");
}
