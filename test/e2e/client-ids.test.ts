import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { HalfOpenProxy } from "../support/half-open-proxy.ts";
import { connectYjs } from "../support/live-clients.ts";
import { putFragment, readFragment } from "../support/rest.ts";
import { serverOfFile } from "../support/server-of-file.ts";
import { StockEditor } from "../support/stock-editor.ts";

// Stock y-websocket providers, unchanged, in situations in which a client id seems to have two owners.

const file = serverOfFile();

function openEditor(
  id: string,
  { url = file.server.url, doc }: { url?: string; doc?: Y.Doc } = {},
): StockEditor {
  const editor = doc === undefined ? new StockEditor(url, id) : new StockEditor(url, id, {}, doc);
  onTestFinished(() => editor.destroy());
  return editor;
}

async function storedText(id: string): Promise<string> {
  return String((await readFragment(file.server.url, id)).content);
}

/** What the provider sends from now on leaves this much later. */
function slowDown({ provider }: StockEditor, delayMs: number): void {
  const { ws } = provider;
  if (ws === null) throw new Error("The provider is connected.");
  const send = ws.send.bind(ws);
  ws.send = (data) => {
    setTimeout(() => {
      if (ws.readyState === ws.OPEN) send(data);
    }, delayMs);
  };
}

/** Links two documents without the server, as y-webrtc does. Returns how to end that. */
function link(one: Y.Doc, other: Y.Doc): () => void {
  const ends: (() => void)[] = [];
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const pass = (update: Uint8Array, origin: unknown) => {
      if (origin !== "link") Y.applyUpdate(to, update, "link");
    };
    from.on("update", pass);
    ends.push(() => from.off("update", pass));
  }
  return () => {
    for (const end of ends) end();
  };
}

test("[FORGE-10] two stock providers that are also linked lose nothing and stay, when one brings the other's edits before their author does", async () => {
  await putFragment(file.server.url, "ids/linked", "");
  const [slow, fast] = [openEditor("ids/linked"), openEditor("ids/linked")];
  await Promise.all([slow.synced(), fast.synced()]);
  const unlink = link(slow.doc, fast.doc);
  let typed = "";
  for (const delayMs of [150, 600]) {
    slowDown(slow, delayMs);
    for (let at = 0; at < 20; at++) {
      const text = `${delayMs}/${at} `;
      (at % 3 === 0 ? fast : slow).text.insert(typed.length, text);
      typed += text;
      await delay(25);
    }
  }
  const reader = openEditor("ids/linked");
  await reader.hasText(typed);
  await expect.poll(() => storedText("ids/linked")).toBe(typed);
  // Each of them still has the server's ear.
  unlink();
  slow.text.insert(0, "slow ");
  await fast.hasText(`slow ${typed}`);
  fast.text.insert(0, "fast ");
  await expect.poll(() => storedText("ids/linked")).toBe(`fast slow ${typed}`);
  expect([slow.closeCodes, fast.closeCodes]).toEqual([[], []]);
});

test("[FORGE-11] a second provider on one document loses nothing, and neither is closed", async () => {
  await putFragment(file.server.url, "ids/twice", "");
  const one = openEditor("ids/twice");
  const two = openEditor("ids/twice", { doc: one.doc });
  await Promise.all([one.synced(), two.synced()]);
  slowDown(one, 100);
  for (let at = 0; at < 30; at++) {
    one.text.insert(one.text.length, `${at} `);
    if (at % 5 === 0) one.provider.awareness.setLocalStateField("user", { name: `${at}` });
    await delay(20);
  }
  await expect.poll(() => storedText("ids/twice")).toBe(one.text.toString());
  two.provider.disconnect();
  one.text.insert(0, "the first is left ");
  await expect.poll(() => storedText("ids/twice")).toBe(one.text.toString());
  two.provider.connect();
  await two.synced();
  one.provider.disconnect();
  two.text.insert(0, "the second is left ");
  await expect.poll(() => storedText("ids/twice"), { timeout: 20_000 }).toBe(one.text.toString());
  // Each by itself, and once.
  expect([one.closeCodes, two.closeCodes]).toEqual([[null], [null]]);
});

