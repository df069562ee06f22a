/** What a catalogue shows to callers whose access holds for some ids only, and what it takes from them. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { CatalogueUpdate } from "../../src/core/feed/catalogue-update.ts";
import type { Access, Workspace } from "../../src/protocol/access.ts";
import { holdsFor } from "../../src/protocol/access.ts";
import type {
  CatalogueEvent,
  FragmentSummary,
  ListQuery,
  OpenSessions,
} from "../../src/protocol/catalogue.ts";
import { SORTS } from "../../src/protocol/catalogue.ts";
import { catalogueStub } from "../../src/worker/addresses.ts";
import { CatalogueObject } from "../../src/worker/catalogue/catalogue-object.ts";
import { encodeEventsRequest, readEventsRequest } from "../../src/worker/catalogue/events-request.ts";
import { OpenSessionsCheck } from "../../src/worker/catalogue/open-sessions-check.ts";
import { entryOf } from "../support/catalogue-entry.ts";
import { EventStream } from "../support/event-stream.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { Inbox } from "../support/inbox.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const IDS = [
  "team",
  "team/a",
  "team/b",
  "team/sub/c",
  "team/sub/d",
  "teams/x",
  "team.b",
  "other/a",
  "ops/é",
  "a",
];
const WORDS = ["river", "stone", "river stone", "moon", "東京の川"];
const TAGS = ["red", "green", "blue"];
/** The last fragment of each story; every caller may read it. */
const END = "zz-end";

/** Beginnings of ids, and how each could be got wrong: as a folder, as one id, as several ranges that overlap or touch. */
const PREFIXES = [
  ["team/"],
  ["team"],
  ["team$"],
  ["team/sub/"],
  ["team/a$", "other/"],
  ["team/sub/c$", "team/sub/", "o", "team/b$"],
  ["ops/é$", "nothing/"],
  ["team/a$", "teams/", "o", "a$", ...Array.from({ length: 14 }, (_, n) => `none${n}/`)],
  [""],
  [],
];

/** Something that happens to one fragment, as its catalogue is told. */
type Step =
  | {
      readonly id: string;
      readonly update: CatalogueUpdate | null;
      readonly openSessions: OpenSessions | null;
    }
  | { readonly id: string; readonly renamedTo: string };

function storyOf(seed: number): Step[] {
  const random = new SeededRandom(seed);
  const revisions = new Map<string, number>();
  const deleted = new Set<string>();
  const nextOf = (id: string) => {
    const revision = (revisions.get(id) ?? 0) + 1;
    revisions.set(id, revision);
    return revision;
  };
  const nextEntry = (id: string) => ({
    id,
    revision: nextOf(id),
    createdAtMs: 1_000,
    updatedAtMs: 1_000 * (1 + random.below(20)),
    size: random.below(100),
    description: random.pick(WORDS),
    tags: TAGS.filter(() => random.chance(0.4)),
    prompt_type: random.pick(["standard", "system"] as const),
  });
  const steps: Step[] = [];
  const put = (id: string) => {
    const text = `${random.pick(WORDS)} ${random.pick(WORDS)} [[${random.pick(IDS)}]] [[${random.pick(IDS)}]]`;
    deleted.delete(id);
    steps.push({ id, update: { kind: "text", entry: nextEntry(id), text }, openSessions: null });
  };
  for (let n = 0; n < 60; n++) {
    const id = random.pick(IDS);
    const isThere = revisions.has(id) && !deleted.has(id);
    const kind = isThere ? random.pick(["put", "put", "entry", "sessions", "end"]) : "put";
    if (kind === "put") put(id);
    if (kind === "entry")
      steps.push({ id, update: { kind: "entry", entry: nextEntry(id) }, openSessions: null });
    if (kind === "sessions") {
      const editors = random.chance(0.5) ? [{ session: "s", name: "Ada", color: null }] : [];
      steps.push({ id, update: null, openSessions: { sessions: random.below(3), editors } });
    }
    if (kind === "end") {
      const update = { kind: "deleted", id, revision: nextOf(id), atMs: 500 } as const;
      deleted.add(id);
      steps.push({ id, update, openSessions: null });
      if (random.chance(0.6)) steps.push({ id, renamedTo: random.pick(IDS) });
    }
  }
  put(END);
  return steps;
}

