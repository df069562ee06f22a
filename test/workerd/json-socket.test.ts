/** The JSON socket: what each frame does and who hears of it. Hostile frames have their own file. */
import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Room } from "../../src/core/room/room.ts";
import { applyChanges } from "../support/apply-changes.ts";
import { JsonClient } from "../support/json-client.ts";
import {
  connectJson,
  connectYjs,
  createFragment,
  freshId,
  joinJson,
  joinYjs,
  objectOf,
  openSocket,
  readFragment,
  request,
} from "./connect.ts";

const ISO_WITH_OFFSET = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/;

afterEach(() => {
  vi.restoreAllMocks();
});

describe("joining", () => {
  test("[JSON-1] a client gets the whole fragment first, when it joins", async () => {
    const fields = { description: "Says hello", tags: ["b", "a"], prompt_type: "system" };
    const { id, updated_at } = await createFragment("hello", fields);
    const client = await connectJson(id);
    const initial = await client.next("initial");
    expect(initial).toEqual({
      action: "initial",
      id,
      content: "hello",
      ...fields,
      updated_at,
      version: 1,
      session: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(updated_at).toMatch(ISO_WITH_OFFSET);
  });

  test("[JSON-1] two clients get sessions of their own, when both join", async () => {
    const { id } = await createFragment("");
    const [one, two] = await Promise.all([connectJson(id), connectJson(id)]);
    expect((await one.next("initial")).session).not.toBe((await two.next("initial")).session);
  });

  test("[ROOM-8] a new session is closed with 4503, JSON and Yjs, when the room is full", async () => {
    const { id } = await createFragment("hello");
    const inside = await joinJson(id);
    const count = vi.spyOn(Room.prototype, "sessionCount", "get").mockReturnValue(32_000);
    expect(await (await connectJson(id)).closed()).toEqual({ code: 4503, reason: "The room is full" });
    expect(await (await connectYjs(id)).closed()).toMatchObject({ code: 4503 });
    count.mockReturnValue(31_999);
    await joinJson(id);
    expect(inside.inbox.isClosed).toBe(false);
  });

  test("[JSON-2] a socket is accepted and closed with 4004, when the fragment does not exist", async () => {
    const id = freshId();
    const client = await connectJson(id);
    expect(await client.closed()).toEqual({ code: 4004, reason: `Fragment '${id}' not found` });
    expect(client.inbox.all).toEqual([]);
  });

  test("[JSON-2] a fragment is made empty, when a socket asks for it with create=1", async () => {
    const id = freshId();
    const client = await connectJson(id, "?create=1");
    expect(await client.next("initial")).toMatchObject({ id, content: "", tags: [], version: 1 });
    expect(await readFragment(id)).toMatchObject({ content: "", prompt_type: "standard", version: 1 });
  });

  test("[JSON-2] create=1 changes nothing, when the fragment exists", async () => {
    const { id } = await createFragment("kept");
    const client = await connectJson(id, "?create=1");
    expect(await client.next("initial")).toMatchObject({ content: "kept", version: 1 });
  });
});

describe("update", () => {
  test("[JSON-3] the sender gets its status and the others the text, when a client updates", async () => {
    const { id } = await createFragment("one");
    const [writer, reader] = await Promise.all([joinJson(id), joinJson(id)]);
    const status = await writer.request({
      action: "update",
      content: "two",
      base_version: 1,
      request_id: "r",
    });
    expect(status).toEqual({
      action: "update_status",
      success: true,
      timestamp: expect.stringMatching(ISO_WITH_OFFSET),
      version: 2,
      request_id: "r",
    });
    expect(await reader.next("update")).toEqual({
      action: "update",
      content: "two",
      timestamp: "timestamp" in status ? status.timestamp : "",
      version: 2,
    });
    await Promise.all([writer.barrier(), reader.barrier()]);
    expect([...writer.inbox.unread, ...reader.inbox.unread]).toEqual([]);
    expect(await readFragment(id)).toMatchObject({ content: "two", version: 2 });
  });

  test("[JSON-4] both changes stay, when two clients send whole texts from the same base", async () => {
    const { id } = await createFragment("one two three");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    const [first, second] = await Promise.all([
      a.request({ action: "update", content: "ONE two three", base_version: 1, request_id: "a" }),
      b.request({ action: "update", content: "one two THREE", base_version: 1, request_id: "b" }),
    ]);
    expect([first.action, second.action]).toEqual(["update_status", "update_status"]);
    expect((await readFragment(id)).content).toBe("ONE two THREE");
  });

  test("[JSON-4] the sender gets the merged text in its status, when the merge gave something else", async () => {
    const { id } = await createFragment("one two three");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await a.request({ action: "update", content: "ONE two three", base_version: 1, request_id: "a" });
    const status = await b.request({
      action: "update",
      content: "one two THREE",
      base_version: 1,
      request_id: "b",
    });
    expect(status).toMatchObject({ action: "update_status", version: 3, content: "ONE two THREE" });
    expect(await a.next("update")).toMatchObject({ content: "ONE two THREE", version: 3 });
  });

  test("[JSON-4] both insertions stay, when two insert at the same place", async () => {
    const { id } = await createFragment("[]");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await Promise.all([
      a.request({ action: "update", content: "[aaa]", base_version: 1, request_id: "a" }),
      b.request({ action: "update", content: "[bbb]", base_version: 1, request_id: "b" }),
    ]);
    expect(["[aaabbb]", "[bbbaaa]"]).toContain((await readFragment(id)).content);
  });

  test("[JSON-5] an update in flight is not reverted, when a text without base_version was made before it", async () => {
    const { id } = await createFragment("hello");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await a.request({ action: "update", content: "hello world", request_id: "a" });
    // `b` has been sent "hello world" by now, but what it sends was typed on "hello".
    const status = await b.request({ action: "update", content: "Oh, hello", request_id: "b" });
    expect(status).toMatchObject({ action: "update_status", content: "Oh, hello world" });
    expect((await readFragment(id)).content).toBe("Oh, hello world");
  });

  test("[JSON-5] a text builds on the newest, when it was made on what was received last", async () => {
    const { id } = await createFragment("hello");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await a.request({ action: "update", content: "hello world", request_id: "a" });
    await b.next("update");
    await b.request({ action: "update", content: "hello worlds", request_id: "b" });
    expect((await readFragment(id)).content).toBe("hello worlds");
  });

  test("[JSON-5] a text builds on the sender's own last write, when the merge is still on its way", async () => {
    const { id } = await createFragment("one\ntwo\n");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await a.request({ action: "update", content: "zero\none\ntwo\n", request_id: "a" });
    b.send({ action: "update", content: "one\ntwo\nthree", base_version: 1 });
    await b.request({ action: "update", content: "one\ntwo\nthree\nfour", request_id: "b" });
    expect((await readFragment(id)).content).toBe("zero\none\ntwo\nthree\nfour");
  });

  test("[JSON-6] each commit is told once, when one client sends far more updates than there are commits", async () => {
    const { id } = await createFragment("0");
    const [writer, reader] = await Promise.all([joinJson(id), joinJson(id)]);
    for (let n = 1; n < 60; n++) writer.send({ action: "update", content: `${n}` });
    const status = await writer.request({ action: "update", content: "last", request_id: "last" });
    const { version } = await readFragment(id);
    expect(status).toMatchObject({ version });
    await reader.inbox.next(
      "the last text",
      (frame) => frame.action === "update" && "content" in frame && frame.content === "last",
    );
    const updates = reader.inbox.all.filter(({ action }) => action === "update");
    expect(updates.length).toBeLessThanOrEqual(version - 1);
    expect(version).toBeLessThan(40);
  });
});

describe("a large text", () => {
  test("[JSON-6] whole texts come less often than commits, and changes come with each commit, when many read a large text", async () => {
    const base = "x".repeat(1_000_000);
    const { id } = await createFragment(base);
    const [writer, follower, ...readers] = await Promise.all([
      joinJson(id, "?changes=1"),
      joinJson(id, "?changes=1"),
      ...Array.from({ length: 6 }, () => joinJson(id)),
    ]);
    let version = 1;
    for (let n = 0; n < 8; n++) {
      const changes = [{ from: 0, to: 0, insert: `${n}` }];
      await writer.request({ action: "edit", base_version: version, changes, request_id: `${n}` });
      version++;
      expect(await follower.next("update")).toMatchObject({ version, base_version: version - 1 });
    }
    for (const reader of readers) {
      await reader.inbox.next("the last", (frame) => frame.action === "update" && frame.version === version);
      const updates = reader.inbox.all.filter(({ action }) => action === "update");
      expect(updates.length).toBeLessThan(8);
      expect(updates.at(-1)).toMatchObject({ content: `76543210${base}` });
    }
  });
});

describe("edit", () => {
  test("[JSON-7] the changes are made to the text of the version, when a client edits", async () => {
    const { id } = await createFragment("the quick fox");
    const client = await joinJson(id);
    const changes = [
      { from: 0, to: 3, insert: "a" },
      { from: 4, to: 4, insert: "very " },
      { from: 10, to: 13, insert: "dog" },
    ];
    const status = await client.request({ action: "edit", base_version: 1, changes, request_id: "r" });
    expect(status).toMatchObject({ action: "update_status", success: true, version: 2, request_id: "r" });
    expect(status).not.toHaveProperty("content");
    expect((await readFragment(id)).content).toBe("a very quick dog");
  });

  test("[JSON-4] both changes stay, when two clients edit the same base", async () => {
    const { id } = await createFragment("one two three");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    const edit = (from: number, to: number, insert: string, request_id: string) => ({
      action: "edit",
      base_version: 1,
      changes: [{ from, to, insert }],
      request_id,
    });
    await Promise.all([a.request(edit(0, 3, "ONE", "a")), b.request(edit(8, 13, "THREE", "b"))]);
    expect((await readFragment(id)).content).toBe("ONE two THREE");
  });

  test("[JSON-8] edits follow each other, when each names the own request that it builds on", async () => {
    const { id } = await createFragment("()");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    const count = 40; // more than there are commits at once: some share one, some do not
    const last = a.inbox.next(
      "the last status",
      (frame) => "request_id" in frame && frame.request_id === `a${count - 1}`,
    );
    for (let n = 0; n < count; n++) {
      const base = n === 0 ? { base_version: 1 } : { base_request_id: `a${n - 1}` };
      const insert = String.fromCharCode(97 + (n % 26));
      a.send({
        action: "edit",
        ...base,
        changes: [{ from: 1 + n, to: 1 + n, insert }],
        request_id: `a${n}`,
      });
      if (n === count / 2) b.send({ action: "update", content: "before ()", base_version: 1 });
    }
    expect(await last).toMatchObject({ action: "update_status" });
    await b.next("update_status");
    const typed = Array.from({ length: count }, (_, n) => String.fromCharCode(97 + (n % 26))).join("");
    expect((await readFragment(id)).content).toBe(`before (${typed})`);
  });

  test("[JSON-8] an edit may build on a request that changed nothing, when another had made the same change", async () => {
    const { id } = await createFragment("abc");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    const deletion = { action: "edit", base_version: 1, changes: [{ from: 1, to: 2, insert: "" }] };
    await a.request({ ...deletion, request_id: "a" });
    await b.request({ ...deletion, request_id: "b1" });
    const status = await b.request({
      action: "edit",
      base_request_id: "b1",
      changes: [{ from: 1, to: 1, insert: "-" }],
      request_id: "b2",
    });
    expect(status).toMatchObject({ action: "update_status" });
    expect((await readFragment(id)).content).toBe("a-c");
  });

  test("[JSON-9] an edit is refused, when it names no base", async () => {
    const { id } = await createFragment("abc");
    const client = await joinJson(id);
    const answer = await client.request({ action: "edit", changes: [], request_id: "r" });
    expect(answer).toMatchObject({ action: "error", code: "invalid_frame", request_id: "r" });
  });

  test.each([
    ["outside of the text", [{ from: 2, to: 6, insert: "" }]],
    ["backwards", [{ from: 2, to: 1, insert: "" }]],
    [
      "not sorted",
      [
        { from: 3, to: 3 },
        { from: 1, to: 1 },
      ],
    ],
    [
      "overlapping",
      [
        { from: 0, to: 2 },
        { from: 1, to: 3 },
      ],
    ],
    ["within a surrogate pair", [{ from: 2, to: 2, insert: "x" }]],
    ["deleting half a pair", [{ from: 1, to: 2 }]],
  ])("[JSON-9] an edit is refused and changes nothing, when its positions are %s", async (_, changes) => {
    const { id } = await createFragment("a😀bc");
    const client = await joinJson(id);
    const answer = await client.request({ action: "edit", base_version: 1, changes, request_id: "r" });
    expect(answer).toMatchObject({ action: "error", code: "invalid_position", request_id: "r" });
    expect(await readFragment(id)).toMatchObject({ content: "a😀bc", version: 1 });
  });

  test("[JSON-9] an edit is refused, when what it inserts is half a pair", async () => {
    const { id } = await createFragment("ab");
    const client = await joinJson(id);
    const changes = [{ from: 1, to: 1, insert: "\ud83d" }];
    const answer = await client.request({ action: "edit", base_version: 1, changes, request_id: "r" });
    expect(answer).toMatchObject({ action: "error", code: "invalid_content" });
    expect((await readFragment(id)).version).toBe(1);
  });

  test("[JSON-9] positions count UTF-16 code units, when the text has pairs", async () => {
    const { id } = await createFragment("a😀bc");
    const client = await joinJson(id);
    const changes = [{ from: 3, to: 4, insert: "B" }];
    await client.request({ action: "edit", base_version: 1, changes, request_id: "r" });
    expect((await readFragment(id)).content).toBe("a😀Bc");
  });

  test("[JSON-10] positions count the CR of each CRLF, when the text came with CRLF", async () => {
    const { id } = await createFragment("one\r\ntwo\r\nthree");
    const [client, reader] = await Promise.all([joinJson(id), joinJson(id)]);
    const changes = [
      { from: 5, to: 8, insert: "2" },
      { from: 10, to: 15, insert: "3\r\n4" },
    ];
    await client.request({ action: "edit", base_version: 1, changes, request_id: "r" });
    expect(await reader.next("update")).toMatchObject({ content: "one\r\n2\r\n3\r\n4" });
    expect(await readFragment(id)).toMatchObject({ content: "one\r\n2\r\n3\r\n4", eol: "crlf" });
  });

  test("[JSON-10] an edit is refused, when it falls between a CR and its LF", async () => {
    const { id } = await createFragment("one\r\ntwo");
    const client = await joinJson(id);
    const changes = [{ from: 4, to: 4, insert: "x" }];
    const answer = await client.request({ action: "edit", base_version: 1, changes, request_id: "r" });
    expect(answer).toMatchObject({ action: "error", code: "invalid_position" });
  });

  test("[JSON-10] the line ends stay as they were, when an edit inserts a plain LF into a CRLF text", async () => {
    const { id } = await createFragment("one\r\ntwo");
    const client = await joinJson(id);
    const changes = [{ from: 3, to: 3, insert: "\nand" }];
    await client.request({ action: "edit", base_version: 1, changes, request_id: "r" });
    expect((await readFragment(id)).content).toBe("one\r\nand\r\ntwo");
  });
});

describe("a stale base", () => {
  test.each(["update", "edit"])(
    "[JSON-11] %s is answered with stale_base, content and version, when the base is unknown",
    async (action) => {
      const { id } = await createFragment("current");
      const client = await joinJson(id);
      const what =
        action === "update" ? { content: "mine" } : { changes: [{ from: 0, to: 0, insert: "mine" }] };
      const answer = await client.request({ action, ...what, base_version: 99, request_id: "r" });
      expect(answer).toEqual({
        action: "error",
        code: "stale_base",
        message: expect.any(String),
        request_id: "r",
        version: 1,
        content: "current",
      });
      expect(await readFragment(id)).toMatchObject({ content: "current", version: 1 });
    },
  );

  test("[JSON-11] version 0 is no base, when the fragment has just been made", async () => {
    const { id } = await createFragment("current");
    const client = await joinJson(id);
    const answer = await client.request({
      action: "update",
      content: "mine",
      base_version: 0,
      request_id: "r",
    });
    expect(answer).toMatchObject({ action: "error", code: "stale_base" });
  });

  test("[JSON-11] a base is stale, when its text was replaced more than ten minutes ago", async () => {
    const { id } = await createFragment("one");
    const client = await joinJson(id);
    await client.request({ action: "update", content: "two", base_version: 1, request_id: "r1" });
    pass(11 * 60_000);
    const other = await joinJson(id);
    await other.request({ action: "update", content: "three", base_version: 2, request_id: "r2" });
    const answer = await other.request({
      action: "update",
      content: "one!",
      base_version: 1,
      request_id: "r3",
    });
    expect(answer).toMatchObject({ code: "stale_base", version: 3, content: "three" });
  });

  test("[JSON-11] a base is valid, when its text was replaced less than ten minutes ago", async () => {
    const { id } = await createFragment("one");
    const client = await joinJson(id);
    await client.request({ action: "update", content: "one two", base_version: 1, request_id: "r1" });
    pass(9 * 60_000);
    await client.request({ action: "update", content: "zero one", base_version: 1, request_id: "r2" });
    expect((await readFragment(id)).content).toBe("zero one two");
  });

  test("[JSON-11] a text without a base is taken, when the sender sat still while others changed metadata", async () => {
    const { id } = await createFragment("one");
    const [client, other] = await Promise.all([joinJson(id), joinJson(id)]);
    await other.request({ action: "update_metadata", description: "new", request_id: "m" });
    await client.next("update_metadata");
    pass(11 * 60_000);
    const answer = await client.request({ action: "update", content: "one two", request_id: "r" });
    expect(answer).toMatchObject({ action: "update_status" });
    expect((await readFragment(id)).content).toBe("one two");
  });

  test("[JSON-11] base_request_id is stale, when no such request was made", async () => {
    const { id } = await createFragment("one");
    const client = await joinJson(id);
    const edit = { action: "edit", base_request_id: "never", changes: [], request_id: "r" };
    expect(await client.request(edit)).toMatchObject({ code: "stale_base", content: "one" });
  });
});

const edit = {
  action: "edit",
  base_version: 1,
  changes: [{ from: 3, to: 3, insert: "!" }],
  request_id: "r",
};

describe("repeated requests", () => {
  test("[JSON-12] a committed request is answered again and not applied again, when it comes after a reconnect", async () => {
    const { id } = await createFragment("one");
    const before = await joinJson(id, "?client=alice");
    const first = await before.request(edit);
    before.close();
    await joinJson(id); // somebody else stays
    const after = await joinJson(id, "?client=alice");
    const again = await after.request(edit);
    expect(again).toMatchObject({ action: "update_status", success: true, version: 2, request_id: "r" });
    expect(first).toMatchObject({ version: 2 });
    expect(await readFragment(id)).toMatchObject({ content: "one!", version: 2 });
  });

  test("[JSON-12] a request is not applied again after a restart, when its client's name is cut within an emoji", async () => {
    const { id } = await createFragment("one");
    const client = `?client=${"c".repeat(127)}😀`;
    await (await joinJson(id, client)).request(edit);
    await evictDurableObject(objectOf(id));
    expect(await (await joinJson(id, client)).request(edit)).toMatchObject({ version: 2 });
    expect(await readFragment(id)).toMatchObject({ content: "one!", version: 2 });
  });

  test("[JSON-12] a repeated request is answered with its own version, when others have written since", async () => {
    const { id } = await createFragment("one");
    const [alice, bob] = await Promise.all([joinJson(id, "?client=alice"), joinJson(id)]);
    await alice.request(edit);
    await bob.request({ action: "update", content: "zero one!", base_version: 2, request_id: "b" });
    expect(await alice.request(edit)).toMatchObject({ action: "update_status", version: 2 });
    expect(await readFragment(id)).toMatchObject({ content: "zero one!", version: 3 });
  });

  test("[JSON-12] a request is applied once, when it is sent twice at once", async () => {
    const { id } = await createFragment("one");
    const client = await joinJson(id, "?client=alice");
    client.send(edit);
    client.send(edit);
    const [first, second] = [await client.next("update_status"), await client.next("update_status")];
    expect([first.version, second.version]).toEqual([2, 2]);
    expect((await readFragment(id)).content).toBe("one!");
  });

  test("[JSON-12] the requests of two clients are both made, when they chose the same request id", async () => {
    const { id } = await createFragment("one");
    const [alice, bob] = await Promise.all([joinJson(id, "?client=alice"), joinJson(id, "?client=bob")]);
    await alice.request(edit);
    await bob.request(edit);
    expect((await readFragment(id)).content).toBe("one!!");
  });

  test("[JSON-12] a metadata request is not applied again, when it is repeated after a reconnect", async () => {
    const { id } = await createFragment("one");
    const tagging = { action: "update_metadata", tags: ["a"], request_id: "m" };
    const before = await joinJson(id, "?client=alice");
    await before.request(tagging);
    await before.request({ action: "update_metadata", tags: [], request_id: "m2" });
    before.close();
    const after = await joinJson(id, "?client=alice");
    expect(await after.request(tagging)).toMatchObject({ action: "update_status", version: 2 });
    expect(await readFragment(id)).toMatchObject({ tags: [], version: 3 });
  });
});

describe("another request under the name and id of a committed one", () => {
  const other = { code: "idempotency_key_reused", request_id: "r" };

  test.each([
    ["an edit of another place", { ...edit, changes: [{ from: 0, to: 0, insert: "!" }] }],
    ["an edit of another base", { ...edit, base_version: 2 }],
    ["a whole text", { action: "update", content: "other", request_id: "r" }],
    ["a write of metadata", { action: "update_metadata", description: "other", request_id: "r" }],
  ])("[JSON-12] it is refused and changes nothing, when it is %s", async (_what, another) => {
    const { id } = await createFragment("one");
    const [first, second] = await Promise.all([joinJson(id, "?client=p"), joinJson(id, "?client=p")]);
    await first.request(edit);
    expect(await second.request(another)).toMatchObject(other);
    expect(await readFragment(id)).toMatchObject({ content: "one!", description: "", version: 2 });
    expect(await second.request(edit)).toMatchObject({ success: true, version: 2 });
  });

  test("[JSON-12] another request under the same id is refused, when the object was evicted in between", async () => {
    const { id } = await createFragment("one");
    await (await joinJson(id, "?client=p")).request(edit);
    await evictDurableObject(objectOf(id));
    const second = await joinJson(id, "?client=p");
    expect(await second.request({ ...edit, base_version: 2 })).toMatchObject(other);
    expect(await second.request(edit)).toMatchObject({ success: true, version: 2 });
  });

  test("[JSON-12] one of two requests under the same id is made, when both come in one turn", async () => {
    const { id } = await createFragment("one");
    const client = await joinJson(id, "?client=p");
    client.send(edit);
    client.send({ ...edit, changes: [{ from: 0, to: 0, insert: "other " }] });
    expect(await client.next("update_status")).toMatchObject({ version: 2 });
    expect(await client.next("error")).toMatchObject(other);
    expect((await readFragment(id)).content).toBe("one!");
  });

  test("[JSON-12] fields in another order, absent ones that were null, and blanks make no other request", async () => {
    const { id } = await createFragment("one");
    const client = await joinJson(id, "?client=p");
    await client.request({ action: "update", content: "two", base_version: 1, request_id: "r" });
    const again = {
      request_id: "r",
      base_request_id: null,
      content: "two",
      base_version: 1,
      action: "update",
    };
    expect(await client.request(again)).toMatchObject({ success: true, version: 2 });
  });
});

describe("changes=1", () => {
  test("[JSON-23] its statuses cost bytes in proportion to its edits, when it has 300 in flight on 1 MB", async () => {
    const { id } = await createFragment("x".repeat(1_000_000));
    const socket = await openSocket(`/v1/ws/${id}?changes=1`);
    const client = new JsonClient(socket, "the pipelining client");
    let received = 0;
    socket.addEventListener("message", ({ data }) => (received += String(data).length));
    socket.accept();
    await client.next("initial");
    received = 0;
    let sent = 0;
    for (let at = 0; at < 300; at++) {
      const base = at === 0 ? { base_version: 1 } : { base_request_id: String(at - 1) };
      const changes = [{ from: at * 3_000, to: at * 3_000, insert: `<${at}>` }];
      const frame = { action: "edit", changes, request_id: String(at), ...base };
      sent += JSON.stringify(frame).length;
      client.send(frame);
    }
    let last = await client.next("update_status");
    while (last.request_id !== "299") last = await client.next("update_status");
    expect(received).toBeLessThan(2 * sent);
    expect(last).not.toHaveProperty("more");
    expect(await readFragment(id)).toMatchObject({ version: last.version, size: 1_000_000 + 1_390 });
  });

  test("[JSON-13] a client gets the changes against the version before, when it joined with changes=1", async () => {
    const { id } = await createFragment("one two three");
    const reader = await connectJson(id, "?changes=1");
    let { content: text, version } = await reader.next("initial");
    const writer = await joinJson(id);
    for (const content of ["one 2 three", "zero one 2 three", "zero one 2 😀", ""]) {
      await writer.request({ action: "update", content, request_id: `to ${content}` });
      const update = await reader.next("update");
      if (!("changes" in update)) throw new Error(`a whole text: ${JSON.stringify(update)}`);
      expect(update.base_version).toBe(version);
      text = applyChanges(text, update.changes);
      version = update.version;
      expect(text).toBe(content);
    }
  });

  test("[JSON-13] the text follows line by line, when it has CRLF line ends", async () => {
    const { id } = await createFragment("one\r\ntwo");
    const reader = await joinJson(id, "?changes=1");
    const writer = await joinJson(id);
    await writer.request({ action: "update", content: "one\r\n2", request_id: "r" });
    const update = await reader.next("update");
    const text = "changes" in update ? applyChanges("one\r\ntwo", update.changes) : update.content;
    expect(text).toBe("one\r\n2");
  });
});

describe("update_metadata", () => {
  test("[JSON-14] all fields go to the others and a status to the sender, when a client changes metadata", async () => {
    const { id } = await createFragment("text", { description: "old", tags: ["x"], prompt_type: "user" });
    const [writer, reader] = await Promise.all([joinJson(id), joinJson(id)]);
    const status = await writer.request({ action: "update_metadata", description: "new", request_id: "m" });
    expect(status).toMatchObject({ action: "update_status", success: true, version: 2, request_id: "m" });
    expect(await reader.next("update_metadata")).toEqual({
      action: "update_metadata",
      description: "new",
      tags: ["x"],
      prompt_type: "user",
      timestamp: expect.stringMatching(ISO_WITH_OFFSET),
      version: 2,
    });
    await Promise.all([writer.barrier(), reader.barrier()]);
    expect([...writer.inbox.unread, ...reader.inbox.unread]).toEqual([]);
  });

  test("[JSON-14] absent and null fields keep, when others are changed", async () => {
    const { id } = await createFragment("", { description: "d", tags: ["x"], prompt_type: "user" });
    const client = await joinJson(id);
    await client.request({
      action: "update_metadata",
      description: null,
      prompt_type: "system",
      request_id: "m",
    });
    expect(await readFragment(id)).toMatchObject({ description: "d", tags: ["x"], prompt_type: "system" });
  });

  test("[JSON-14] empty values clear, when they are sent", async () => {
    const { id } = await createFragment("", { description: "d", tags: ["x"] });
    const client = await joinJson(id);
    await client.request({ action: "update_metadata", description: "", tags: [], request_id: "m" });
    expect(await readFragment(id)).toMatchObject({ description: "", tags: [] });
  });

  test("[JSON-15] both changes stay, when two people edit different fields", async () => {
    const { id } = await createFragment("");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await Promise.all([
      a.request({ action: "update_metadata", description: "by a", request_id: "a" }),
      b.request({ action: "update_metadata", prompt_type: "composite", request_id: "b" }),
    ]);
    expect(await readFragment(id)).toMatchObject({ description: "by a", prompt_type: "composite" });
  });

  test("[JSON-15] both tags stay, when two people add one each to the same list", async () => {
    const { id } = await createFragment("", { tags: ["x"] });
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await Promise.all([
      a.request({ action: "update_metadata", tags: ["x", "a"], request_id: "a" }),
      b.request({ action: "update_metadata", tags: ["x", "b"], request_id: "b" }),
    ]);
    const { tags } = await readFragment(id);
    expect([...tags].sort()).toEqual(["a", "b", "x"]);
  });

  test("[JSON-15] a removed tag goes and an added one stays, when two people do it at the same time", async () => {
    const { id } = await createFragment("", { tags: ["x", "y"] });
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await Promise.all([
      a.request({ action: "update_metadata", tags: ["y"], request_id: "a" }),
      b.request({ action: "update_metadata", tags: ["x", "y", "b"], request_id: "b" }),
    ]);
    const { tags } = await readFragment(id);
    expect([...tags].sort()).toEqual(["b", "y"]);
  });
});

describe("expand", () => {
  test("[JSON-16] the current text is expanded, when no content is sent", async () => {
    const leaf = await createFragment("LEAF");
    const { id } = await createFragment(`a [[${leaf.id}]] b`);
    const client = await joinJson(id);
    client.send({ action: "expand", request_id: "x" });
    expect(await client.next("expanded")).toEqual({
      action: "expanded",
      content: `a [[${leaf.id}]] b`,
      expanded: "a LEAF b",
      dependencies: [leaf.id],
      warnings: [],
      variables: { filled: [], left: [] },
      request_id: "x",
    });
  });

  test("[JSON-16] the unsaved text is expanded and not saved, when content is sent", async () => {
    const leaf = await createFragment("LEAF");
    const { id } = await createFragment("saved");
    const client = await joinJson(id);
    client.send({ action: "expand", content: `[[${leaf.id}]] [[${id}]]` });
    expect(await client.next("expanded")).toMatchObject({
      expanded: `LEAF [[${id}]]`,
      warnings: [{ code: "self_reference", fragment: id, range: { from: leaf.id.length + 5 }, chain: [] }],
    });
    expect(await readFragment(id)).toMatchObject({ content: "saved", version: 1 });
  });

  test("[JSON-16] an edit shows in the next expansion, when it is acknowledged", async () => {
    const leaf = await createFragment("old");
    const { id } = await createFragment(`[[${leaf.id}]]`);
    const [client, author] = await Promise.all([joinJson(id), joinJson(leaf.id)]);
    client.send({ action: "expand" });
    expect(await client.next("expanded")).toMatchObject({ expanded: "old" });
    await author.request({ action: "update", content: "new", request_id: "r" });
    client.send({ action: "expand" });
    expect(await client.next("expanded")).toMatchObject({ expanded: "new" });
  });

  test("[JSON-16] an own edit shows in the expansion, when both are sent at once", async () => {
    const { id } = await createFragment("old");
    const client = await joinJson(id);
    for (let n = 0; n < 20; n++) client.send({ action: "update", content: `${n}` });
    client.send({ action: "expand" });
    expect(await client.next("expanded")).toMatchObject({ content: "19", expanded: "19" });
  });

  test("[JSON-16] both are answered, when two fragments include each other", async () => {
    const [a, b] = [await createFragment(""), await createFragment("")];
    const [one, two] = await Promise.all([joinJson(a.id), joinJson(b.id)]);
    await Promise.all([
      one.request({ action: "update", content: `A[[${b.id}]]`, request_id: "a" }),
      two.request({ action: "update", content: `B[[${a.id}]]`, request_id: "b" }),
    ]);
    one.send({ action: "expand" });
    two.send({ action: "expand" });
    expect(await one.next("expanded")).toMatchObject({ expanded: `AB[[${a.id}]]` });
    expect(await two.next("expanded")).toMatchObject({ expanded: `BA[[${b.id}]]` });
  });
});

describe("presence and ping", () => {
  test("[JSON-18] the others are told of a client's presence, when it sends that", async () => {
    const { id } = await createFragment("text");
    const one = await connectJson(id);
    const { session } = await one.next("initial");
    const two = await joinJson(id);
    one.send({ action: "presence", state: { name: "Ann", color: "#f00", cursor: { anchor: 1, head: 3 } } });
    expect(await two.next("presence")).toEqual({
      action: "presence",
      peers: [{ session, name: "Ann", color: "#f00", cursor: { anchor: 1, head: 3 } }],
    });
    await one.barrier();
    expect(one.unreadActions).toEqual([]);
  });

  test("[JSON-18] a client is told of everybody's presence, when it joins", async () => {
    const { id } = await createFragment("text");
    const [one, two] = await Promise.all([joinJson(id), joinJson(id)]);
    one.send({ action: "presence", state: { name: "Ann", cursor: 2 } });
    await two.next("presence");
    const late = await joinJson(id);
    const { peers } = await late.next("presence");
    expect(peers).toMatchObject([{ name: "Ann", cursor: 2 }]);
  });

  test.each(["by its own word", "with its socket"])(
    "[JSON-18] a peer is gone from the list, when it leaves %s",
    async (how) => {
      const { id } = await createFragment("text");
      const [one, two] = await Promise.all([joinJson(id), joinJson(id)]);
      one.send({ action: "presence", state: { name: "Ann" } });
      await two.next("presence");
      if (how === "with its socket") one.close();
      else one.send({ action: "presence", state: null });
      expect(await two.next("presence")).toEqual({ action: "presence", peers: [] });
    },
  );

  test("[JSON-18] cursors cross the protocols, when a JSON and a Yjs client are there", async () => {
    const { id } = await createFragment("hello world");
    const json = await connectJson(id);
    const { session } = await json.next("initial");
    const yjs = await joinYjs(id);
    json.send({ action: "presence", state: { name: "Ann", color: "red", cursor: 6 } });
    const seen = await yjs.next("awareness");
    const [{ state } = { state: null }] = [...seen.states.values()];
    expect(state).toMatchObject({ user: { name: "Ann", color: "red" }, cursor: { anchor: {}, head: {} } });
    yjs.sendAwareness([
      { client: yjs.doc.clientID, clock: 1, state: { ...(state as object), json: undefined } },
    ]);
    const { peers } = await json.next("presence");
    const other = peers.find((peer) => peer.session !== session);
    expect(other).toMatchObject({ name: "Ann", color: "red", cursor: { anchor: 6, head: 6 } });
  });

  test("[JSON-19] a pong comes back, when a client pings", async () => {
    const { id } = await createFragment("");
    const client = await joinJson(id);
    client.sendRaw('{"action":"ping"}');
    expect(await client.next("pong")).toEqual({ action: "pong" });
    client.send({ action: "ping", request_id: "p" });
    expect(await client.next("pong")).toEqual({ action: "pong", request_id: "p" });
  });
});

describe("editors of other kinds", () => {
  test("[JSON-20] a JSON client gets an update, when the text is written over REST", async () => {
    const { id } = await createFragment("one");
    const client = await joinJson(id);
    await request("PUT", `/v1/fragments/${id}`, { content: "two", description: "d" });
    expect(await client.next("update")).toMatchObject({ content: "two", version: 2 });
    expect(await client.next("update_metadata")).toMatchObject({ description: "d", version: 2 });
  });

  test("[JSON-20] a JSON client gets an update, when a Yjs client types", async () => {
    const { id } = await createFragment("one");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    yjs.sendUpdate(yjs.edit((text) => text.insert(3, " two")));
    expect(await json.next("update")).toMatchObject({ content: "one two", version: 2 });
  });

  test("[JSON-20] a JSON client gets the metadata, when a Yjs client changes them", async () => {
    const { id } = await createFragment("one");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    yjs.sendUpdate(
      yjs.edit((_, doc) => {
        doc.getMap("metadata").set("description", "d");
        doc.getMap("tags").set("t", true);
      }),
    );
    expect(await json.next("update_metadata")).toMatchObject({ description: "d", tags: ["t"], version: 2 });
  });

  test("[JSON-20] a Yjs client gets the edit, when a JSON client writes", async () => {
    const { id } = await createFragment("one");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    await json.request({ action: "update", content: "one two", request_id: "r" });
    await yjs.next("update");
    expect(yjs.text).toBe("one two");
  });

  test("[JSON-20] a Yjs client gets the metadata, when a JSON client changes them", async () => {
    const { id } = await createFragment("one");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    await json.request({ action: "update_metadata", description: "d", tags: ["t"], request_id: "r" });
    await yjs.next("update");
    expect(yjs.doc.getMap("metadata").get("description")).toBe("d");
    expect([...yjs.doc.getMap("tags").keys()]).toEqual(["t"]);
  });

  test("[JSON-4] both changes stay, when a JSON and a Yjs client write at the same time", async () => {
    const { id } = await createFragment("one two three");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    yjs.type((text) => text.insert(13, " four"));
    await Promise.all([
      yjs.saved(1),
      json.request({ action: "update", content: "zero one two three", base_version: 1, request_id: "r" }),
    ]);
    expect((await readFragment(id)).content).toBe("zero one two three four");
  });
});

/** The worker's clock stands this much later from now on. */
function pass(ms: number): void {
  const now = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => now() + ms);
}