test("[FORGE-8] a stock provider goes on with its text and its cursor, when its old socket is half-open", async () => {
  await putFragment(file.server.url, "ids/half-open", "");
  const proxy = await HalfOpenProxy.open(file.server.url);
  onTestFinished(() => proxy.close());
  const editor = openEditor("ids/half-open", { url: proxy.url });
  const watcher = openEditor("ids/half-open");
  await Promise.all([editor.synced(), watcher.synced()]);
  editor.provider.awareness.setLocalStateField("user", { name: "Ann" });
  editor.text.insert(0, "before ");
  await watcher.hasText("before ");
  const cut = new Promise((settle) => editor.provider.once("connection-close", settle));
  proxy.cut();
  await cut;
  editor.text.insert(editor.text.length, "offline ");
  await editor.synced();
  editor.text.insert(editor.text.length, "after");
  await watcher.hasText("before offline after");
  editor.provider.awareness.setLocalStateField("user", { name: "Ann B" });
  await watcher.seesOthers((states) => JSON.stringify([...states.values()]).includes("Ann B"), 12_000);
  await expect.poll(() => storedText("ids/half-open")).toBe("before offline after");
  // The cut, and no other: the room did not close the new socket for the old one.
  expect([editor.closeCodes.length, proxy.connections]).toEqual([1, 2]);
});

test("[FORGE-2] a stock provider loses nothing, when a stranger brings the structs of its next clocks", async () => {
  await putFragment(file.server.url, "ids/forged", "");
  const editor = openEditor("ids/forged");
  await editor.synced();
  slowDown(editor, 40);
  editor.text.insert(0, "typed ");
  await expect.poll(() => storedText("ids/forged")).toBe("typed ");
  const forger = await connectYjs(file.server.url, "/v1/sync/ids/forged");
  onTestFinished(() => forger.socket.terminate());
  await forger.client.sync();
  forger.client.sendAwareness([{ client: forger.client.doc.clientID, clock: 1, state: {} }]);
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(forger.client.doc));
  const known = Y.encodeStateVector(copy);
  copy.clientID = editor.doc.clientID;
  copy.getText("content").insert(0, "forged ");
  forger.client.sendSync(1, Y.encodeStateAsUpdate(copy, known));
  forger.client.sendUpdate(Y.encodeStateAsUpdate(copy, known));
  for (const letter of "fifty characters, one after the other, 20 ms apart") {
    editor.text.insert(editor.text.length, letter);
    await delay(20);
  }
  await expect.poll(() => storedText("ids/forged")).toBe(editor.text.toString());
  expect(editor.text.toString()).toBe("typed fifty characters, one after the other, 20 ms apart");
  expect((await forger.client.closed()).code).toBe(4409);
  expect(editor.closeCodes).toEqual([]);
});

test("[FORGE-2] a stock provider tries again and loses nothing, when a stranger has its client id", async () => {
  await putFragment(file.server.url, "ids/taken", "");
  const editor = openEditor("ids/taken");
  await editor.synced();
  editor.text.insert(0, "typed ");
  await expect.poll(() => storedText("ids/taken")).toBe("typed ");
  editor.provider.disconnect();
  await expect.poll(() => editor.closeCodes.length).toBe(1);
  const squatter = await connectYjs(file.server.url, "/v1/sync/ids/taken");
  onTestFinished(() => squatter.socket.terminate());
  squatter.client.sendAwareness([{ client: editor.doc.clientID, clock: 100, state: {} }]);
  await squatter.client.sync();
  editor.text.insert(6, "offline");
  editor.provider.connect();
  await expect.poll(() => editor.closeCodes.length).toBeGreaterThan(3);
  expect(new Set(editor.closeCodes.slice(1))).toEqual(new Set([4509]));
  squatter.socket.terminate();
  await expect.poll(() => storedText("ids/taken")).toBe("typed offline");
  expect(editor.text.toString()).toBe("typed offline");
});
