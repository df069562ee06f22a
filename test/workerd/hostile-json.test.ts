/** What hostile or broken JSON clients send. Whatever it is, nothing changes and the room lives. */
import { describe, expect, test } from "vitest";
import type { JsonClient } from "../support/json-client.ts";
import { createFragment, joinJson, joinYjs, readFragment } from "./connect.ts";

const LONE = "\ud800";

describe("frames that cannot be taken", () => {
  test.each([
    ["no JSON", "{", "invalid_json"],
    ["empty", "", "invalid_json"],
    ["cut off", '{"action":"update","content":"x', "invalid_json"],
    ["JSON with something behind it", '{"action":"ping"} x', "invalid_json"],
    ["nested deeper than any stack", "[".repeat(200_000), "invalid_json"],
    ["an array", '[{"action":"ping"}]', "invalid_frame"],
    ["null", "null", "invalid_frame"],
    ["a string", '"ping"', "invalid_frame"],
    ["a number", "1", "invalid_frame"],
    ["without an action", "{}", "invalid_frame"],
    ["with an action that is no string", '{"action":1}', "invalid_frame"],
    ["of an unknown action", '{"action":"drop"}', "unknown_action"],
    ["of an inherited action", '{"action":"constructor"}', "unknown_action"],
    ["of the prototype", '{"action":"__proto__"}', "unknown_action"],
  ])(
    "[JSON-21] a frame is answered with an error and the session lives, when it is %s",
    async (_, raw, code) => {
      await expectRefused((client) => client.sendRaw(raw), code);
    },
  );

  test("[FRAME-7] a frame with a misspelt field is answered with an error that names it, and changes nothing", async () => {
    const { id } = await createFragment("kept", { tags: ["kept"] });
    const client = await joinJson(id);
    client.send({ action: "update_metadata", tag: ["x"], request_id: "1" });
    expect(await client.next("error")).toMatchObject({
      code: "invalid_frame",
      message: "update_metadata: tag: is not known; did you mean `tags`?",
      request_id: "1",
    });
    client.send({ action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "x", at: 1 }] });
    expect(await client.next("error")).toMatchObject({
      message: expect.stringContaining("changes.0.at: is not known"),
    });
    await client.barrier();
    expect(await readFragment(id)).toMatchObject({ content: "kept", tags: ["kept"], version: 1 });
  });

  test.each([
    ["its content is null", { action: "update", content: null }],
    ["its content is missing", { action: "update" }],
    ["its content is a number", { action: "update", content: 1 }],
    ["its base_version is a string", { action: "update", content: "x", base_version: "1" }],
    ["its base_version is negative", { action: "update", content: "x", base_version: -1 }],
    ["its base_version is a fraction", { action: "update", content: "x", base_version: 1.5 }],
    ["its base_version is beyond all integers", { action: "update", content: "x", base_version: 1e300 }],
    ["its request_id is a number", { action: "update", content: "x", request_id: 7 }],
    ["its request_id is empty", { action: "update", content: "x", request_id: "" }],
    ["its request_id has a lone surrogate", { action: "update", content: "x", request_id: LONE }],
    ["its request_id is too long", { action: "update", content: "x", request_id: "r".repeat(129) }],
    ["its base_request_id has a lone surrogate", { action: "update", content: "x", base_request_id: LONE }],
    ["its changes are no list", { action: "edit", base_version: 1, changes: {} }],
    ["its changes are missing", { action: "edit", base_version: 1 }],
    ["a change has no position", { action: "edit", base_version: 1, changes: [{ insert: "x" }] }],
    ["a position is negative", { action: "edit", base_version: 1, changes: [{ from: -1, to: 0 }] }],
    ["a position is a fraction", { action: "edit", base_version: 1, changes: [{ from: 0.5, to: 1 }] }],
    ["an insert is a number", { action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: 1 }] }],
    [
      "it has too many changes",
      { action: "edit", base_version: 1, changes: many(10_001, { from: 0, to: 0 }) },
    ],
    ["its tags are a string", { action: "update_metadata", tags: "a" }],
    ["a tag is a number", { action: "update_metadata", tags: [1] }],
    ["a tag is empty", { action: "update_metadata", tags: [""] }],
    ["a tag is too long", { action: "update_metadata", tags: ["t".repeat(65)] }],
    [
      "it has too many tags",
      { action: "update_metadata", tags: Array.from({ length: 65 }, (_, n) => `${n}`) },
    ],
    ["its description is too long", { action: "update_metadata", description: "d".repeat(2_001) }],
    ["its description has a lone surrogate", { action: "update_metadata", description: LONE }],
    ["its description has a NUL", { action: "update_metadata", description: "\0" }],
    ["its prompt_type is unknown", { action: "update_metadata", prompt_type: "poem" }],
    ["its presence is a list", { action: "presence", state: [] }],
    ["its presence is missing", { action: "presence" }],
    ["its name is a number", { action: "presence", state: { name: 1 } }],
    ["its expand content is a number", { action: "expand", content: 1 }],
  ])("[JSON-21] a frame is answered with invalid_frame and changes nothing, when %s", async (_, frame) => {
    await expectRefused((client) => client.send(frame), "invalid_frame");
  });

  test("[JSON-21] a presence is refused, when its cursor is nested deeper than any stack", async () => {
    const cursor = "[".repeat(2_000_000) + "]".repeat(2_000_000);
    const frame = `{"action":"presence","state":{"cursor":${cursor}}}`;
    await expectRefused((client) => client.sendRaw(frame), "presence_too_large");
  });

  test("[JSON-21] a binary frame is answered with an error, when it comes on a JSON socket", async () => {
    await expectRefused((client) => client.sendRaw(new Uint8Array([1, 2, 3])), "invalid_frame");
  });

  test.each([
    ["NUL", "a\0b"],
    ["a lone high surrogate", `a${LONE}`],
    ["a lone low surrogate", "\udc00a"],
  ])("[JSON-21] a text is refused, when it holds %s", async (_, content) => {
    await expectRefused((client) => client.send({ action: "update", content }), "invalid_content");
  });

  test("[JSON-21] an error names the request, when the bad frame named one", async () => {
    const { id } = await createFragment("kept");
    const client = await joinJson(id);
    const answer = await client.request({ action: "update", content: null, request_id: "r" });
    expect(answer).toMatchObject({ action: "error", code: "invalid_frame", request_id: "r" });
  });

  test("[JSON-21] the others notice nothing, when one client sends a hundred bad frames", async () => {
    const { id } = await createFragment("kept");
    const [bad, good, yjs] = await Promise.all([joinJson(id), joinJson(id), joinYjs(id)]);
    for (let n = 0; n < 100; n++) bad.sendRaw("}{".repeat(n));
    await Promise.all([bad.barrier(), good.barrier()]);
    await yjs.sync();
    expect(good.inbox.unread).toEqual([]);
    expect(yjs.inbox.unread.filter(({ kind }) => kind !== "step1")).toEqual([]);
    expect(bad.unreadActions).toEqual(Array.from({ length: 100 }, () => "error"));
  });
});

