/** Numbers as people read them. */

/** Three significant digits are what a histogram knows. */
export function milliseconds(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms >= 100) return grouped(Math.round(ms));
  return ms.toFixed(ms >= 10 ? 1 : 2);
}

/** @param noun one that takes an s for more than one */
export function counted(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

export function grouped(number: number): string {
  return number.toLocaleString("en-US");
}
