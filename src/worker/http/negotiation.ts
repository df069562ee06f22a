import type { Context } from "hono";
import { accepts } from "hono/accepts";
import type { Accept } from "hono/utils/accept";

/** The type that the client prefers (`Accept`; RFC 9110, 12.5.1); the first one if it prefers none of these. */
export function preferredType<T extends string>(c: Context, types: readonly [T, ...T[]]): T {
  const named = accepts(c, {
    header: "Accept",
    supports: [...types],
    default: types[0],
    match: (ranges, { supports, default: fallback }) => bestOf(ranges, supports) ?? fallback,
  });
  return types.find((type) => type === named) ?? types[0];
}

/**
 * The type with the highest quality; among equals, the one that is named more exactly. Hono's own `match` ignores a
 * range of all types.
 */
function bestOf(ranges: readonly Accept[], types: readonly string[]): string | null {
  const rated = types.map((type) => {
    const fitting = ranges.filter(({ type: range }) => precision(range, type) > 0);
    fitting.sort((a, b) => precision(b.type, type) - precision(a.type, type));
    const [range] = fitting;
    return { type, q: range?.q ?? 0, precision: range === undefined ? 0 : precision(range.type, type) };
  });
  rated.sort((a, b) => b.q - a.q || b.precision - a.precision);
  const [best] = rated;
  return best === undefined || best.q === 0 ? null : best.type;
}

/** 0 if the range does not include the type. */
function precision(range: string, type: string): number {
  const name = range.toLowerCase();
  if (name === type) return 3;
  if (name === `${type.split("/")[0]}/*`) return 2;
  return name === "*/*" ? 1 : 0;
}
