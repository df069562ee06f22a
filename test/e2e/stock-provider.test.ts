import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../../tools/dev/server-process.ts";
import { freePort } from "../support/free-port.ts";
import { connectJson } from "../support/live-clients.ts";
import { within } from "../support/live-socket.ts";
import { ObservedServer } from "../support/observed-server.ts";
import { deleteFragment, putFragment, readFragment, renameFragment } from "../support/rest.ts";
import { serverOfFile } from "../support/server-of-file.ts";
import { StockEditor } from "../support/stock-editor.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

// Stock y-websocket providers, unchanged, against a running server. What takes them half a minute and more is in
// hibernation.test.ts.

/** A cursor that was not told at first is told when it is renewed, every 15 s. */
const BEFORE_RENEWAL_MS = 12_000;
/** A cursor that nobody takes away expires after 30 s. */
const BEFORE_EXPIRY_MS = 25_000;

const file = serverOfFile((dir) => ObservedServer.start(dir));

function openEditor(id: string, params?: Record<string, string>): StockEditor {
  const editor = new StockEditor(file.server.url, id, params);
  onTestFinished(() => editor.destroy());
  return editor;
}

async function openJson(path: string) {
  const live = await connectJson(file.server.url, path);
  onTestFinished(() => live.socket.terminate());
  return live;
}

test("[LIVE-3] a stock provider gets the text, when it opens a fragment", async () => {
  await putFragment(file.server.url, "team/greeting", "Hello 😀\n");
  const editor = openEditor("team/greeting");
  await editor.synced();
  expect(editor.text.toString()).toBe("Hello 😀\n");
});

test("[LIVE-3] a stock provider's edit reaches a JSON client and REST, when it types", async () => {
  await putFragment(file.server.url, "stock/out", "one");
  const json = await openJson("/v1/ws/stock/out");
  await json.client.next("initial");
  const editor = openEditor("stock/out");
  await editor.synced();
  editor.text.insert(3, " two");
  expect(await json.client.next("update")).toMatchObject({ content: "one two", version: 2 });
  expect(await readFragment(file.server.url, "stock/out")).toMatchObject({ content: "one two", version: 2 });
});

test("[LIVE-3] a stock provider gets the edits of a JSON client and of REST, when they write", async () => {
  await putFragment(file.server.url, "stock/in", "one");
  const editor = openEditor("stock/in");
  await editor.synced();
  const json = await openJson("/api/prompts/ws/fragments/stock/in");
  await json.client.next("initial");
  json.client.send({ action: "update", content: "one two" });
  await editor.hasText("one two");
  await putFragment(file.server.url, "stock/in", "one two three");
  await editor.hasText("one two three");
});

test("[LIVE-3] two stock providers see each other's cursor, when each sets its state", async () => {
  await putFragment(file.server.url, "stock/cursors", "text");
  const ann = openEditor("stock/cursors");
  const bob = openEditor("stock/cursors");
  await Promise.all([ann.synced(), bob.synced()]);
  ann.provider.awareness.setLocalStateField("user", { name: "Ann" });
  bob.provider.awareness.setLocalStateField("user", { name: "Bob" });
  const shows = (name: string) => (states: ReadonlyMap<number, object>) =>
    [...states.values()].some((state) => "user" in state && (state.user as { name: string }).name === name);
  await Promise.all([ann.seesOthers(shows("Bob")), bob.seesOthers(shows("Ann"))]);
});

test("[LIVE-3] a stock provider sees a JSON client's cursor, when it is the first that the client shows", async () => {
  await putFragment(file.server.url, "stock/json-cursor", "text");
  const editor = openEditor("stock/json-cursor");
  await editor.synced();
  const json = await openJson("/v1/ws/stock/json-cursor");
  await json.client.next("initial");
  json.client.send({ action: "presence", state: { name: "Ann" } });
  const shows = (states: ReadonlyMap<number, object>) =>
    [...states.values()].some((state) => JSON.stringify(state).includes('"Ann"'));
  await editor.seesOthers(shows, BEFORE_RENEWAL_MS);
});

test("[LIVE-4] a stock provider makes the fragment, when it comes with create=1", async () => {
  const editor = openEditor("stock/new", { create: "1" });
  await editor.synced();
  expect(await readFragment(file.server.url, "stock/new")).toMatchObject({ content: "", version: 1 });
});

