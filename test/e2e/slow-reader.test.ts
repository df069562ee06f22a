import { expect, onTestFinished, test } from "vitest";
import { connectJson, connectYjs } from "../support/live-clients.ts";
import { putFragment } from "../support/rest.ts";
import { serverOfFile } from "../support/server-of-file.ts";

const file = serverOfFile();

// A server that waited for the stalled reader would never send the next edit: the reader's wait would be a hang.

test("[LIVE-13] a Yjs reader gets each edit while another has stopped reading, which gets them once it reads again", async () => {
  const id = "slow/yjs";
  await putFragment(file.server.url, id, "");
  const stalled = await connectYjs(file.server.url, `/v1/sync/${id}`, { name: "the stalled reader" });
  const reader = await connectYjs(file.server.url, `/v1/sync/${id}`, { name: "the reader" });
  const writer = await connectYjs(file.server.url, `/v1/sync/${id}`, { name: "the writer" });
  onTestFinished(() => {
    for (const { socket } of [stalled, reader, writer]) socket.terminate();
  });
  stalled.socket.pause();
  // 10 MB together: more than the buffers of a socket hold.
  for (let part = 1; part <= 40; part++) {
    const update = writer.client.edit((text) => {
      text.delete(0, text.length);
      text.insert(0, `${part};${"slow ".repeat(50_000)}`);
    });
    writer.client.push(part, update);
    await reader.client.next("update");
  }
  expect(stalled.client.text, "what the stalled reader has").toBe("");
  stalled.socket.resume();
  while (stalled.client.text !== writer.client.text) await stalled.client.next("update");
});

test("[LIVE-13] a JSON reader gets each text while another has stopped reading, which gets the last once it reads again", async () => {
  const id = "slow/json";
  await putFragment(file.server.url, id, "");
  const stalled = await connectJson(file.server.url, `/v1/ws/${id}`, "the stalled reader");
  const reader = await connectJson(file.server.url, `/v1/ws/${id}`, "the reader");
  onTestFinished(() => {
    for (const { socket } of [stalled, reader]) socket.terminate();
  });
  await reader.client.next("initial");
  stalled.socket.pause();
  for (let part = 1; part <= 12; part++) {
    await putFragment(file.server.url, id, `${part};${"slow ".repeat(180_000)}`);
    await reader.client.next("update");
  }
  expect(stalled.client.unreadActions, "what the stalled reader has").not.toContain("update");
  stalled.socket.resume();
  await stalled.client.inbox.next(
    "the last text",
    (frame) => frame.action === "update" && "content" in frame && frame.content.startsWith("12;"),
  );
});
