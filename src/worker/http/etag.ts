import type { Context } from "hono";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import type { Preconditions, Versions } from "../fragment/preconditions.ts";

/** A version as an entity tag (RFC 9110, 8.8.3). */
export function versionTag(version: number): string {
  return `"${version}"`;
}

/** For reads: the header's tags name this one; weakly, as If-None-Match compares. A malformed header names nothing. */
export function matchesAny(header: string | undefined, tag: string): boolean {
  const tags = header === undefined ? null : parseTags(header);
  return tags === "any" || (tags?.some((one) => withoutWeakness(one) === tag) ?? false);
}

/**
 * For writes: what `If-Match` and `If-None-Match` ask. Tags that no version can have match nothing. Weak ones match
 * like strong ones, in `If-Match` too: Cloudflare makes `W/"3"` of the `"3"` of an answer that it compresses (November
 * 2026), and a version names one text exactly, however it is encoded (docs/decisions/0015). A header that is malformed
 * is refused: without it, the write would be made whatever there is. An empty one cannot be told from none: the
 * platform hands neither on (workerd, November 2026).
 */
export function readPreconditions(c: Context): Result<Preconditions> {
  const asked: { -readonly [K in keyof Preconditions]: Versions | null } = { match: null, noneMatch: null };
  for (const [name, condition] of [
    ["If-Match", "match"],
    ["If-None-Match", "noneMatch"],
  ] as const) {
    const header = c.req.raw.headers.get(name);
    if (header === null) continue;
    const tags = parseTags(header);
    if (tags === null) {
      const message = `${name}: must be \`*\`, or versions in quotes, such as "3".`;
      return refused(refusal("invalid_header", message));
    }
    asked[condition] = tags === "any" ? "any" : tags.map(withoutWeakness).flatMap(versionsOf);
  }
  return done(asked);
}

/** An element of a list of tags, with what ends it; elements may be empty (RFC 9110, 5.6.1). A tag may hold a comma. */
const ELEMENT = /[ \t]*(?:((?:W\/)?"[!#-~\u0080-\uffff]*")[ \t]*)?(,|$)/y;

/** Null where it is neither `*` nor a list of at least one tag. */
function parseTags(header: string): "any" | string[] | null {
  if (header.trim() === "*") return "any";
  const tags: string[] = [];
  ELEMENT.lastIndex = 0;
  for (;;) {
    const element = ELEMENT.exec(header);
    if (element === null) return null;
    const [, tag, end] = element;
    if (tag !== undefined) tags.push(tag);
    if (end === "") return tags.length > 0 ? tags : null;
  }
}

function withoutWeakness(tag: string): string {
  return tag.replace(/^W\//, "");
}

function versionsOf(tag: string): number[] {
  const version = Number(tag.slice(1, -1));
  return versionTag(version) === tag ? [version] : [];
}
