import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type CatalogueRecord,
  type CatalogueUpdate,
  revisionOf,
} from "../../src/core/feed/catalogue-update.ts";
import type { ListQuery } from "../../src/protocol/catalogue.ts";
import { MAX_DEPENDENTS } from "../../src/protocol/limits.ts";
import { catalogueStub } from "../../src/worker/addresses.ts";
import { CatalogueObject } from "../../src/worker/catalogue/catalogue-object.ts";
import { FragmentObject } from "../../src/worker/fragment/fragment-object.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { createFragment, freshId, joinJson, joinYjs, objectOf, readFragment, request } from "./connect.ts";
import { eventually } from "./eventually.ts";
import { rebuild, rebuildStatus } from "./rebuilding.ts";

/** The catalogue as its object answers, with fragments that tell it of themselves. */

function catalogue() {
  return catalogueStub(env, OPEN_ACCESS.workspace);
}

/** As the fragment would. Returns the rows written. */
function tell(update: CatalogueUpdate): Promise<number> {
  return catalogue().deliver({ id: revisionOf(update).id, update, openSessions: null });
}

async function list(query: Partial<ListQuery>) {
  const answer = await catalogue().list(OPEN_ACCESS, { limit: 50, ...query });
  if (!answer.ok) throw new Error(answer.refusal.message);
  return answer.value;
}

