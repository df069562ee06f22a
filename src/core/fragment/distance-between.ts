import type { TextChange } from "../text/text-change.ts";
import { toChanges } from "../text/wire-changes.ts";

/**
 * How far apart the results of two changes of one text are: about the code units to insert and delete between them, never
 * fewer. The cost grows with what the changes touch, not with the text.
 */
export function distanceBetween(one: TextChange, other: TextChange, text: string): number {
  const sides = [toChanges(one), toChanges(other)] as const;
  const next = [0, 0];
  let distance = 0;
  for (;;) {
    const from = Math.min(
      ...sides.map((side, index) => side[next[index] ?? 0]?.from ?? Number.POSITIVE_INFINITY),
    );
    if (from === Number.POSITIVE_INFINITY) return distance;
    // A place that either side changes, with all that touches it.
    const first = [...next];
    let to = from;
    for (let hasGrown = true; hasGrown; ) {
      hasGrown = false;
      for (const [index, side] of sides.entries()) {
        for (let at = next[index] ?? 0; (side[at]?.from ?? Number.POSITIVE_INFINITY) <= to; at++) {
          to = Math.max(to, side[at]?.to ?? to);
          next[index] = at + 1;
          hasGrown = true;
        }
      }
    }
    const [a = "", b = ""] = sides.map((side, index) => {
      let made = "";
      let at = from;
      for (const change of side.slice(first[index], next[index])) {
        made += text.slice(at, change.from) + change.insert;
        at = change.to;
      }
      return made + text.slice(at, to);
    });
    distance += a.length + b.length - 2 * commonUnits(a, b);
  }
}

/** The length of the common start and the common end of two texts, together. */
function commonUnits(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  let end = 0;
  while (end < most - start && a.charCodeAt(a.length - 1 - end) === b.charCodeAt(b.length - 1 - end)) end++;
  return start + end;
}
