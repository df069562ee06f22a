/** Names of fields and parameters are short: a longer name resembles none of them, and would be slow to compare. */
const MAX_COMPARED_UNITS = 64;

/** Of 0 to 1: below this, two names have too little in common to be worth a hint. */
const MIN_LIKENESS = 0.4;

/**
 * The known name that an unknown name most likely stands for; null if none resembles it. Case and separators do not
 * count. An abbreviation (`q` for `query`) or a part (`type` for `prompt_type`) resembles the whole.
 */
export function nearestName(unknown: string, known: readonly string[]): string | null {
  if (unknown.length > MAX_COMPARED_UNITS) return null;
  let best: string | null = null;
  let bestLikeness = MIN_LIKENESS;
  for (const name of known) {
    const likeness = likenessOf(plain(unknown), plain(name));
    if (likeness <= bestLikeness) continue;
    best = name;
    bestLikeness = likeness;
  }
  return best;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** From 0, nothing in common, to 1, the same. */
function likenessOf(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (short === "") return 0;
  const share = short.length / long.length;
  const byEdits = 1 - editDistance(a, b) / long.length;
  const byPart = long.startsWith(short) ? 0.6 + 0.4 * share : long.includes(short) ? 0.5 + 0.4 * share : 0;
  return Math.max(byEdits, byPart);
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b` (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      let cost = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
      );
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      current.push(cost);
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, b.length);
}

/** The rows of the table are full up to the column that is asked for. */
function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
