/** The end of a fragment, and its next life under the same id. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import type { FragmentBody } from "./connect.ts";
import {
  connectJson,
  connectYjs,
  createFragment,
  joinJson,
  joinYjs,
  objectOf,
  readFragment,
  request,
} from "./connect.ts";

async function remove(id: string): Promise<void> {
  const answer = await request("DELETE", `/v1/fragments/${id}`);
  if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`);
}

async function recreate(id: string, content: string): Promise<FragmentBody> {
  const answer = await request("POST", "/v1/fragments", { id, content });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json<FragmentBody>();
}

describe("deleting", () => {
  test("[DEL-1] every session is closed with 4410, when the fragment is deleted", async () => {
    const { id } = await createFragment("text");
    const [json, json2, own, stock] = await Promise.all([
      joinJson(id),
      joinJson(id, "?changes=1"),
      joinYjs(id),
      joinYjs(id, { isStock: true }),
    ]);
    await remove(id);
    for (const client of [json, json2]) {
      expect(await client.next("deleted")).toEqual({ action: "deleted", id, timestamp: expect.any(String) });
    }
    expect(await own.next("notice")).toMatchObject({ code: "deleted" });
    for (const client of [json, json2, own, stock]) {
      expect(await client.closed()).toEqual({ code: 4410, reason: `Fragment '${id}' was deleted` });
    }
  });

  test("[DEL-1] every session is closed with 4410, when cursors were shown in both protocols", async () => {
    const { id } = await createFragment("text");
    const [one, two, yjs, stock] = await Promise.all([
      joinJson(id),
      joinJson(id),
      joinYjs(id),
      joinYjs(id, { isStock: true }),
    ]);
    one.send({ action: "presence", state: { name: "Ann", cursor: 1 } });
    two.send({ action: "presence", state: { name: "Eve", cursor: 1 } });
    for (const client of [yjs, stock]) {
      client.sendAwareness([{ client: client.doc.clientID, clock: 1, state: { user: { name: "Bob" } } }]);
    }
    await one.inbox.next("all four", (frame) => frame.action === "presence" && frame.peers.length === 4);
    await remove(id);
    for (const client of [one, two, yjs, stock]) expect((await client.closed()).code).toBe(4410);
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(404);
  });

  test("[DEL-1] every session is closed with 4410, when the object slept before", async () => {
    const { id } = await createFragment("text");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    await evictDurableObject(objectOf(id));
    await remove(id);
    expect([(await json.closed()).code, (await yjs.closed()).code]).toEqual([4410, 4410]);
  });

  test("[DEL-2] nobody can join or read, when the fragment is deleted", async () => {
    const { id } = await createFragment("text");
    await remove(id);
    expect((await (await connectJson(id)).closed()).code).toBe(4004);
    expect((await (await connectYjs(id)).closed()).code).toBe(4404);
    const content = `[[${id}]]`;
    const expansion = await request("POST", "/v1/expand", { content });
    expect(await expansion.json()).toMatchObject({ expanded: content, warnings: [{ code: "not_found" }] });
  });

  test("[DEL-3] a tombstone is all that is left, when the fragment is deleted", async () => {
    const { id } = await createFragment("secret text");
    const client = await joinJson(id);
    await client.request({ action: "update", content: "more secret", request_id: "r" });
    await remove(id);
    await runInDurableObject(objectOf(id), (_, { storage: { sql } }) => {
      expect(sql.exec("SELECT generation, is_deleted, revision FROM fragment").one()).toEqual({
        generation: 1,
        is_deleted: 1,
        revision: 3,
      });
      for (const table of ["update_log", "snapshot", "quarantine", "due"]) {
        expect(sql.exec(`SELECT count(*) AS rows FROM ${table}`).one()).toEqual({ rows: 0 });
      }
    });
  });
});

describe("the next generation", () => {
  test("[DEL-4] the text is the new one and the revision goes on, when a fragment is made again", async () => {
    const { id } = await createFragment("first life");
    await request("PUT", `/v1/fragments/${id}`, { content: "first life, second text" });
    await remove(id);
    const { version, content, tags } = await recreate(id, "second life");
    expect({ content, tags }).toEqual({ content: "second life", tags: [] });
    expect(version).toBeGreaterThan(3);
    await evictDurableObject(objectOf(id));
    expect(await readFragment(id)).toMatchObject({ content: "second life", version });
    const generation = await runInDurableObject(objectOf(id), (_, { storage: { sql } }) => {
      return sql.exec("SELECT generation FROM fragment").one()["generation"];
    });
    expect(generation).toBe(2);
  });

  test("[DEL-4] the revision never goes back, when a fragment is made and deleted again and again", async () => {
    const { id } = await createFragment("0");
    const seen = [1];
    for (let life = 1; life < 5; life++) {
      const text = await request("PUT", `/v1/fragments/${id}`, { content: `text ${life}` });
      seen.push((await text.json<FragmentBody>()).version);
      await remove(id);
      if (life % 2 === 0) await evictDurableObject(objectOf(id));
      seen.push((await recreate(id, `life ${life}`)).version);
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  });

  test("[DEL-5] edits of the old generation are refused, when a client brings them to the new one", async () => {
    const { id } = await createFragment("by the server");
    const old = await joinYjs(id);
    await old.typeSaved((text) => text.insert(0, "by the old client "));
    await remove(id);
    await old.closed();
    await recreate(id, "new");
    for (const how of ["push", "step2"] as const) {
      const back = await connectYjs(id);
      Y.applyUpdate(back.doc, Y.encodeStateAsUpdate(old.doc));
      if (how === "push") back.push(1, Y.encodeStateAsUpdate(old.doc));
      else back.sendSync(0, Y.encodeStateVector(back.doc)); // it answers the server's step 1 by itself
      expect(await back.next("notice")).toMatchObject({ code: "deleted" });
      expect(await back.closed()).toMatchObject({ code: 4410 });
    }
    expect((await readFragment(id)).content).toBe("new");
  });

  test("[DEL-5] deletes of the old generation are refused, when they come without any text", async () => {
    const { id } = await createFragment("by the server");
    const old = await joinYjs(id);
    const known = Y.encodeStateVector(old.doc);
    old.edit((text) => text.delete(0, 5));
    const deletesOnly = Y.encodeStateAsUpdate(old.doc, known);
    await remove(id);
    await recreate(id, "new");
    const back = await joinYjs(id);
    back.sendUpdate(deletesOnly);
    expect(await back.next("notice")).toMatchObject({ code: "deleted" });
    expect(await back.closed()).toMatchObject({ code: 4410 });
    expect((await readFragment(id)).content).toBe("new");
  });

  test("[DEL-5] a client that wrote before is refused, when it types on without a new document", async () => {
    const { id } = await createFragment("");
    const old = await joinYjs(id);
    await old.typeSaved((text) => text.insert(0, "a"));
    await remove(id);
    await recreate(id, "");
    await evictDurableObject(objectOf(id));
    const back = await connectYjs(id);
    back.doc.clientID = old.doc.clientID;
    back.type((text) => text.insert(0, "b"));
    expect(await back.closed()).toMatchObject({ code: 4410 });
    expect((await readFragment(id)).content).toBe("");
  });

  test("[DEL-5] edits are refused two lives later, when they are of the first generation", async () => {
    const { id } = await createFragment("");
    const old = await joinYjs(id);
    await old.typeSaved((text) => text.insert(0, "a"));
    for (let life = 0; life < 2; life++) {
      await remove(id);
      await recreate(id, "");
    }
    const back = await connectYjs(id);
    back.push(1, Y.encodeStateAsUpdate(old.doc));
    expect(await back.closed()).toMatchObject({ code: 4410 });
  });

  test("[DEL-6] bases of the old generation are stale, when a JSON client names one", async () => {
    const { id } = await createFragment("old");
    await remove(id);
    const { version } = await recreate(id, "new");
    const client = await joinJson(id);
    for (let base = 0; base < version - 1; base++) {
      const answer = await client.request({
        action: "update",
        content: "old, edited",
        base_version: base,
        request_id: `r${base}`,
      });
      expect(answer).toMatchObject({ code: "stale_base", content: "new", version });
    }
  });

  test("[DEL-6] a request of the old generation is no repetition, when it comes again in the new one", async () => {
    const { id } = await createFragment("");
    const write = { action: "update", content: "mine", request_id: "r" };
    const before = await joinJson(id, "?client=alice");
    await before.request(write);
    await remove(id);
    await recreate(id, "");
    const after = await joinJson(id, "?client=alice");
    await after.request(write);
    expect((await readFragment(id)).content).toBe("mine");
  });
});
