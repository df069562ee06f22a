import { describe, expect, test } from "vitest";
import { type Access, commonPrefixes, holdsFor, lowered } from "../../src/protocol/access.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";

const EDITOR: Access = {
  ...OPEN_ACCESS,
  role: "editor",
  prefixes: ["team/", "mine"],
  grants: ["key:1", "user:2"],
};

describe("a change of a grant", () => {
  test("[VIEW-1] a lowered grant leaves the lower of both roles, when they differ", () => {
    const roleUnder = (role: Access["role"]) =>
      lowered(EDITOR, { grant: "user:2", cap: { role, prefixes: null } })?.role;
    expect([roleUnder("viewer"), roleUnder("editor"), roleUnder("admin")]).toEqual([
      "viewer",
      "editor",
      "editor",
    ]);
  });

  test("[VIEW-1] a revoked grant ends the access, when it stands on that grant and no other", () => {
    expect(lowered(EDITOR, { grant: "key:1", cap: null })).toBeNull();
    expect(lowered(EDITOR, { grant: "key:2", cap: null })).toBe(EDITOR);
    expect(lowered(OPEN_ACCESS, { grant: "key:1", cap: null })).toBe(OPEN_ACCESS);
  });

  test("[VIEW-1] an access holds for the ids for which both hold, when both are limited", () => {
    const lists = [null, [], [""], ["a"], ["a/"], ["a/b", "c"], ["b", "a/bc"], ["ab", "a"], ["a$", "a/b$"]];
    const ids = ["a", "ab", "a/", "a/b", "a/bc", "a/c", "b", "c", "cc", "d"];
    for (const a of lists) {
      for (const b of lists) {
        const both = commonPrefixes(a, b);
        for (const id of ids) {
          const isInBoth = holdsFor({ prefixes: a }, id) && holdsFor({ prefixes: b }, id);
          expect(holdsFor({ prefixes: both }, id), JSON.stringify([a, b, id])).toBe(isInBoth);
        }
      }
    }
  });
});
