/** ISO 8601 with a numeric offset, because old parsers do not know `Z`. */
export function timestamp(timeMs: number): string {
  return new Date(timeMs).toISOString().replace("Z", "+00:00");
}
