import type { Context } from "hono";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import type { Preconditions, Versions } from "../fragment/preconditions.ts";

/** A version as an entity tag (RFC 9110, 8.8.3). */
export function versionTag(version: number): string {
  return `"${version}"`;
}

/** For reads: whether a header lists this tag, by weak comparison as `If-None-Match` has it. A malformed header lists nothing. */
export function matchesAny(header: string | undefined, tag: string): boolean {
  const tags = header === undefined ? null : parseTags(header);
  return tags === "any" || (tags?.some((one) => withoutWeakness(one) === tag) ?? false);
}

/**
 * For writes: reads `If-Match` and `If-None-Match`. Tags that no version can have match nothing. Weak tags match like
 * strong ones, in `If-Match` too: Cloudflare turns the `"3"` of an answer that it compresses into `W/"3"` (November 2026),
 * and a version names one text exactly, however it is encoded (docs/decisions/0015). A malformed header is refused:
 * if it were ignored, the write would be unconditional. An empty header looks like a missing one, because the platform
 * hands on neither (workerd, November 2026).
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

/**
 * An element of a list of tags, and the comma or end after it. Elements may be empty (RFC 9110, 5.6.1); a tag may hold
 * a comma.
 */
const ELEMENT = /[ \t]*(?:((?:W\/)?"[!#-~\u0080-\uffff]*")[ \t]*)?(,|$)/y;

/** Null if the header is neither `*` nor a list of at least one tag. */
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
