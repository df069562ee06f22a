/** Numbers for people. */

/** Three significant digits, the precision of the histogram. */
export function milliseconds(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms >= 100) return grouped(Math.round(ms));
  return ms.toFixed(ms >= 10 ? 1 : 2);
}

/** @param noun in the singular; its plural ends in s */
export function counted(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

export function grouped(number: number): string {
  return number.toLocaleString("en-US");
}