/** A workspace to which only this part of a story has happened. */
async function tell(workspace: Workspace, steps: readonly Step[]): Promise<void> {
  const catalogue = catalogueStub(env, workspace);
  for (const step of steps) {
    if ("renamedTo" in step) await catalogue.renamed({ ...OPEN_ACCESS, workspace }, step.id, step.renamedTo);
    else await catalogue.deliver(step);
  }
}

function freshWorkspace(): Workspace {
  return crypto.randomUUID() as Workspace; // it follows the rule of workspaces
}

/** The same caller in a workspace that holds everything, and in one that holds nothing but what the caller may read. */
function callersOf(prefixes: readonly string[]): [everything: Access, visible: Access] {
  const of = (): Access => ({ ...OPEN_ACCESS, workspace: freshWorkspace(), role: "editor", prefixes });
  return [of(), of()];
}

function visibleSteps(steps: readonly Step[], access: Access): Step[] {
  return steps.filter(
    (step) => holdsFor(access, step.id) && !("renamedTo" in step && !holdsFor(access, step.renamedTo)),
  );
}

const QUERIES: Partial<ListQuery>[] = [
  ...SORTS.filter((sort) => sort !== "relevance").map((sort) => ({ sort })),
  ...["river", "stone moon", "川", "team", "r"].map((query) => ({ query })),
  { query: "river stone", sort: "id" },
  { query: "river", tag: ["red"], type: "standard" },
  { prefix: "team", sort: "id" },
  { tag: ["red", "blue"] },
  { type: "system", updated_since: "1970-01-01T00:00:05Z" },
  {
    ...{
      query: "river",
      prefix: "team",
      type: "standard",
      updated_since: "1970-01-01T00:00:00Z",
      sort: "-id",
    },
    tag: Array.from({ length: 64 }, (_, n) => TAGS[n % 3] ?? ""),
  },
];

/** All answers to a caller, and its lists, which are in pages of three. */
async function answersTo(access: Access) {
  const catalogue = catalogueStub(env, access.workspace);
  const lists: { fragments: FragmentSummary[]; total: number; isRanked: boolean }[] = [];
  for (const query of QUERIES) {
    const fragments: FragmentSummary[] = [];
    let total = 0;
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const asked = { limit: 3, ...query, ...(cursor === undefined ? {} : { cursor }) };
      const page = await catalogue.list(access, asked);
      if (!page.ok) throw new Error(page.refusal.message);
      fragments.push(...page.value.fragments);
      total = page.value.total;
      cursor = page.value.next_cursor;
    }
    expect(fragments).toHaveLength(total);
    lists.push({ fragments, total, isRanked: query.query !== undefined && query.sort === undefined });
  }
  const dependents = IDS.map((id) => catalogue.dependents(access, id));
  const folders = ["", "team", "team/sub", "ops"].map((folder) => catalogue.folders(access, folder));
  const suggestions = ["", "a", "TEAM", "e"].map((text) => catalogue.suggestions(access, text, ["team/a"]));
  const others = {
    ids: await catalogue.ids(access, ""),
    later: await catalogue.ids(access, "team/a"),
    tags: await catalogue.tags(access),
    dependents: await Promise.all(dependents),
    folders: await Promise.all(folders),
    suggestions: await Promise.all(suggestions),
  };
  return { lists, others };
}

/** Callers of all fragments get the matches of a search in another order. */
function withoutRanks({ lists, others }: Awaited<ReturnType<typeof answersTo>>) {
  const byId = (a: FragmentSummary, b: FragmentSummary) => (a.id < b.id ? -1 : 1);
  return {
    others,
    lists: lists.map((list) =>
      list.isRanked ? { ...list, fragments: list.fragments.toSorted(byId) } : list,
    ),
  };
}

function eventsRequest(access: Access, headers: Record<string, string>): Request {
  const asked = readEventsRequest(new Request("http://localhost/v1/events", { headers }), access);
  if (asked === null) throw new Error("not a number");
  return encodeEventsRequest(asked);
}

async function stream(access: Access, lastSeq: string): Promise<EventStream> {
  const request = eventsRequest(access, { "Last-Event-ID": lastSeq });
  const { body } = await catalogueStub(env, access.workspace).fetch(request);
  if (body === null) throw new Error("no body");
  return new EventStream(body);
}

/** The events up to the end of the story, without the numbers of the changes. */
async function eventsOf(events: EventStream): Promise<unknown[]> {
  const told: unknown[] = [];
  for (;;) {
    const event = await events.any();
    told.push("seq" in event ? { ...event, seq: 0 } : event);
    if (event.event === "created" && event.fragment.id === END) break;
  }
  await events.close();
  return told;
}

