/** What programs of the old system do over REST and their sockets, one answer after the other as they expect them. */
import { expect, onTestFinished, test } from "vitest";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import { type ServerProcess, startServer } from "../../tools/dev/server-process.ts";
import { Inbox } from "../support/inbox.ts";
import type { JsonClient } from "../support/json-client.ts";
import { connectJson } from "../support/live-clients.ts";
import { makeSocket } from "../support/live-socket.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

/** Two that connect at the same moment meet in another way each time. */
const MEETINGS = 20;

test("[OLD-16] an old program's session goes through, when it makes, edits, expands, lists and deletes a prompt", async () => {
  await withServer(async (server) => {
    const echo = makeSocket(server.url, "/api/ws/test");
    onTestFinished(() => echo.terminate());
    const greetings = new Inbox<string>("the echo's client");
    echo.on("message", (data) => greetings.receive(String(data)));
    const any = () => true;
    expect(await greetings.next("the greeting", any)).toContain("WebSocket test connection successful");
    echo.send("a message");
    expect(JSON.parse(await greetings.next("the echo", any))).toMatchObject({
      received: "a message",
      counter: 1,
      timestamp: expect.any(String),
    });

    const made = await callOld(server, "POST", "/", {
      id: "ws test",
      content: "as made",
      description: "by a program",
      tags: ["one", "two"],
      directory: "/home/somebody/prompts",
    });
    expect(made).toMatchObject({ status: 200, body: { id: "ws_test", content: "as made" } });

    const editor = await connectOld(server, "/ws/prompts/ws_test");
    expect(await nextFrame(editor)).toMatchObject({
      action: "initial",
      content: "as made",
      description: "by a program",
      tags: ["one", "two"],
    });
    const saved = { action: "update_status", success: true, timestamp: expect.any(String) };
    editor.send({ action: "update", content: "with [[part]]" });
    expect(await nextFrame(editor)).toMatchObject(saved);
    editor.send({ action: "update_metadata", description: "changed", tags: ["two", "three"] });
    expect(await nextFrame(editor)).toMatchObject(saved);
    editor.send({ action: "expand", content: "Content with [[inclusions]]" });
    expect(await nextFrame(editor)).toMatchObject({
      action: "expanded",
      content: "Content with [[inclusions]]",
      expanded: "Content with [[PROMPT NOT FOUND: inclusions]]",
      dependencies: [],
      warnings: ["Prompt not found: 'inclusions'"],
    });

    await callOld(server, "POST", "/fragments/", { id: "part", content: "a part" });
    const { body: prompt } = await callOld(server, "GET", "/ws_test");
    expect(prompt).toMatchObject({
      content: "with [[part]]",
      description: "changed",
      tags: ["two", "three"],
    });
    expect(await callOld(server, "GET", "/ws_test/render")).toMatchObject({
      body: { rendered: "with a part" },
    });
    expect(await callOld(server, "GET", "/all")).toMatchObject({ body: [{ id: "part" }, prompt] });
    expect(await callOld(server, "GET", "/search_suggestions?query=T&exclude=ws_test")).toMatchObject({
      body: [{ id: "part" }],
    });
    await expect
      .poll(() => callOld(server, "GET", "/part/referenced_by"))
      .toMatchObject({ body: [{ id: "ws_test", description: "changed" }] });

    expect(await callOld(server, "PUT", "/ws_test", { content: "over REST" })).toMatchObject({ status: 200 });
    expect(await nextFrame(editor)).toMatchObject({ action: "update", content: "over REST" });
    expect(await callOld(server, "DELETE", "/ws_test")).toMatchObject({
      status: 200,
      body: { success: true },
    });
    expect(await editor.closed()).toMatchObject({ code: 4410 });
    expect(await callOld(server, "GET", "/ws_test")).toMatchObject({
      status: 404,
      body: { detail: "Prompt 'ws_test' not found" },
    });
    const late = await connectOld(server, "/ws/prompts/ws_test");
    expect(await late.closed()).toMatchObject({ code: 4004 });
  });
});

test("[OLD-6] each is told of the other's first edit, when two old programs connect at the same moment", async () => {
  await withServer(async (server) => {
    for (let n = 0; n < MEETINGS; n++) {
      await callOld(server, "POST", "/", {
        id: `meeting/${n}`,
        content: "Test prompt, as a program makes it",
      });
      const path = `/ws/prompts/meeting/${n}`;
      const earlier = await connectOld(server, path);
      await nextFrame(earlier);
      earlier.send({ action: "update", content: "as made" });
      await nextFrame(earlier);
      earlier.close();
      const [first, second] = await Promise.all([connectOld(server, path), connectOld(server, path)]);
      first.send({ action: "update", content: "Client A update 1" });
      for (const client of [first, second])
        expect(await nextFrame(client)).toMatchObject({ action: "initial", content: "as made" });
      expect(await nextFrame(second)).toMatchObject({ action: "update", content: "Client A update 1" });
      expect(await nextFrame(first)).toMatchObject({ action: "update_status", success: true });
      second.send({ action: "update", content: "Client B update 1" });
      expect(await nextFrame(first)).toMatchObject({ action: "update", content: "Client B update 1" });
      expect(await nextFrame(second)).toMatchObject({ action: "update_status", success: true });
      first.close();
      second.close();
    }
  });
});

async function withServer(run: (server: ServerProcess) => Promise<void>): Promise<void> {
  await withTemporaryDir(async (persistTo) => {
    const server = await startServer({ persistTo });
    onTestFinished(() => server.kill());
    await run(server);
    await server.kill();
  });
}

async function callOld(server: ServerProcess, method: string, path: string, body?: object) {
  const sent =
    body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`${server.url}/api/prompts${path}`, { method, redirect: "error", ...sent });
  return { status: answer.status, body: (await answer.json()) as unknown };
}

async function connectOld(server: ServerProcess, path: string): Promise<JsonClient> {
  const { client, socket } = await connectJson(server.url, path, "the old program");
  onTestFinished(() => socket.terminate());
  return client;
}

/** These programs take the next frame for the answer, whatever it is. */
function nextFrame(client: JsonClient): Promise<ServerFrame> {
  return client.inbox.next("a frame", () => true);
}
