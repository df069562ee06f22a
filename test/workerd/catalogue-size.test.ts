/** What lists of many and long texts cost, in catalogues of their own that are told directly. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { Workspace } from "../../src/protocol/access.ts";
import type { FragmentSummary, ListQuery } from "../../src/protocol/catalogue.ts";
import { catalogueStub } from "../../src/worker/addresses.ts";
import { expectLinear } from "../support/growth.ts";
import { adminOf } from "./rebuilding.ts";

const FIELDS = {
  createdAtMs: 1_000,
  updatedAtMs: 2_000,
  size: 1,
  tags: [],
  prompt_type: "standard",
} as const;

type Catalogue = ReturnType<typeof catalogueStub>;

test("[CAT-6] a page is made in linear time, when its texts have the word all over", async () => {
  await expectLinear(
    20_000,
    once(async (words) => {
      const { catalogue } = await catalogueOf(20, () => "a ".repeat(words));
      return async () => {
        const fragments = await list(catalogue, { query: "a" });
        expect(fragments).toHaveLength(20);
        expect(fragments.every(({ highlights }) => highlights.excerpt.length > 40)).toBe(true);
      };
    }),
    () => performance.now(),
  );
});

test("[CAT-6] a page of texts with long words and lines is small", async () => {
  const { catalogue } = await catalogueOf(200, (n) => `pin ${(n % 2 === 0 ? "-" : "x").repeat(25_000)}`);
  const fragments = await list(catalogue, { query: "pin" });
  expect(fragments).toHaveLength(200);
  expect(JSON.stringify(fragments).length).toBeLessThan(200_000);
});

test("[CAT-6] words far into long texts are shown, but for those that would hold the page up", async () => {
  const filler = "filler ".repeat(140_000);
  const { catalogue, ids } = await catalogueOf(10, () => `${filler}manatee ${"behind ".repeat(100)}`);
  const fragments = await list(catalogue, { query: "manatee", sort: "id" });
  const shown = fragments.map(({ excerpt }) => excerpt.includes("manatee"));
  expect(shown).toEqual(ids.map((_, n) => n < 8));
  expect(fragments.at(-1)?.excerpt).toMatch(/^filler filler .*…$/);
});

test("[CAT-2] lists take linear time, when hundreds of fragments with long fields are edited", async () => {
  await expectLinear(
    400,
    once(async (edited) => {
      const catalogue = await editedCrowd(10 * edited, edited);
      return async () => {
        expect(await list(catalogue, { type: "system", limit: 1 })).toHaveLength(1);
        expect(await list(catalogue, { sort: "-updated_at", limit: 1 })).toHaveLength(1);
        expect((await catalogue.tags(adminOf(catalogue))).tags[0]).toEqual({ tag: "one", count: 9 * edited });
      };
    }),
    () => performance.now(),
  );
});

/** This number of fragments with the tag "one"; those that are edited have 64 long tags in its place. */
async function editedCrowd(count: number, edited: number): Promise<Catalogue> {
  const { catalogue, ids } = await catalogueOf(1, () => "crowd");
  const id = ids[0] ?? "";
  await runInDurableObject(catalogue, async (object, { storage }) => {
    storage.sql.exec(
      `INSERT INTO fragment SELECT 1 + value, fragment.id || value, 1 + value, 1, 1, 0, 1, 1, '', '["one"]', '[]', 'standard', 1, '', NULL
       FROM fragment, json_each(?)`,
      JSON.stringify(Array.from({ length: count }, (_, n) => n + 1)),
    );
    const tags = Array.from({ length: 64 }, (_, n) => `${n}`.padEnd(64, "\u0001"));
    const live = { ...FIELDS, revision: 2, description: "\u0001".repeat(2_000), tags } as const;
    for (let n = 1; n <= edited; n++)
      await object.deliver({
        id,
        update: { kind: "entry", entry: { ...live, id: id + n, prompt_type: "system" } },
        openSessions: null,
      });
  });
  return catalogue;
}

/** Reading changes nothing, so a catalogue that was made for a size serves again. */
function once<T>(make: (size: number) => Promise<T>): (size: number) => Promise<T> {
  const made = new Map<number, Promise<T>>();
  return (size) => {
    const found = made.get(size) ?? make(size);
    made.set(size, found);
    return found;
  };
}

/** Fragments of these texts; their ids are in their order. */
async function catalogueOf(
  count: number,
  textOf: (n: number) => string,
): Promise<{ catalogue: Catalogue; ids: readonly string[] }> {
  const catalogue = catalogueStub(env, crypto.randomUUID() as Workspace);
  const ids = Array.from({ length: count }, (_, n) => `id${String(n).padStart(5, "0")}`);
  await runInDurableObject(catalogue, async (object) => {
    for (const [n, id] of ids.entries()) {
      const text = textOf(n);
      const entry = { ...FIELDS, id, revision: 1, description: "", size: text.length };
      await object.deliver({ id, update: { kind: "text", entry, text }, openSessions: null });
    }
  });
  return { catalogue, ids };
}

async function list(catalogue: Catalogue, query: Partial<ListQuery>): Promise<readonly FragmentSummary[]> {
  const answer = await catalogue.list(adminOf(catalogue), { limit: 200, ...query });
  if (!answer.ok) throw new Error(answer.refusal.message);
  return answer.value.fragments;
}