async function socket(access: Access): Promise<{ inbox: Inbox<CatalogueEvent>; closed: Promise<number> }> {
  const request = eventsRequest(access, { Upgrade: "websocket" });
  const { webSocket } = await catalogueStub(env, access.workspace).fetch(request);
  if (webSocket === null) throw new Error("no socket");
  const inbox = new Inbox<CatalogueEvent>("the listener");
  const closed = Promise.withResolvers<number>();
  webSocket.addEventListener("message", ({ data }) =>
    inbox.receive(JSON.parse(String(data)) as CatalogueEvent),
  );
  webSocket.addEventListener("close", ({ code }) => closed.resolve(code));
  webSocket.accept();
  onTestFinished(() => webSocket.close());
  return { inbox, closed: closed.promise };
}

function isAbout(id: string) {
  return (event: CatalogueEvent) => "fragment" in event && event.fragment.id === id;
}

describe("a caller that is limited to some ids", () => {
  test.each(PREFIXES.map((prefixes) => [prefixes]))(
    "[VIEW-2] is answered as if there were no other fragments, with the beginnings %j",
    async (prefixes) => {
      await forEachSeed(3, [], async (seed) => {
        const story = storyOf(seed);
        const [everything, visible] = callersOf(prefixes);
        await tell(everything.workspace, story);
        await tell(visible.workspace, visibleSteps(story, visible));
        const answers = await answersTo(everything);
        expect(answers).toEqual(await answersTo(visible));
        expect(withoutRanks(answers)).toEqual(withoutRanks(await answersTo({ ...visible, prefixes: null })));
      });
    },
  );

  test.each(PREFIXES.map((prefixes) => [[...prefixes, `${END}$`]]))(
    "[VIEW-3] is told events as if there were no other fragments, with the beginnings %j",
    async (prefixes) => {
      const check = vi.spyOn(OpenSessionsCheck.prototype, "run").mockResolvedValue();
      onTestFinished(() => check.mockRestore());
      await forEachSeed(3, [], async (seed) => {
        const story = storyOf(seed);
        const [everything, visible] = callersOf(prefixes);
        const callers = [everything, { ...visible, prefixes: null }];
        const live = await Promise.all(callers.map((access) => stream(access, "")));
        await tell(everything.workspace, story);
        await tell(visible.workspace, visibleSteps(story, visible));
        const [all, some] = await Promise.all(live.map(eventsOf));
        expect(all).toEqual(some);
        const late = await Promise.all(callers.map((access) => stream(access, "0")));
        const [allLate, someLate] = await Promise.all(late.map(eventsOf));
        expect(allLate).toEqual(someLate);
      });
    },
  );

  test("[VIEW-3] sees a rename as a deletion or a creation, when it may read one of the two ids", async () => {
    const workspace = freshWorkspace();
    const of = (prefix: string): Access => ({ ...OPEN_ACCESS, workspace, prefixes: [prefix, `${END}$`] });
    const [old, young] = await Promise.all([stream(of("old/"), ""), stream(of("new/"), "")]);
    await tell(workspace, [
      { id: "old/a", update: { kind: "text", entry: entryOf("old/a"), text: "x" }, openSessions: null },
      {
        id: "new/a",
        update: { kind: "text", entry: entryOf("new/a"), text: "x" },
        openSessions: null,
      },
      { id: "old/a", update: { kind: "deleted", id: "old/a", revision: 2, atMs: 3 }, openSessions: null },
      { id: "old/a", renamedTo: "new/a" },
      { id: END, update: { kind: "text", entry: entryOf(END), text: "x" }, openSessions: null },
    ]);
    const kindsOf = async (events: EventStream) =>
      (await eventsOf(events)).map((event) => (event as CatalogueEvent).event);
    expect(await kindsOf(old)).toEqual(["created", "deleted", "created"]);
    expect(await kindsOf(young)).toEqual(["created", "created"]);
    const late = await stream(of("old/"), "0");
    expect(JSON.stringify(await eventsOf(late))).not.toContain("new/");
  });

  test("[VIEW-2] gets no more by the cursor of another caller, whose list has more", async () => {
    const story = storyOf(1);
    const [access] = callersOf(["team/"]);
    await tell(access.workspace, story);
    const catalogue = catalogueStub(env, access.workspace);
    for (const query of QUERIES) {
      const all = await catalogue.list({ ...access, prefixes: null }, { limit: 1, ...query });
      const cursor = all.ok ? all.value.next_cursor : null;
      if (cursor === null) continue;
      const page = await catalogue.list(access, { limit: 50, ...query, cursor });
      if (!page.ok) throw new Error(page.refusal.message);
      for (const { id } of page.value.fragments) expect(id).toMatch(/^team\//);
    }
  });
});

test("[VIEW-11] a caller that is limited to one folder reads no more rows, when there are more fragments elsewhere", async () => {
  const access: Access = { ...OPEN_ACCESS, workspace: freshWorkspace(), prefixes: ["few/"] };
  const put = (id: string): Step => {
    const entry = entryOf(id, { tags: ["t"] });
    return { id, update: { kind: "text", entry, text: "word [[many/1]]" }, openSessions: null };
  };
  const many = (from: number) => Array.from({ length: 100 }, (_, n) => put(`many/${from + n}`));
  await tell(access.workspace, [...Array.from({ length: 10 }, (_, n) => put(`few/${n}`)), ...many(0)]);
  const before = await rowsRead(access);
  await tell(access.workspace, [...many(100), ...many(200)]);
  expect(await rowsRead(access)).toEqual(before);
  expect(await rowsRead({ ...access, prefixes: null })).not.toEqual(before);
});

/** The rows that the catalogue reads for each kind of question. */
function rowsRead(access: Access): Promise<readonly number[]> {
  return runInDurableObject(catalogueStub(env, access.workspace), (object, { storage }) => {
    const exec = vi.spyOn(storage.sql, "exec");
    const countOf = (ask: () => unknown) => {
      exec.mockClear();
      ask();
      return exec.mock.results.reduce(
        (sum, { value }) => sum + (value as SqlStorageCursor<never>).rowsRead,
        0,
      );
    };
    const counts = [
      countOf(() => object.list(access, { limit: 5 })),
      countOf(() => object.list(access, { limit: 5, sort: "id" })),
      countOf(() => object.tags(access)),
      countOf(() => object.folders(access, "")),
      countOf(() => object.dependents(access, "many/1")),
      countOf(() => object.ids(access, "")),
    ];
    exec.mockRestore();
    return counts;
  });
}

describe("the calls of a catalogue", () => {
  const workspace = freshWorkspace();
  const admin: Access = { ...OPEN_ACCESS, workspace };
  /** Arguments behind the access, for each call that is made for a caller. */
  const FOR_CALLERS: Record<string, readonly unknown[]> = {
    list: [{ limit: 1 }],
    ids: [""],
    tags: [],
    folders: [""],
    dependents: ["a"],
    suggestions: ["a", []],
    renamed: ["a", "b"],
    rebuild: [[]],
    rebuildStatus: [],
  };
  /** Made by the platform or by objects of ours. `fetch` takes its access from the request. */
  const OTHERS = [
    "accessChanged",
    "alarm",
    "deliver",
    "fetch",
    "known",
    "noteCreation",
    "webSocketClose",
    "webSocketMessage",
  ];

  /** Within the object, because the test runner takes an error that passes the border of an object for an unhandled one. */
  function within<T>(ask: (object: CatalogueObject) => T): Promise<T | string> {
    return runInDurableObject(catalogueStub(env, workspace), async (object) => {
      try {
        return await ask(object);
      } catch (error) {
        return String(error);
      }
    });
  }

  function call(name: string, access: Access): Promise<unknown> {
    return within((object) => {
      const calls = object as unknown as Record<string, (...values: unknown[]) => unknown>;
      return calls[name]?.(access, ...(FOR_CALLERS[name] ?? []));
    });
  }

  test("[VIEW-4] are all either for callers, whose access comes first, or for our own objects", () => {
    const names = Object.getOwnPropertyNames(CatalogueObject.prototype).filter(
      (name) => name !== "constructor",
    );
    expect(names.sort()).toEqual([...Object.keys(FOR_CALLERS), ...OTHERS].sort());
  });

  test.each(Object.keys(FOR_CALLERS))("[VIEW-4] %s fails for a caller of another workspace", async (name) => {
    expect(String(await call(name, admin))).not.toMatch(/^Error/);
    const stranger = { ...admin, workspace: freshWorkspace() };
    expect(await call(name, stranger)).toBe("Error: the caller belongs to another workspace");
  });

  test("[VIEW-4] a listener is not made for a caller of another workspace", async () => {
    const stranger = { ...admin, workspace: freshWorkspace() };
    expect(await within((object) => object.fetch(eventsRequest(stranger, {})))).toBe(
      "Error: the caller belongs to another workspace",
    );
  });

  test.each([
    ["rebuild", "forbidden", { role: "editor" }],
    ["rebuildStatus", "forbidden", { role: "editor" }],
    ["rebuild", "forbidden", { prefixes: ["a"] }],
    ["rebuildStatus", "forbidden", { prefixes: ["a"] }],
    ["renamed", "forbidden", { role: "viewer" }],
    ["renamed", "not_found", { prefixes: ["a$"] }],
    ["renamed", "not_found", { prefixes: ["b"] }],
  ] as const)("[VIEW-5] %s is refused with %s, when the access has %j", async (name, code, limits) => {
    expect(await call(name, { ...admin, ...limits })).toMatchObject({ ok: false, refusal: { code } });
  });
});

describe("an access that is taken away", () => {
  const GRANT = "key:1";
  const caller = (): Access => ({ ...OPEN_ACCESS, workspace: freshWorkspace(), grants: [GRANT, "user:1"] });
  const tellOf = (access: Access, id: string) =>
    tell(access.workspace, [
      { id, update: { kind: "text", entry: entryOf(id), text: "x" }, openSessions: null },
    ]);

  test.each([false, true])(
    "[VIEW-6] ends its listeners and no others, over hibernation of the catalogue: %s",
    async (isAsleep) => {
      const access = caller();
      const other = { ...access, grants: ["key:2"] };
      const catalogue = catalogueStub(env, access.workspace);
      const [ended, stays] = [await socket(access), await socket(other)];
      if (isAsleep) await evictDurableObject(catalogue);
      await catalogue.accessChanged({ grant: GRANT, cap: null });
      expect(await ended.closed).toBe(4401);
      await tellOf(access, "later");
      await stays.inbox.next("the creation", isAbout("later"));
      expect(ended.inbox.all).toEqual([]);
    },
  );

  test("[VIEW-6] ends its streams and no others", async () => {
    const access = caller();
    const [ended, stays] = await Promise.all([
      stream(access, ""),
      stream({ ...access, grants: ["key:2"] }, ""),
    ]);
    await catalogueStub(env, access.workspace).accessChanged({ grant: GRANT, cap: null });
    await expect(ended.any()).rejects.toThrow("the stream has ended");
    await tellOf(access, "later");
    expect(await stays.next("created", "later")).toBeDefined();
    await stays.close();
  });

  test.each([false, true])(
    "[VIEW-6] narrows its listeners to the ids that are left, over hibernation of the catalogue: %s",
    async (isAsleep) => {
      const access = caller();
      const catalogue = catalogueStub(env, access.workspace);
      const { inbox } = await socket(access);
      const events = isAsleep ? null : await stream(access, "");
      if (isAsleep) await evictDurableObject(catalogue);
      await catalogue.accessChanged({ grant: "user:1", cap: { role: "viewer", prefixes: ["team/"] } });
      if (isAsleep) await evictDurableObject(catalogue);
      for (const id of ["secret", "team/a"]) await tellOf(access, id);
      await inbox.next("the creation", isAbout("team/a"));
      expect(JSON.stringify(inbox.all)).not.toContain("secret");
      if (events === null) return;
      expect(await events.any()).toMatchObject({ event: "created", fragment: { id: "team/a" } });
      await events.close();
    },
  );

  test("[VIEW-6] ends its listeners with 4403, when no id is left", async () => {
    const access = caller();
    const { closed } = await socket({ ...access, prefixes: ["team/"] });
    const cap = { role: "admin", prefixes: ["other/"] } as const;
    await catalogueStub(env, access.workspace).accessChanged({ grant: GRANT, cap });
    expect(await closed).toBe(4403);
  });

  test("[VIEW-7] ends its listeners, when its time is over", async () => {
    const access = { ...caller(), expiresAtMs: Date.now() + 500 };
    const { closed } = await socket(access);
    const stays = await socket({ ...access, expiresAtMs: null });
    await evictDurableObject(catalogueStub(env, access.workspace));
    expect(await closed).toBe(4501);
    await tellOf(access, "later");
    await stays.inbox.next("the creation", isAbout("later"));
  });

  test("[VIEW-7] ends its stream, when its time is over", async () => {
    const access = { ...caller(), expiresAtMs: Date.now() + 500 };
    const events = await stream(access, "");
    await expect(events.any()).rejects.toThrow("the stream has ended");
  });
});
