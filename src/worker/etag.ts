import type { Context } from "hono";

/** A version as an entity tag (RFC 9110, 8.8.3). */
export function versionTag(version: number): string {
  return `"${version}"`;
}

/** The header's tags name this one; weakly, as If-None-Match compares. */
export function matchesAny(header: string | undefined, tag: string): boolean {
  return header !== undefined && tagsOf(header).some((one) => one === "*" || one.replace(/^W\//, "") === tag);
}

/**
 * The versions of `If-Match`, of which one must be current; null without one, or for `*`. Weak and foreign tags
 * match nothing, so a header of only those gives an empty list, which nothing fulfils.
 */
export function expectedVersions(c: Context): readonly number[] | null {
  const header = c.req.header("If-Match");
  if (header === undefined || mustExist(c)) return null;
  return tagsOf(header).flatMap((tag) => (/^"\d+"$/.test(tag) ? [Number(tag.slice(1, -1))] : []));
}

/** `If-Match: *`: any version will do, but there must be one. */
export function mustExist(c: Context): boolean {
  return c.req.header("If-Match")?.trim() === "*";
}

/** `If-None-Match: *` on a write: there must be no fragment yet. */
export function mustBeNew(c: Context): boolean {
  return c.req.header("If-None-Match")?.trim() === "*";
}

function tagsOf(header: string): string[] {
  return header.split(",").map((tag) => tag.trim());
}
