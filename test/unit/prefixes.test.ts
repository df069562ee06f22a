/** The beginnings of ids for which a right holds. */
import { describe, expect, test } from "vitest";
import { parseFragmentId } from "../../src/language/fragment-id.ts";
import { holdsFor, isWithin, narrowed } from "../../src/protocol/access.ts";
import { parsePrefix, prefixOf } from "../../src/protocol/prefixes.ts";

/** Ids in the form in which they are compared. */
const IDS = ["a", "ab", "a/b", "a/bc", "a.b", "a-b", "café", "café/x", "b", "two_words"];

describe("prefixes", () => {
  test.each([
    ["a", ["a", "ab", "a/b", "a/bc", "a.b", "a-b"]],
    ["a/", ["a/b", "a/bc"]],
    ["a$", ["a"]],
    ["a/b$", ["a/b"]],
    ["a.", ["a.b"]],
    ["a-", ["a-b"]],
    ["cafe\u0301", ["café", "café/x"]],
    ["cafe", []],
    ["two w", ["two_words"]],
    ["two words$", ["two_words"]],
  ])("[ACCESS-20] the prefix '%s' holds for %j", (given, held) => {
    const prefix = parsePrefix(given);
    if (prefix === null) throw new Error("no id begins so");
    expect(IDS.filter((id) => holdsFor({ prefixes: [prefix] }, id))).toEqual(held);
  });

  test.each([
    "",
    "$",
    "/",
    "/a",
    "a//",
    "..",
    "a/../",
    ".a",
    "a$$",
    "a$b",
    "a$/",
    "a\0",
    "\u200b",
    "\ud800",
    "a*",
    "é".repeat(100),
  ])("[ACCESS-20] %j is the beginning of no id", (given) => {
    expect(parsePrefix(given)).toBeNull();
  });

  test("[ACCESS-20] the prefix of one fragment is parsed as it is, and holds for no other", () => {
    for (const id of IDS) {
      const parsed = parseFragmentId(id);
      if (!parsed.ok) throw new Error(parsed.reason);
      const prefix = prefixOf(parsed.id);
      expect(parsePrefix(prefix)).toBe(prefix);
      expect(IDS.filter((one) => holdsFor({ prefixes: [prefix] }, one))).toEqual([id]);
    }
  });

  test("[ACCESS-20] a right is within another one only if it loses nothing by it", () => {
    const lists = [null, ["a"], ["a/"], ["a$"], ["a/b$", "b"], ["a", "b"], ["café"], ["a/", "a$"]];
    const roles = ["viewer", "editor", "admin"] as const;
    const rights = lists.flatMap((prefixes) => roles.map((role) => ({ role, prefixes })));
    const allows = (right: { role: string; prefixes: string[] | null }) => [
      right.role,
      ...[...IDS, "zz"].filter((id) => holdsFor(right, id)),
    ];
    for (const one of rights) {
      for (const limit of rights) {
        const both = { ...narrowed(one, limit) };
        const left = { role: both.role, prefixes: both.prefixes === null ? null : [...both.prefixes] };
        const losesNothing = allows(left).join() === allows(one).join();
        expect(losesNothing || !isWithin(one, limit), JSON.stringify([one, limit])).toBe(true);
        // The other way round needs one prefix that reaches as far: "a" is not within ["a$", "a/"].
        if (losesNothing && limit.prefixes?.length === 1) expect(isWithin(one, limit)).toBe(true);
      }
    }
  });
});