test.each([
  ["deleted", (id: string) => deleteFragment(file.server.url, id)],
  ["renamed", (id: string) => renameFragment(file.server.url, id, `${id}/renamed`)],
])(
  "[LIVE-10] a stock provider with create=1 gives up, when its fragment was %s while it was offline",
  async (what, remove) => {
    const id = `stock/offline/${what}`;
    await putFragment(file.server.url, id, "text");
    await putFragment(file.server.url, `${id}/root`, `see [[${id}]]`);
    const editor = openEditor(id, { create: "1" });
    await editor.synced();
    editor.provider.disconnect();
    editor.text.insert(0, "typed offline, ");
    await remove(id);
    editor.provider.connect();
    expect(await within("the end", editor.gaveUp)).toBe(4410);
    expect(editor.provider.shouldConnect).toBe(false);
    expect((await fetch(`${file.server.url}/v1/fragments/${id}`)).status).toBe(404);
    const expansion = await fetch(`${file.server.url}/v1/expansions/${id}/root`);
    expect(await expansion.json()).toMatchObject({
      warnings: [{ code: "not_found", fragment: `${id}/root` }],
    });
    // What was typed is still in the page's document, for whoever wants to save it.
    expect(editor.text.toString()).toBe("typed offline, text");
  },
);

test("[LIVE-5] the cursor of a stock provider is gone at once, when its socket closes", async () => {
  await putFragment(file.server.url, "stock/leaves", "text");
  const stays = openEditor("stock/leaves");
  const leaves = openEditor("stock/leaves");
  await Promise.all([stays.synced(), leaves.synced()]);
  leaves.provider.awareness.setLocalStateField("user", { name: "Ann" });
  await stays.seesOthers((states) => states.has(leaves.doc.clientID));
  // Without a word: a provider that is told to leave would take its state back by itself.
  const { ws } = leaves.provider;
  leaves.provider.shouldConnect = false;
  if (ws !== null && "terminate" in ws && typeof ws.terminate === "function") ws.terminate();
  await stays.seesOthers((states) => !states.has(leaves.doc.clientID), BEFORE_EXPIRY_MS);
});

test("[LIVE-8] a stock provider brings along what it typed meanwhile, when the server was killed", async () => {
  await withTemporaryDir(async (data) => {
    const port = await freePort();
    const first = await startServer({ persistTo: data, port });
    onTestFinished(() => first.kill());
    await putFragment(first.url, "stock/kill", "before;");
    const editor = new StockEditor(first.url, "stock/kill");
    onTestFinished(() => editor.destroy());
    await editor.synced();
    await first.kill();
    editor.text.insert(editor.text.length, "while it was down;");
    const second = await startServer({ persistTo: data, port });
    onTestFinished(() => second.kill());
    // The provider comes back when its own timer says so: perhaps before anybody else can look.
    const read = async () => (await readFragment(second.url, "stock/kill")).content;
    await expect.poll(read).toBe("before;while it was down;");
    await second.kill();
  });
});

test("[LIVE-9] two stock providers come to the same text, when each brings a document of its own", async () => {
  const ann = openEditor("stock/merge", { create: "1" });
  ann.provider.disconnect();
  const bob = openEditor("stock/merge", { create: "1" });
  bob.provider.disconnect();
  ann.text.insert(0, "written by Ann;");
  bob.text.insert(0, "written by Bob;");
  ann.provider.connect();
  bob.provider.connect();
  await Promise.all([ann.synced(), bob.synced()]);
  const isMerged = (text: string) => text.includes("written by Ann;") && text.includes("written by Bob;");
  const merged = await committedText("stock/merge", isMerged);
  expect(merged).toHaveLength(30);
  await Promise.all([ann.hasText(merged), bob.hasText(merged)]);
});

test("[LIVE-10] a stock provider gives up, when the fragment does not exist", async () => {
  const editor = openEditor("stock/missing");
  expect(await within("the end", editor.gaveUp)).toBe(4404);
  expect(editor.closeCodes).toEqual([4404]);
  expect(editor.provider.shouldConnect).toBe(false);
});

test("[LIVE-10] a stock provider gives up, when the fragment is deleted", async () => {
  await putFragment(file.server.url, "stock/deleted", "text");
  const editor = openEditor("stock/deleted");
  await editor.synced();
  await deleteFragment(file.server.url, "stock/deleted");
  expect(await within("the end", editor.gaveUp)).toBe(4410);
  expect(editor.provider.shouldConnect).toBe(false);
});

test("[LIVE-10] a stock provider comes back with its edit, when a commit failed and the room was closed", async () => {
  await putFragment(file.server.url, "stock/fails", "before;");
  const editor = openEditor("stock/fails");
  await editor.synced();
  await file.server.failNextCommit("stock/fails");
  const closed = new Promise((settle) => editor.provider.once("connection-close", settle));
  editor.text.insert(editor.text.length, "not committed at first;");
  await within("the close", closed);
  await editor.synced();
  const isWhole = (text: string) => text === "before;not committed at first;";
  await committedText("stock/fails", isWhole);
  expect(editor.closeCodes).toEqual([1011]);
});

/** The first committed text, from now on, that is as wanted. */
async function committedText(id: string, isIt: (content: string) => boolean): Promise<string> {
  const { client } = await openJson(`/v1/ws/${id}`);
  let { content } = await client.next("initial");
  while (!isIt(content)) {
    const frame = await client.next("update");
    if ("content" in frame) ({ content } = frame);
  }
  return content;
}
