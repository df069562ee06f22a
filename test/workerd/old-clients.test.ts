/** The old system's clients, unchanged: its addresses, and its silences. */
import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { Inbox } from "../support/inbox.ts";
import {
  connectOld,
  createFragment,
  freshId,
  joinJson,
  objectOf,
  openSocket,
  readFragment,
  request,
} from "./connect.ts";

const PATHS = ["/api/prompts/ws/fragments/", "/api/prompts/ws/", "/ws/prompts/"];

describe("the old addresses", () => {
  test.each(PATHS)("[OLD-1] the fragment is edited, when a client comes over %s", async (path) => {
    const { id } = await createFragment("one", { description: "d", tags: ["t"] });
    const [client, other] = await Promise.all([connectOld(`${path}${id}`), connectOld(`${path}${id}`)]);
    expect(await client.next("initial")).toMatchObject({
      content: "one",
      description: "d",
      tags: ["t"],
      prompt_type: "standard",
      updated_at: expect.any(String),
    });
    client.send({ action: "update", content: "two" });
    expect(await client.next("update_status")).toMatchObject({
      success: true,
      timestamp: expect.any(String),
    });
    expect(await other.next("update")).toMatchObject({ content: "two", timestamp: expect.any(String) });
    client.send({ action: "update_metadata", description: "new", tags: ["u"], prompt_type: "system" });
    expect(await other.next("update_metadata")).toMatchObject({
      description: "new",
      tags: ["u"],
      prompt_type: "system",
    });
    client.send({ action: "expand", content: "[[nothing/here]]" });
    expect(await client.next("expanded")).toMatchObject({
      content: "[[nothing/here]]",
      expanded: "[[PROMPT NOT FOUND: nothing/here]]",
      dependencies: [],
      warnings: ["Prompt not found: 'nothing/here'"],
    });
  });

  test.each(PATHS)("[OLD-1] the socket is closed with 4004, when %s leads to nothing", async (path) => {
    const id = freshId();
    const client = await connectOld(`${path}${id}`);
    expect(await client.closed()).toEqual({ code: 4004, reason: `Fragment '${id}' not found` });
  });

  test.each([
    ["plain text", false],
    ["with [[another]] in it", true],
    ["a [link] and [[ without an end", false],
  ])("[OLD-17] `initial` says whether the text includes others: %j", async (content, is_composite) => {
    const { id } = await createFragment(content);
    const old = await connectOld(`/ws/prompts/${id}`);
    expect(await old.next("initial")).toMatchObject({ content, is_composite });
    const client = await connectOld(`/v1/ws/${id}`);
    expect(await client.next("initial")).not.toHaveProperty("is_composite");
  });

  test("[OLD-1] the longer address wins, when an id begins with `fragments/`", async () => {
    await request("PUT", "/v1/fragments/plain", { content: "plain" });
    await request("PUT", "/v1/fragments/fragments/plain", { content: "nested" });
    const client = await connectOld("/api/prompts/ws/fragments/plain");
    expect(await client.next("initial")).toMatchObject({ id: "plain", content: "plain" });
  });

  test.each(PATHS)(
    "[OLD-1] an old id with spaces and a %2F is found, when it comes over %s",
    async (path) => {
      const { id } = await createFragment("here", { id: "old team/my prompt" }).catch(() =>
        readFragment("old_team/my_prompt"),
      );
      const client = await connectOld(`${path}old%20team%2Fmy%20prompt`);
      expect(await client.next("initial")).toMatchObject({ id, content: "here" });
    },
  );
});