async function idsOf(query: Partial<ListQuery>): Promise<string[]> {
  return (await list(query)).fragments.map(({ id }) => id);
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function awaitedIds(): Promise<string[]> {
  return runInDurableObject(catalogue(), (_, { storage }) =>
    Array.from(storage.sql.exec("SELECT id FROM awaited").raw(), ([id]) => String(id)),
  );
}

/** As if every awaited fragment had been silent for long. */
async function ringForAwaited(): Promise<void> {
  await runInDurableObject(catalogue(), (_, { storage }) => {
    storage.sql.exec("UPDATE awaited SET at_ms = 0");
    storage.sql.exec("UPDATE due SET at_ms = 0");
  });
  await evictDurableObject(catalogue());
  await runDurableObjectAlarm(catalogue());
  // It may have rung by itself a moment before, and be at work.
  await eventually(async () => {
    const left = await runInDurableObject(catalogue(), (_, { storage }) =>
      storage.sql.exec("SELECT id FROM awaited WHERE at_ms = 0").toArray(),
    );
    expect(left).toEqual([]);
  });
}

/** One fragment answers otherwise when the catalogue asks it, until the mock is restored. */
function recordsOf(id: string, answer: () => Promise<CatalogueRecord>) {
  const real = FragmentObject.prototype.catalogueRecord;
  return vi.spyOn(FragmentObject.prototype, "catalogueRecord").mockImplementation(function (
    this: FragmentObject,
  ) {
    const { ctx } = this as unknown as { ctx: DurableObjectState }; // protected
    return ctx.id.name === `default/${id}` ? answer() : real.call(this);
  });
}

/** What a fragment's storage knows of its delivery. */
function deliveryOf(id: string): Promise<{ delivered: number; alarm: number | null }> {
  return runInDurableObject(objectOf(id), async (_, { storage }) => ({
    delivered: Number(
      storage.sql.exec("SELECT delivered_revision FROM fragment").one()["delivered_revision"],
    ),
    alarm: await storage.getAlarm(),
  }));
}

describe("what the catalogue is told", () => {
  test("[CAT-1] a fragment is in the list as soon as it is created, and out of it as soon as it is deleted", async () => {
    const { id, version } = await createFragment("some words", { tags: ["new"], description: "about it" });
    const [entry] = (await list({ query: `"${id}"` })).fragments;
    expect(entry).toMatchObject({ id, version, tags: ["new"], description: "about it", size: 10 });
    await request("DELETE", `/v1/fragments/${id}`);
    expect(await idsOf({ query: `"${id}"` })).toEqual([]);
  });

  test("[CAT-2] the catalogue is told the list fields while somebody types, and the text when they stop", async () => {
    const { id } = await createFragment("first words", { tags: [`typing-${crypto.randomUUID()}`] });
    const { tags } = await readFragment(id);
    const deliver = vi.spyOn(CatalogueObject.prototype, "deliver");
    onTestFinished(() => deliver.mockRestore());
    const client = await joinYjs(id);
    for (let seq = 1; seq <= 3; seq++) {
      await client.typeSaved((text) => text.insert(0, `zebra${seq} `));
    }
    const { version, updated_at, size } = await readFragment(id);
    await eventually(async () => {
      const [entry] = (await list({ tag: [...tags] })).fragments;
      expect(entry).toMatchObject({ version, updated_at, size });
    });
    await eventually(async () => expect(await idsOf({ tag: [...tags], query: "zebra3" })).toEqual([id]));
    const told = deliver.mock.calls.flatMap(([message]) =>
      message.id === id && message.update !== null ? [message.update.kind] : [],
    );
    expect([...new Set(told)]).toEqual(["entry", "text"]);
    expect(told.filter((kind) => kind === "text")).toHaveLength(1);
  });

  test("[CAT-2] the live fields of a fragment are sorted and filtered by too", async () => {
    const tag = crypto.randomUUID();
    const older = await createFragment("older", { tags: [tag] });
    const newer = await createFragment("newer", { tags: [tag] });
    const client = await joinJson(older.id);
    await client.request({ action: "update_metadata", tags: [tag, "live"], request_id: "tags" });
    await eventually(async () => {
      expect(await idsOf({ tag: [tag], sort: "-updated_at" })).toEqual([older.id, newer.id]);
      expect(await idsOf({ tag: [tag, "live"] })).toEqual([older.id]);
    });
  });

  test("[CAT-2] a search shows the live fields, and those of a rebuild that knows newer ones", async () => {
    const { id } = await createFragment("searched while edited");
    const times = { createdAtMs: 1_000, updatedAtMs: 2_000 };
    const entry = {
      id,
      ...times,
      size: 21,
      description: "",
      tags: ["live"],
      prompt_type: "standard",
    } as const;
    await tell({ kind: "entry", entry: { ...entry, revision: 2 } });
    const found = async () => (await list({ query: "searched edited" })).fragments[0];
    expect(await found()).toMatchObject({ id, version: 2, tags: ["live"] });
    const newer = { ...entry, tags: [], revision: 3 };
    const record = recordsOf(id, async () => ({ kind: "text", entry: newer, text: "searched, edited" }));
    await rebuild([]);
    await eventually(async () => expect(await found()).toMatchObject({ id, version: 3, tags: [] }));
    record.mockRestore();
  });

  test("[CAT-2] each way to narrow a list and the counts of tags go by the live fields", async () => {
    const [before, now] = [crypto.randomUUID(), crypto.randomUUID()];
    const word = `w${before.slice(0, 8)}`;
    const { id } = await createFragment(word, { tags: [before] });
    const other = await createFragment(word, { tags: [before] });
    const updatedAtMs = Date.parse(other.updated_at) + 60_000;
    const times = { createdAtMs: 1_000, updatedAtMs };
    const entry = { id, ...times, size: 1, description: "", tags: [now], prompt_type: "system" } as const;
    await tell({ kind: "entry", entry: { ...entry, revision: 2 } });
    const updated_since = new Date(updatedAtMs).toISOString();
    for (const query of [{}, { query: word }, { query: word, sort: "id" }] as const) {
      expect(await idsOf({ ...query, tag: [before] })).toEqual([other.id]);
      expect(await idsOf({ ...query, tag: [now] })).toEqual([id]);
      expect(await idsOf({ ...query, type: "system", prefix: "test" })).toEqual([id]);
      expect(await idsOf({ ...query, updated_since })).toEqual([id]);
      expect(await list({ ...query, tag: [before], limit: 1 })).toMatchObject({
        total: 1,
        next_cursor: null,
      });
    }
    const { tags } = await catalogue().tags(OPEN_ACCESS);
    expect(tags.filter(({ tag }) => [before, now].includes(tag))).toEqual(
      [before, now].sort().map((tag) => ({ tag, count: 1 })),
    );
    await tell({ kind: "deleted", id, revision: 3, atMs: 3 });
    expect(await idsOf({ tag: [now] })).toEqual([]);
    expect((await catalogue().tags(OPEN_ACCESS)).tags.map(({ tag }) => tag)).not.toContain(now);
  });

  test("[CAT-3] an older update and the same one again change nothing", async () => {
    const { id } = await createFragment("");
    await request("DELETE", `/v1/fragments/${id}`);
    const entry = {
      id,
      revision: 15,
      createdAtMs: 1_000,
      updatedAtMs: 2_000,
      size: 4,
      description: "",
      tags: [],
      prompt_type: "standard",
    } as const;
    const tellText = (revision: number, text: string) =>
      tell({ kind: "text", entry: { ...entry, revision }, text });
    expect(await tellText(15, "five")).toBeGreaterThan(0);
    expect(await tellText(14, "four")).toBe(0);
    expect(await tellText(15, "five again")).toBe(0);
    expect(await idsOf({ query: "five" })).toEqual([id]);
    await tell({ kind: "deleted", id, revision: 16, atMs: 3_000 });
    expect(await tellText(15, "five")).toBe(0);
    expect(await idsOf({ query: "five" })).toEqual([]);
    expect(await tellText(17, "seven")).toBeGreaterThan(0);
    expect(await idsOf({ query: "seven" })).toEqual([id]);
    await tell({ kind: "deleted", id, revision: 18, atMs: 4_000 });
  });

  test("[CAT-3] the alarm delivers a message, when a crash kept it from the catalogue", async () => {
    const { id } = await createFragment("told at once");
    const stub = objectOf(id);
    const client = await joinYjs(id);
    await client.typeSaved((text) => text.insert(0, "untold "));
    await abortAllDurableObjects();
    expect(await idsOf({ query: "untold" })).toEqual([]);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await idsOf({ query: "untold" })).toEqual([id]);
  });

  test("[CAT-3] a creation that a crash kept from the catalogue is asked for by it", async () => {
    const deliver = vi.spyOn(CatalogueObject.prototype, "deliver").mockImplementationOnce(never);
    const { id } = await createFragment("noted only");
    deliver.mockRestore();
    await abortAllDurableObjects();
    expect(await idsOf({ query: "noted" })).toEqual([]);
    await ringForAwaited();
    expect(await idsOf({ query: "noted" })).toEqual([id]);
    expect(await awaitedIds()).toEqual([]);
  });

  test("[CAT-3] a creation that was noted and came to nothing is forgotten", async () => {
    const id = freshId();
    await catalogue().noteCreation({ id, revision: 1 });
    expect(await awaitedIds()).toEqual([id]);
    await ringForAwaited();
    expect(await awaitedIds()).toEqual([]);
    expect(await idsOf({ prefix: id })).toEqual([]);
  });

  test("[CAT-3] a fragment whose creation is noted sets no alarm for it", async () => {
    const { id, version } = await createFragment("words");
    expect(await deliveryOf(id)).toEqual({ delivered: version, alarm: null });
    expect(await awaitedIds()).not.toContain(id);
  });

  test("[EXIST-2] a creation stays noted, when the fragment is asked because of an earlier one that came to nothing", async () => {
    const id = freshId();
    await catalogue().noteCreation({ id, revision: 1 });
    const record = vi.spyOn(FragmentObject.prototype, "catalogueRecord").mockImplementationOnce(async () => {
      await catalogue().noteCreation({ id, revision: 1 });
      return null; // as it was when it was asked
    });
    await ringForAwaited();
    expect(record).toHaveBeenCalled();
    record.mockRestore();
    expect(await awaitedIds()).toContain(id);
    expect(await catalogue().known([id])).toEqual([id]);
    await ringForAwaited();
    expect(await awaitedIds()).not.toContain(id);
  });

  test("[CAT-12] an id is known from the note of its creation on, after its deletion too, and others are not", async () => {
    const id = freshId();
    const unknown = Array.from({ length: 998 }, (_, n) => `${id}-${n}`);
    const ask = () => catalogue().known([...unknown, id, `${id}/üñï`]);
    expect(await ask()).toEqual([]);
    const note = catalogue().noteCreation({ id, revision: 1 });
    expect(await ask()).toEqual([id]);
    await note;
    expect(await ask()).toEqual([id]);
    await request("POST", "/v1/fragments", { id, content: "words" });
    await request("POST", "/v1/fragments", { id: `${id}/üñï`, content: "words" });
    await request("DELETE", `/v1/fragments/${id}`);
    expect((await ask())?.toSorted()).toEqual([id, `${id}/üñï`]);
  });

  test("[CAT-3] one of two creations at the same moment is refused", async () => {
    const id = freshId();
    const answers = await Promise.all(
      ["one", "two"].map((content) => request("POST", "/v1/fragments", { id, content })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const made = answers.findIndex(({ status }) => status === 201);
    expect((await readFragment(id)).content).toBe(["one", "two"][made]);
  });

  test("[CAT-3] the delivery is confirmed in the fragment's storage, and no alarm is left", async () => {
    const { id } = await createFragment("words");
    await request("PATCH", `/v1/fragments/${id}`, { content: "other words" });
    const { version } = await readFragment(id);
    await eventually(() =>
      runInDurableObject(objectOf(id), async (_, { storage }) => {
        const row = storage.sql.exec("SELECT delivered_revision FROM fragment").one();
        expect(row["delivered_revision"]).toBe(version);
        expect(await storage.getAlarm()).toBeNull();
      }),
    );
  });

  test("[CAT-3] an alarm is set while something is still to be delivered", async () => {
    const { id } = await createFragment("words");
    const client = await joinYjs(id);
    for (let seq = 1; seq <= 3; seq++) {
      await client.typeSaved((text) => text.insert(0, "x"));
    }
    await runInDurableObject(objectOf(id), async (_, { storage }) => {
      expect(await storage.getAlarm()).not.toBeNull();
    });
  });

  test("[CAT-3] a creation is answered, when the catalogue does not answer", async () => {
    const deliver = vi.spyOn(CatalogueObject.prototype, "deliver").mockImplementationOnce(never);
    const { id } = await createFragment("not waited for");
    expect((await readFragment(id)).content).toBe("not waited for");
    deliver.mockRestore();
  });

  test("[CAT-3] a fragment works on while the catalogue fails, and tells it afterwards", async () => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const deliver = vi.spyOn(CatalogueObject.prototype, "deliver").mockImplementationOnce(() => {
      throw new Error("the catalogue is out of order");
    });
    const { id } = await createFragment("outlived an outage");
    expect((await readFragment(id)).content).toBe("outlived an outage");
    expect(String(errors.mock.calls)).toContain("could not be told");
    errors.mockRestore();
    deliver.mockRestore();
    await eventually(async () => expect(await idsOf({ query: "outlived" })).toEqual([id]));
  });
});

describe("search", () => {
  test.each([
    ["a word", "The customer wants a refund.", "refund"],
    ["Greek capitals", "ΠΕΣ ΚΑΛΗΜΕΡΑ ΣΕ ΟΛΟΥΣ", "καλημέρα όλους"],
    ["Georgian capitals", "ᲒᲐᲛᲐᲠᲯᲝᲑᲐ თბილისი", "გამარჯობა ᲗᲑᲘᲚᲘᲡᲘ"],
    ["Cherokee small letters", "Ꭳꮟᏺ ᏣᎳᎩ", "ꮳꮃꭹ ꭳꮟᏺ"],
    ["Adlam capitals", "𞤆𞤵𞤤𞤢𞤪", "𞤨𞤓𞤂𞤀𞤈"],
    ["Russian without the dots of ё", "Счётчик ёлок", "елок счетчик"],
    ["German ß by ss, and ss by ß", "Straße und GROSS", "STRASSE groß"],
    ["Turkish with any i", "IŞIK İstanbul kapı", "ışık ISTANBUL kapi"],
    ["Hebrew without points", "שָׁלוֹם עֲלֵיכֶם", "שלום עליכם"],
    ["Arabic without vowel marks and hamza", "إِنَّ السَّـــلَامَ أَوَّلًا", "ان السلام اولا"],
    ["Vietnamese without marks", "Đường phố Nguyễn Huệ", "duong nguyen hue"],
    ["the beginning of a word", "The customer wants a reimbursement.", "reimb"],
    ["words in any order and case", "Summarise the TRANSCRIPT politely", "politely transcript"],
    ["a word without its accents", "Crème brûlée für Gäste", "brulee gaste"],
    ["Japanese", "返金を希望するお客様に丁寧に返信してください", "お客様"],
    ["Chinese", "请礼貌地回复要求退款的客户", "退款"],
    ["Thai", "ลูกค้าต้องการคืนเงิน", "คืนเงิน"],
    ["a word within a longer one, in Chinese", "中国科学院大学", "科学"],
    ["a word within a longer one, in Thai", "ประเทศไทย", "ไทย"],
    ["a word within a longer one, in Japanese", "データベース設計", "ベース"],
    ["the middle of a word, in Japanese", "ご利用者様各位", "用者様"],
    ["words that do not follow each other, in Chinese", "团队写提示词", "团队提示词"],
    ["a rare character", "𠮷野家の牛丼", "𠮷野"],
    ["Hindi, marks and all", "कृपया ग्राहक को उत्तर दें", "ग्राहक"],
    ["Arabic", "يرجى الرد على العميل", "العميل"],
    ["Korean in NFD", "구매 한국어 프롬프트".normalize("NFD"), "프롬"],
    ["Japanese in NFD", "ガイドラインが変わる".normalize("NFD"), "ガイド"],
    ["a text in NFC by a query in NFD", "환불 안내문", "안내".normalize("NFD")],
    ["a word behind a new emoji", "🤖Assistantship", "assistantsh"],
  ])("[CAT-5] finds %s", async (_, content, query) => {
    const { id } = await createFragment(content);
    expect(await idsOf({ query })).toEqual([id]);
  });

  test("[CAT-5] a search finds by id, description and tag, and ids come first", async () => {
    const byContent = await createFragment("wombat");
    const byTag = await createFragment("x", { tags: ["wombat"] });
    const byDescription = await createFragment("x", { description: "a wombat" });
    const inId = (await request("PUT", "/v1/fragments/wombat/main", { content: "x" })).status;
    expect(inId).toBe(201);
    const found = await idsOf({ query: "wombat" });
    expect(found[0]).toBe("wombat/main");
    expect(found.toSorted()).toEqual([byContent.id, byDescription.id, byTag.id, "wombat/main"].toSorted());
  });

  test.each(['"', "*", "a AND", "NEAR(", "-", "content:x", "\uFDD0", "^", "(((", "' OR 1=1 --"])(
    "[CAT-5] %s is no error",
    async (query) => {
      expect(await list({ query })).toHaveProperty("total");
    },
  );

  test("[CAT-6] the list says where the words stand, in the excerpt and in the description", async () => {
    const content = `${"before ".repeat(100)}the aardvark, ${"after ".repeat(100)}`;
    await createFragment(content, { description: "An aardvark prompt" });
    const [entry] = (await list({ query: "aardv" })).fragments;
    const cut = (text: string, ranges: readonly { from: number; to: number }[]) =>
      ranges.map(({ from, to }) => text.slice(from, to));
    expect(cut(entry?.excerpt ?? "", entry?.highlights.excerpt ?? [])).toEqual(["aardvark"]);
    expect(cut(entry?.description ?? "", entry?.highlights.description ?? [])).toEqual(["aardvark"]);
    expect(entry?.excerpt.length).toBeLessThan(400);
  });

  test("[CAT-6] a text and a description in NFD are shown with ranges of whole characters", async () => {
    const text = "오늘 강아지 산책".normalize("NFD");
    await createFragment(text, { description: text });
    const [entry] = (await list({ query: "강아" })).fragments;
    const { excerpt, description, highlights } = entry ?? { excerpt: "", description: "", highlights: null };
    const found = (shown: string, ranges: readonly { from: number; to: number }[] = []) =>
      ranges.map(({ from, to }) => shown.slice(from, to));
    expect([excerpt, description]).toEqual([text.normalize("NFC"), text]);
    expect(found(excerpt, highlights?.excerpt)).toEqual(["강아지"]);
    expect(found(description, highlights?.description)).toEqual(["강아지".normalize("NFD")]);
  });

  test("[CAT-6] the excerpt is the beginning of the text, when only the description, id or tags have the words", async () => {
    const { id } = await createFragment("the beginning", { description: "a quokka", tags: ["numbat"] });
    const [entry] = (await list({ query: "quokka" })).fragments;
    expect(entry).toMatchObject({ id, excerpt: "the beginning", highlights: { excerpt: [] } });
    expect((await list({ query: "numbat" })).fragments[0]).toMatchObject({ id, excerpt: "the beginning" });
  });

  test.each([
    ["a long line", `dugong ${"-".repeat(900_000)} end`],
    ["a word without end", `dugong${"x".repeat(900_000)}`],
    ["words without end", `${"word".repeat(5_000)} dugong ${"word".repeat(5_000)}`],
  ])("[CAT-6] an excerpt of %s is a few words", async (_, content) => {
    const { id } = await createFragment(content);
    const entry = (await list({ query: "dugong", prefix: id.split("/")[0] ?? "" })).fragments.find(
      (one) => one.id === id,
    );
    expect(entry?.excerpt.length).toBeLessThan(310);
    expect(entry?.highlights.excerpt).toHaveLength(1);
  });

  test("[CAT-6] a text with control characters is shown as it is, and nothing of them counts as found", async () => {
    const text = "the \uFDD0evil\uFDD1 \u001Devil\u001E\u2060 okapi, 東京\u2060大学";
    await createFragment(text, { description: text });
    const [entry] = (await list({ query: "okapi 大学" })).fragments;
    const { excerpt, description, highlights } = entry ?? { excerpt: "", description: "", highlights: null };
    const found = (shown: string, ranges: readonly { from: number; to: number }[] = []) =>
      ranges.map(({ from, to }) => shown.slice(from, to));
    expect(found(excerpt, highlights?.excerpt)).toEqual(["okapi", "大学"]);
    expect(found(description, highlights?.description)).toEqual(["okapi", "大学"]);
    expect(excerpt).toBe(text);
    expect(description).toBe(text);
  });

  test.each(["relevance", "-updated_at", "id"] as const)(
    "[CAT-9] pages by %s hold every match once",
    async (sort) => {
      const word = `paging${sort.replace("-", "")}x`;
      const made: string[] = [];
      for (let n = 0; n < 7; n++) made.push((await createFragment(`${word} ${n}`)).id);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ query: word, sort, limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.total).toBe(7);
        seen.push(...page.fragments.map(({ id }) => id));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      expect(seen.toSorted()).toEqual(made.toSorted());
    },
  );

  test.each(["relevance", "-updated_at", "id"] as const)(
    "[CAT-9] pages by %s hold every match once, when some go and a better one comes between them",
    async (sort) => {
      const word = `turnover${sort.replace("-", "")}x`;
      const made: string[] = [];
      for (let n = 0; n < 9; n++) made.push((await createFragment(`${word} ${"other ".repeat(n)}`)).id);
      const first = await list({ query: word, sort, limit: 4 });
      const shown = first.fragments.map(({ id }) => id);
      for (const id of shown.slice(0, 3)) await request("DELETE", `/v1/fragments/${id}`);
      const better = await createFragment(`${word} ${word}`, { id: `${word}/${freshId()}`, tags: [word] });
      const seen = [...shown];
      let cursor = first.next_cursor;
      while (cursor !== null) {
        const page = await list({ query: word, sort, limit: 4, cursor });
        seen.push(...page.fragments.map(({ id }) => id));
        cursor = page.next_cursor;
      }
      expect(seen.filter((id) => id !== better.id).toSorted()).toEqual(made.toSorted());
      if (sort === "relevance") expect(seen[4]).toBe(better.id);
    },
  );

  test("[CAT-9] pages by relevance hold every match once, when there are more than are ranked", async () => {
    const fields = { createdAtMs: 1, updatedAtMs: 2, size: 1, tags: [], prompt_type: "standard" } as const;
    const ids = Array.from({ length: 620 }, (_, n) => `many/of-${n}`);
    for (const [n, id] of ids.entries()) {
      const entry = { ...fields, id, revision: 1, description: "" };
      const text = `multitude ${"other ".repeat(n % 7)}`;
      await tell({ kind: "text", entry, text });
    }
    const seen: string[] = [];
    const lengths: number[] = [];
    let cursor: string | null = null;
    do {
      const page = await list({ query: "multitude", limit: 90, ...(cursor === null ? {} : { cursor }) });
      seen.push(...page.fragments.map(({ id }) => id));
      cursor = page.next_cursor;
      lengths.push(cursor?.length ?? 0);
    } while (cursor !== null);
    expect(seen.toSorted()).toEqual(ids.toSorted());
    expect(Math.max(...lengths)).toBeLessThan(4_000);
    for (const id of ids) await tell({ kind: "deleted", id, revision: 2, atMs: 3 });
  });

  test("[CAT-9] a malformed cursor is refused, and so is one of a list in another order", async () => {
    const refusalOf = async (query: Partial<ListQuery>) => {
      const answer = await catalogue().list(OPEN_ACCESS, { limit: 1, ...query });
      return answer.ok ? "answered" : answer.refusal.code;
    };
    await createFragment("one");
    await createFragment("two");
    const { next_cursor } = await list({ sort: "id", limit: 1 });
    expect(await refusalOf({ sort: "id", cursor: next_cursor ?? "" })).toBe("answered");
    expect(await refusalOf({ sort: "-id", cursor: next_cursor ?? "" })).toBe("invalid_query");
    expect(await refusalOf({ sort: "id", cursor: "nonsense" })).toBe("invalid_query");
    expect(await refusalOf({ sort: "relevance" })).toBe("invalid_query");
  });

  test("[CAT-9] folder, type and time narrow the list", async () => {
    const folder = `narrow${crypto.randomUUID().slice(0, 8)}`;
    const put = async (id: string, fields: object = {}) =>
      (await request("PUT", `/v1/fragments/${id}`, { content: "x", ...fields })).json<{
        updated_at: string;
      }>();
    await put(`${folder}/one`);
    await put(`${folder}/deep/two`, { prompt_type: "system" });
    await put(`${folder}x/other`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const last = await put(`${folder}/three`);
    expect(await idsOf({ prefix: folder, sort: "id" })).toEqual([
      `${folder}/deep/two`,
      `${folder}/one`,
      `${folder}/three`,
    ]);
    expect(await idsOf({ prefix: folder, type: "system" })).toEqual([`${folder}/deep/two`]);
    expect(await idsOf({ prefix: folder, updated_since: last.updated_at })).toEqual([`${folder}/three`]);
    const { folders } = await catalogue().folders(OPEN_ACCESS, folder);
    expect(folders).toEqual([{ path: `${folder}/deep`, count: 1 }]);
    const top = (await catalogue().folders(OPEN_ACCESS, "")).folders.filter(({ path }) =>
      path.startsWith(folder),
    );
    expect(top).toEqual([
      { path: folder, count: 3 },
      { path: `${folder}x`, count: 1 },
    ]);
  });

  test.each(["ΒΑΣ", "βας", "βασ"])(
    "[OLD-13] an id is suggested for %s, whatever form its sigma has",
    async (text) => {
      await request("PUT", "/v1/fragments/ΒΑΣΙΛΗΣ", { content: "x" });
      expect(await catalogue().suggestions(OPEN_ACCESS, text, [])).toEqual(["ΒΑΣΙΛΗΣ"]);
    },
  );

  test.each(["über", "ÜBER", "U\u0308ber u", "BER_UNS", "uber"])(
    "[OLD-13] ids are suggested for %s, whatever its case and accents",
    async (text) => {
      const ids = ["suggested/Über_uns", "suggested/über_uns_2"];
      for (const id of ids) await request("PUT", `/v1/fragments/${id}`, { content: "x" });
      expect(await catalogue().suggestions(OPEN_ACCESS, text, [])).toEqual(ids);
      expect(await catalogue().suggestions(OPEN_ACCESS, text, ids.slice(1))).toEqual(ids.slice(0, 1));
    },
  );

  test.each([
    "query=",
    "query=%20",
    "tag=",
    "tag=&tag=%20",
    "type=",
    "updated_since=",
    "sort=&cursor=&limit=",
  ])("[CAT-9] %s is as if it were absent", async (given) => {
    const folder = `blank${crypto.randomUUID().slice(0, 8)}`;
    await request("PUT", `/v1/fragments/${folder}/one`, { content: "x" });
    const answer = await request("GET", `/v1/fragments?prefix=${folder}&${given}`);
    expect(await answer.json()).toMatchObject({ total: 1 });
  });

  test("[CAT-9] tags are counted, the most used first", async () => {
    const [often, once] = [crypto.randomUUID(), crypto.randomUUID()];
    await createFragment("x", { tags: [often, once] });
    await createFragment("x", { tags: [often] });
    const { tags } = await catalogue().tags(OPEN_ACCESS);
    const mine = tags.filter(({ tag }) => tag === often || tag === once);
    expect(mine).toEqual([
      { tag: often, count: 2 },
      { tag: once, count: 1 },
    ]);
  });
});

describe("who includes whom", () => {
  test("[CAT-7] the dependents of a fragment are listed, directly and through others, in a cycle too", async () => {
    const base = `graph${crypto.randomUUID().slice(0, 8)}`;
    const put = (id: string, content: string) => request("PUT", `/v1/fragments/${base}/${id}`, { content });
    await put("leaf", "text");
    await put("middle", `[[${base}/leaf]] [[${base}/top]]`);
    await put("top", `[[${base}/middle.md]]`);
    await put("other", `[[${base}/missing]]`);
    expect(await catalogue().dependents(OPEN_ACCESS, `${base}/leaf`)).toEqual({
      id: `${base}/leaf`,
      direct: [`${base}/middle`],
      indirect: [`${base}/top`],
      truncated: false,
    });
    expect((await catalogue().dependents(OPEN_ACCESS, `${base}/missing`)).direct).toEqual([`${base}/other`]);
    const [entry] = (await list({ prefix: base, query: "middle" })).fragments.filter(({ id }) =>
      id.endsWith("middle"),
    );
    expect(entry).toMatchObject({ includes: 2, included_by: 1 });
    await request("DELETE", `/v1/fragments/${base}/middle`);
    expect((await catalogue().dependents(OPEN_ACCESS, `${base}/leaf`)).direct).toEqual([]);
  });
});

describe("many dependents", () => {
  test("[CAT-7] the answer names no more dependents than it can hold, and says that there are more", async () => {
    const target = freshId();
    const sources = (from: number, count: number) =>
      runInDurableObject(catalogue(), (_, { storage }) => {
        storage.transactionSync(() => {
          for (let n = from; n < from + count; n++)
            storage.sql.exec(
              "INSERT INTO inclusion VALUES (?, ?)",
              target,
              `many/${String(n).padStart(5, "0")}`,
            );
        });
      });
    await sources(0, MAX_DEPENDENTS);
    const all = await catalogue().dependents(OPEN_ACCESS, target);
    expect([all.direct.length, all.indirect, all.truncated]).toEqual([MAX_DEPENDENTS, [], false]);
    await sources(MAX_DEPENDENTS, 1);
    const cut = await catalogue().dependents(OPEN_ACCESS, target);
    expect([cut.direct.length, cut.truncated]).toEqual([MAX_DEPENDENTS, true]);
    await runInDurableObject(catalogue(), (_, { storage }) => {
      storage.sql.exec("DELETE FROM inclusion WHERE target = ?", target);
    });
  });
});

describe("rebuild", () => {
  test("[CAT-10] entries that are missing, wrong or of no fragment are mended, and the others stay", async () => {
    const rebuilt = (repaired: number) =>
      eventually(async () => {
        expect(await rebuildStatus()).toMatchObject({ state: "done", repaired });
      });
    const sound = await createFragment("sound as a bell");
    const lost = await createFragment("lost and found");
    const wrong = await createFragment("wrong turned right", { description: "right" });
    const source = await createFragment(`includes [[${lost.id}]]`);
    // What other tests have told it directly is no fragment's word.
    await rebuild([]);
    await eventually(async () => expect((await rebuildStatus()).state).toBe("done"));
    await runInDurableObject(catalogue(), (_, { storage }) => {
      const { sql } = storage;
      sql.exec("DELETE FROM words WHERE rowid = (SELECT number FROM fragment WHERE id = ?)", lost.id);
      sql.exec("DELETE FROM fragment WHERE id = ?", lost.id);
      sql.exec("UPDATE fragment SET description = 'wrong', revision = 99 WHERE id = ?", wrong.id);
      sql.exec("DELETE FROM inclusion WHERE source = ?", source.id);
      sql.exec(
        `INSERT INTO fragment SELECT number + 1000, 'never/was', seq + 1000, seq + 1000, 1, 0, 1, 1, '', '[]', '[]',
           'standard', 0, '', NULL FROM fragment WHERE id = ?`,
        sound.id,
      );
    });
    expect(await idsOf({ query: "lost" })).toEqual([]);
    const seqOf = (id: string) =>
      runInDurableObject(catalogue(), (_, { storage }) =>
        Number(storage.sql.exec("SELECT seq FROM fragment WHERE id = ?", id).one()["seq"]),
      );
    const before = await seqOf(sound.id);

    expect((await rebuild([lost.id])).state).toBe("running");
    await rebuilt(4);
    await rebuild([]);
    await rebuilt(0);
    expect(await idsOf({ query: "lost" })).toEqual([lost.id]);
    expect((await list({ query: "turned" })).fragments[0]).toMatchObject({
      description: "right",
      version: 1,
    });
    expect((await catalogue().dependents(OPEN_ACCESS, lost.id)).direct).toEqual([source.id]);
    expect(await idsOf({ prefix: "never" })).toEqual([]);
    expect(await seqOf(sound.id)).toBe(before);
  });

  test("[CAT-10] a rebuild goes on after a crash", async () => {
    for (let n = 0; n < 40; n++) await createFragment(`number ${n}`);
    await rebuild([]);
    await abortAllDurableObjects();
    await eventually(async () => {
      await runDurableObjectAlarm(catalogue());
      expect((await rebuildStatus()).state).toBe("done");
    });
    const { done, total } = await rebuildStatus();
    expect(done).toBe(total);
    expect(done).toBeGreaterThan(40);
  });

  test("[CAT-10] a rebuild and the questions to silent fragments go on, when the process dies while both are at work", async () => {
    const id = freshId();
    await catalogue().noteCreation({ id, revision: 1 });
    await rebuild([]);
    const record = vi.spyOn(FragmentObject.prototype, "catalogueRecord").mockImplementation(never);
    await runInDurableObject(catalogue(), (_, { storage }) => {
      storage.sql.exec("UPDATE awaited SET at_ms = 0");
      storage.sql.exec("UPDATE due SET at_ms = 0");
    });
    await evictDurableObject(catalogue());
    runDurableObjectAlarm(catalogue()).catch(() => undefined); // it dies in it
    await eventually(async () => expect(record).toHaveBeenCalled());
    record.mockRestore();
    await abortAllDurableObjects();
    const due = await runInDurableObject(catalogue(), async (_, { storage }) => ({
      kinds: Array.from(storage.sql.exec("SELECT kind FROM due ORDER BY kind").raw(), ([kind]) => kind),
      hasAlarm: (await storage.getAlarm()) !== null,
    }));
    expect(due).toEqual({ kinds: ["awaited", "rebuild"], hasAlarm: true });
    await rebuild([]);
    await eventually(async () => expect((await rebuildStatus()).state).toBe("done"));
    await ringForAwaited();
    expect(await awaitedIds()).toEqual([]);
  });

  test("[CAT-10] a rebuild ends when a fragment cannot be asked, and mends that one once it can", async () => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { id } = await createFragment("silent swan");
    await runInDurableObject(catalogue(), (_, { storage }) => {
      storage.sql.exec("UPDATE fragment SET description = 'wrong' WHERE id = ?", id);
    });
    let asked = 0;
    const record = recordsOf(id, () => {
      asked++;
      return Promise.reject(new Error("out of order"));
    });
    await rebuild([]);
    await eventually(async () => expect((await rebuildStatus()).state).toBe("done"));
    expect(await awaitedIds()).toEqual([id]);
    const askedByRebuild = asked;
    expect(askedByRebuild).toBeGreaterThan(0);
    await ringForAwaited();
    expect(await awaitedIds()).toEqual([id]);
    expect(asked).toBeGreaterThan(askedByRebuild);
    record.mockRestore();
    await ringForAwaited();
    expect(await awaitedIds()).toEqual([]);
    expect((await list({ query: "swan" })).fragments[0]).toMatchObject({ id, description: "" });
    errors.mockRestore();
  });

  test("[CAT-10] ids given while a rebuild runs are asked too", async () => {
    const { id } = await createFragment("given late");
    await runInDurableObject(catalogue(), (_, { storage }) => {
      storage.sql.exec("DELETE FROM words WHERE rowid = (SELECT number FROM fragment WHERE id = ?)", id);
      storage.sql.exec("DELETE FROM fragment WHERE id = ?", id);
    });
    await runInDurableObject(catalogue(), (object) => {
      object.rebuild(OPEN_ACCESS, []);
      object.rebuild(OPEN_ACCESS, [id]);
    });
    await eventually(async () => expect((await rebuildStatus()).state).toBe("done"));
    await ringForAwaited();
    expect(await idsOf({ query: "given late" })).toEqual([id]);
  });

  test("[CAT-10] words that the index has lost, and words of another text, are mended, when the entry is sound", async () => {
    const { id } = await createFragment("lost lynx");
    const { id: other } = await createFragment("right raccoon");
    await runInDurableObject(catalogue(), (_, { storage }) => {
      const { sql } = storage;
      const numberOf = (one: string) =>
        Number(sql.exec("SELECT number FROM fragment WHERE id = ?", one).one()["number"]);
      sql.exec("DELETE FROM words WHERE rowid = ?", numberOf(id));
      sql.exec(
        "UPDATE words SET id = '', description = '', tags = '', content = 'wrong' WHERE rowid = ?",
        numberOf(other),
      );
    });
    expect(await idsOf({ query: "lynx" })).toEqual([]);
    await rebuild([]);
    await eventually(async () => expect((await rebuildStatus()).state).toBe("done"));
    expect(await idsOf({ query: "lynx" })).toEqual([id]);
    expect(await idsOf({ query: "raccoon" })).toEqual([other]);
    expect(await idsOf({ query: "wrong" })).not.toContain(other);
  });

  test("[CAT-10] a search finds the same, when the catalogue was evicted", async () => {
    const { id } = await createFragment("permanent pangolin");
    await evictDurableObject(catalogue());
    expect(await idsOf({ query: "pangolin" })).toEqual([id]);
  });
});
