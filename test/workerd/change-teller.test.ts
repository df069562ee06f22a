/** How the fragments of a workspace are told of a changed grant, when there are very many, or some of them fail. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { ChangeTeller } from "../../src/worker/access/object/change-teller.ts";
import { accessStub } from "../../src/worker/addresses.ts";
import { ChangedGrants } from "../../src/worker/storage/access-changes.ts";
import { SocketNotes } from "../../src/worker/storage/access-notes.ts";
import { freshWorkspace } from "./closed-server.ts";

const GRANT = "key:k";

afterEach(() => {
  vi.restoreAllMocks();
});

interface Told {
  /** The fragments, in the order in which they were told. */
  readonly ids: string[];
  /** The largest number in one event. */
  readonly most: number;
  /** How often the catalogue was told. */
  readonly catalogue: number;
}

/** Changes the grant, and rings until nothing is due any more, or as often as is good. */
async function tellAll(
  fragments: number,
  fails: (id: string, round: number) => boolean = () => false,
): Promise<Told> {
  return runInDurableObject(accessStub(env, freshWorkspace()), async (_, { storage }) => {
    const notes = new SocketNotes(storage);
    for (let n = 0; n < fragments; n++) notes.add([GRANT], `f/${n}`, Date.now());
    notes.add(["key:other"], "other", Date.now());
    const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    const ids: string[] = [];
    const perEvent: number[] = [];
    let [catalogue, round] = [0, 0];
    const changes = new ChangedGrants(storage);
    const teller = new ChangeTeller({
      notes,
      changes,
      capOf: () => null,
      tellFragment: async (id) => {
        ids.push(id);
        if (fails(id, round)) throw new Error(`${id} fails`);
      },
      tellCatalogue: async () => {
        catalogue++;
      },
      ringAt: () => undefined,
      report: () => undefined,
    });
    const event = async (run: () => Promise<void>) => {
      const before = ids.length;
      await run();
      perEvent.push(ids.length - before);
    };
    await event(() => teller.changed(GRANT));
    for (let rings = 0; rings < 50; rings++) {
      const nextMs = changes.nextMs();
      if (nextMs === null) break;
      if (nextMs > Date.now()) round++;
      clock.mockReturnValue(nextMs);
      await event(() => teller.ring(nextMs));
    }
    expect(changes.nextMs()).toBeNull();
    return { ids, most: Math.max(...perEvent), catalogue };
  });
}

test.each([0, 1, 399, 400, 401, 1_000])(
  "[ACCESS-14] each of %d fragments is told three times, and never more than 400 in one event",
  async (fragments) => {
    const { ids, most, catalogue } = await tellAll(fragments);
    expect(new Set(ids).size).toBe(fragments);
    expect(ids).toHaveLength(3 * fragments);
    expect(most).toBeLessThanOrEqual(400);
    expect(catalogue).toBe(3);
  },
);

test("[ACCESS-14] the fragments are told until all could be told in one round, when one of many fails for a while", async () => {
  const { ids } = await tellAll(500, (id, round) => id === "f/1" && round < 5);
  expect(ids.filter((id) => id === "f/1")).toHaveLength(6);
  expect(ids.filter((id) => id === "f/8")).toHaveLength(6);
});