describe("what old clients expect", () => {
  test.each(PATHS)(
    "[OLD-6] a client that connects a little later is told of the other's first edit, over %s",
    // Where the machine is busy with something else, the second may come much later than a little.
    { retry: 3 },
    async (path) => {
      const { id } = await createFragment("as it was");
      const early = connectOld(`${path}${id}`).then(async (client) => {
        await client.next("initial");
        client.send({ action: "update", content: "the first edit" });
        await client.next("update_status");
      });
      await scheduler.wait(15); // their handshakes lie so far apart
      const late = await connectOld(`${path}${id}`);
      expect(await late.next("initial")).toMatchObject({ content: "as it was" });
      expect(await late.next("update")).toMatchObject({ content: "the first edit" });
      await early;
    },
  );

  test.each([
    ["of an unknown action", { action: "dance" }],
    ["without an action", {}],
    ["of an action that is null", { action: null }],
    ["of an action that is a number", { action: 5 }],
    ["an update without content", { action: "update" }],
    ["an update with null content", { action: "update", content: null }],
  ])("[OLD-2] nothing is answered and nothing changes, when a frame is %s", async (_, frame) => {
    const { id } = await createFragment("kept");
    const client = await connectOld(`/ws/prompts/${id}`);
    await client.next("initial");
    client.send(frame);
    await client.barrier();
    expect(client.inbox.unread).toEqual([]);
    expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
  });

  test.each(["/api/prompts/ws/fragments/", "/api/prompts/ws/", "/ws/prompts/"])(
    "[FRAME-7] a frame over %s is taken without the fields that nobody knows, as by the old server",
    async (path) => {
      const { id } = await createFragment("before");
      const client = await connectOld(`${path}${id}`);
      await client.next("initial");
      client.send({ action: "update", content: "after", user: "Ann", contents: "other" });
      expect(await client.next("update_status")).toMatchObject({ success: true });
      expect(await readFragment(id)).toMatchObject({ content: "after" });
    },
  );

  test("[OLD-2] an error is answered and the session lives, when a frame is no JSON", async () => {
    const { id } = await createFragment("kept");
    const client = await connectOld(`/ws/prompts/${id}`);
    client.sendRaw("{");
    expect(await client.next("error")).toMatchObject({ code: "invalid_json" });
    await client.barrier();
  });

  test("[OLD-3] the merged text comes as an update after the status, when the merge gave something else", async () => {
    const { id } = await createFragment("one two three");
    const [old, other] = await Promise.all([connectOld(`/ws/prompts/${id}`), joinJson(id)]);
    await old.next("initial");
    await other.request({ action: "update", content: "ONE two three", request_id: "r" });
    await old.next("update");
    // Typed on the text before, while the update was on its way.
    old.send({ action: "update", content: "one two THREE" });
    const status = await old.next("update_status");
    expect(status).not.toHaveProperty("content");
    expect(await old.next("update")).toMatchObject({ content: "ONE two THREE", version: status.version });
    const order = old.inbox.all.slice(-2).map(({ action }) => action);
    expect(order).toEqual(["update_status", "update"]);
    await other.barrier();
    expect((await readFragment(id)).content).toBe("ONE two THREE");
  });

  test("[OLD-3] an old client gets no update of its own text, when nothing was merged", async () => {
    const { id } = await createFragment("one");
    const old = await connectOld(`/ws/prompts/${id}`);
    await old.next("initial");
    old.send({ action: "update", content: "two" });
    await old.next("update_status");
    await old.barrier();
    expect(old.inbox.unread).toEqual([]);
  });

  test("[OLD-3] every key stroke stays, when an old client sends a text for each without waiting", async () => {
    const { id } = await createFragment("");
    const [old, other] = await Promise.all([connectOld(`/ws/prompts/${id}`), joinJson(id)]);
    await old.next("initial");
    const typed = "The quick brown fox jumps.";
    for (let n = 1; n <= typed.length; n++) {
      old.send({ action: "update", content: typed.slice(0, n) });
      // Typed and taken back again: also within one commit.
      if (n % 5 === 0) old.send({ action: "update", content: typed.slice(0, n - 1) });
    }
    for (let n = 0; n < typed.length + Math.floor(typed.length / 5); n++) await old.next("update_status");
    expect((await readFragment(id)).content).toBe(typed);
    await other.barrier();
  });

  test("[OLD-4] an old client hears nothing of presence, when others show theirs", async () => {
    const { id } = await createFragment("");
    const [old, one, two] = await Promise.all([connectOld(`/ws/prompts/${id}`), joinJson(id), joinJson(id)]);
    one.send({ action: "presence", state: { name: "Ann" } });
    await two.next("presence");
    await old.barrier();
    expect(old.inbox.all.map(({ action }) => action)).not.toContain("presence");
  });
});

describe("the echo", () => {
  test("[OLD-5] the test socket greets and counts, when messages come", async () => {
    const socket = await openSocket("/api/ws/test");
    const inbox = new Inbox<string>("the echo's client");
    socket.addEventListener("message", ({ data }) => inbox.receive(String(data)));
    socket.accept();
    expect(await inbox.next("the greeting", () => true)).toBe("WebSocket test connection successful");
    const bytes = new TextEncoder().encode("bytes");
    for (const [index, sent] of ["hello", "{not json", "", bytes, "after bytes"].entries()) {
      socket.send(sent);
      const received = typeof sent === "string" ? sent : "bytes";
      const answer: unknown = JSON.parse(await inbox.next("the echo", () => true));
      expect(answer).toEqual({
        received,
        counter: index + 1,
        timestamp: expect.stringMatching(/^\d{4}-.*[+-]\d\d:\d\d$/),
        message: expect.any(String),
      });
    }
    socket.close(1000);
  });
});

describe("an old page that was cut off and comes back", () => {
  test.each(["its socket was closed", "the object has lost its memory", "a deployment has cut both"])(
    "[ROOM-10] what the other page wrote meanwhile stays, when %s",
    async (how) => {
      const { id } = await createFragment("Say hello.\nBe brief.\n");
      const first = await connectOld(`${PATHS[0]}${id}`);
      await first.next("initial");
      let second = await connectOld(`${PATHS[0]}${id}`);
      await second.next("initial");
      first.close();
      if (how.startsWith("the object")) await evictDurableObject(objectOf(id));
      if (how.startsWith("a deployment")) {
        await abortAllDurableObjects();
        second = await connectOld(`${PATHS[0]}${id}`);
        await second.next("initial");
      }
      second.send({ action: "update", content: "Say hello twice.\nBe brief.\nBe kind.\n" });
      await second.next("update_status");
      const again = await connectOld(`${PATHS[0]}${id}`);
      await again.next("initial");
      // It has not taken that in.
      again.send({ action: "update", content: "# Rules\nSay hello.\nBe brief.\n" });
      const content = "# Rules\nSay hello twice.\nBe brief.\nBe kind.\n";
      expect(await again.next("update")).toMatchObject({ content });
      expect(await readFragment(id)).toMatchObject({ content });
    },
  );
});