describe("sizes", () => {
  test("[JSON-22] a text is refused with content_too_large, when it has more than 1 MiB", async () => {
    await expectRefused(
      (client) => client.send({ action: "update", content: "é".repeat(512 * 1024 + 1) }),
      "content_too_large",
    );
  });

  test("[JSON-22] a text is taken, when it has 1 MiB to the byte", async () => {
    const { id } = await createFragment("");
    const client = await joinJson(id);
    const content = "é".repeat(512 * 1024);
    const status = await client.request({ action: "update", content, request_id: "r" });
    expect(status).toMatchObject({ action: "update_status", version: 2 });
    expect((await readFragment(id)).size).toBe(1024 * 1024);
  });

  test("[JSON-22] an edit is refused, when the text would grow beyond 1 MiB", async () => {
    const { id } = await createFragment("x".repeat(1024 * 1024));
    const client = await joinJson(id);
    const changes = [{ from: 5, to: 5, insert: "y" }];
    const answer = await client.request({ action: "edit", base_version: 1, changes, request_id: "r" });
    expect(answer).toMatchObject({ action: "error", code: "content_too_large" });
    expect((await readFragment(id)).version).toBe(1);
  });

  test("[JSON-22] a presence is refused, when it has more than 4,000 bytes", async () => {
    await expectRefused(
      (client) => client.send({ action: "presence", state: { cursor: "c".repeat(4_000) } }),
      "presence_too_large",
    );
  });

  test("[JSON-22] the socket is closed with 1009 and the others stay, when a frame is larger than 8 MiB", async () => {
    const { id } = await createFragment("kept");
    const [bad, good] = await Promise.all([joinJson(id), joinJson(id)]);
    bad.sendRaw(" ".repeat(8 * 1024 * 1024 + 1));
    expect(await bad.closed()).toMatchObject({ code: 1009 });
    await good.barrier();
    expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
  });

  test("[JSON-22] two large unlike texts merge in bounded time, when they come from the same base", async () => {
    const text = (seed: number) => {
      let state = seed;
      const next = () => {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
        return state.toString(36);
      };
      return Array.from({ length: 40_000 }, next).join(" ");
    };
    const { id } = await createFragment(text(1));
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    const [first, second] = await Promise.all([
      a.request({ action: "update", content: text(2), base_version: 1, request_id: "a" }),
      b.request({ action: "update", content: text(3), base_version: 1, request_id: "b" }),
    ]);
    expect([first.action, second.action]).toEqual(["update_status", "update_status"]);
    const { content } = await readFragment(id);
    expect(content).toContain(text(2).slice(100, 200));
    expect(content).toContain(text(3).slice(100, 200));
  });
});

/** Sends something bad on a fresh fragment: an error comes, and then the session works and nothing has changed. */
async function expectRefused(send: (client: JsonClient) => void, code: string): Promise<void> {
  const { id } = await createFragment("kept", { description: "d", tags: ["t"] });
  const [client, witness] = await Promise.all([joinJson(id), joinJson(id)]);
  send(client);
  expect(await client.next("error")).toMatchObject({ code, message: expect.stringMatching(/\w.*\.$/) });
  await Promise.all([client.barrier(), witness.barrier()]);
  expect([...client.inbox.unread, ...witness.inbox.unread]).toEqual([]);
  const fragment = await readFragment(id);
  expect(fragment).toMatchObject({ content: "kept", description: "d", tags: ["t"], version: 1 });
}

function many<T>(count: number, one: T): T[] {
  return Array.from({ length: count }, () => one);
}
