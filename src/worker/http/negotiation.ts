import type { Context } from "hono";
import { accepts } from "hono/accepts";
import type { Accept } from "hono/utils/accept";

const EXPANSION_TYPES = ["application/json", "text/plain"] as const;
export type ExpansionType = (typeof EXPANSION_TYPES)[number];

/** How an expansion is wanted (`Accept`; RFC 9110, 12.5.1); JSON where nothing else is asked for. */
export function preferredExpansionType(c: Context): ExpansionType {
  const named = accepts(c, {
    header: "Accept",
    supports: [...EXPANSION_TYPES],
    default: EXPANSION_TYPES[0],
    match: (ranges, { supports, default: fallback }) => bestOf(ranges, supports) ?? fallback,
  });
  return EXPANSION_TYPES.find((type) => type === named) ?? EXPANSION_TYPES[0];
}

/** The type with the highest quality; of equal ones the one that is named more exactly. Hono's own ignores a range of all types. */
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

/** 0: the range does not hold the type. */
function precision(range: string, type: string): number {
  const name = range.toLowerCase();
  if (name === type) return 3;
  if (name === `${type.split("/")[0]}/*`) return 2;
  return name === "*/*" ? 1 : 0;
}
