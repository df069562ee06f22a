/**
 * What a page shows as output, against what was printed. `…` stands for any characters within a line, and a line of
 * nothing but `…` for any number of lines; in JSON it also stands for any value, and as a key for any further fields.
 */
const WILDCARD = "…";

/** Null when it matches, else a sentence. White space at the ends of lines and of the whole does not count. */
export function textFault(shown: string, printed: string): string | null {
  const pattern = tidy(shown)
    .split("\n")
    .map((line) => (line.trim() === WILDCARD ? ANY_LINES : escaped(line)))
    .join("\n")
    .replaceAll(`\n${ANY_LINES}`, "(?:\\n[^]*)?")
    .replaceAll(`${ANY_LINES}\n`, "(?:[^]*\\n)?")
    .replaceAll(ANY_LINES, "[^]*");
  return new RegExp(`^${pattern}$`).test(tidy(printed))
    ? null
    : `shown:\n${tidy(shown)}\nprinted:\n${tidy(printed)}`;
}

const ANY_LINES = "\0";

function tidy(text: string): string {
  return text.replaceAll(/[ \t\r]+$/gm, "").trim();
}

function escaped(line: string): string {
  const parts = line.split(WILDCARD).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return parts.join("[^\\n]*");
}

/** Null when `printed` is JSON like `shown`, else a sentence. The order of fields does not count. */
export function jsonFault(shown: string, printed: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(printed);
  } catch {
    return `no JSON was printed:\n${printed}`;
  }
  const where = differsAt(JSON.parse(shown), value, "$");
  return where === null
    ? null
    : `${where} is not as shown:\n${tidy(shown)}\nprinted:\n${JSON.stringify(value)}`;
}

/** The path of the first place that differs, or null. */
function differsAt(shown: unknown, value: unknown, path: string): string | null {
  if (shown === WILDCARD) return value === undefined ? path : null;
  if (typeof shown === "string") {
    return typeof value === "string" && new RegExp(`^${escaped(shown)}$`, "s").test(value) ? null : path;
  }
  if (typeof shown !== "object" || shown === null) return shown === value ? null : path;
  if (typeof value !== "object" || value === null) return path;
  if (Array.isArray(shown) !== Array.isArray(value)) return path;
  const isOpen = Object.hasOwn(shown, WILDCARD);
  const missing = Object.keys(value).find((key) => !isOpen && !Object.hasOwn(shown, key));
  if (missing !== undefined) return `${path}.${missing}`;
  for (const [key, one] of Object.entries(shown)) {
    if (key === WILDCARD) continue;
    const found = differsAt(one, (value as Record<string, unknown>)[key], `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}
