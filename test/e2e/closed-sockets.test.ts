/** Stock y-websocket providers, unchanged, at a server that asks for a token. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Role } from "../../src/protocol/access.ts";
import { startClosedServer } from "../support/closed-server.ts";
import { within } from "../support/live-socket.ts";
import { serverOfFile } from "../support/server-of-file.ts";
import { signedToken } from "../support/signed-token.ts";
import { StockEditor } from "../support/stock-editor.ts";

const file = serverOfFile((dir) => startClosedServer(join(dir, "data")));

const tokenOf = (user: string, role: Role, lifeMs = 600_000) =>
  signedToken(file.server.secret, { user, role, lifeMs });

async function api(method: string, path: string, body?: object): Promise<Response> {
  const headers = { Authorization: `Bearer ${file.server.key}`, "Content-Type": "application/json" };
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${file.server.url}${path}`, { method, headers, ...content });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response;
}

async function textOf(id: string): Promise<string> {
  const { content } = (await (await api("GET", `/v1/fragments/${id}`)).json()) as { content: string };
  return content;
}

function openEditor(id: string, token: string): StockEditor {
  const editor = new StockEditor(file.server.url, id, { token });
  onTestFinished(() => editor.destroy());
  return editor;
}

test("[SESSION-4] a stock provider goes on with the token that its params hold then, when its first one has ended", async () => {
  await api("PUT", "/v1/fragments/stock/renewed", { content: "text" });
  const editor = openEditor("stock/renewed", await tokenOf("ann", "editor", 4_000));
  await editor.synced();
  editor.provider.params = { token: await tokenOf("ann", "editor") };
  const closed = new Promise<void>((settle) => editor.provider.once("connection-close", () => settle()));
  await within("the end of the first token", closed);
  expect(editor.closeCodes).toEqual([4501]);
  await editor.synced();
  const other = openEditor("stock/renewed", await tokenOf("bob", "editor"));
  await other.synced();
  editor.text.insert(0, "more ");
  await other.hasText("more text");
});

test("[SESSION-14] a stock provider comes back, when it has begun with a token that had expired and its page gets a new one", async () => {
  await api("PUT", "/v1/fragments/stock/woken", { content: "text" });
  const editor = openEditor("stock/woken", await tokenOf("ann", "editor", -60_000));
  const closed = new Promise<void>((settle) => editor.provider.once("connection-close", () => settle()));
  editor.text.insert(0, "typed on the way: ");
  await within("the refusal of the old token", closed);
  expect(editor.closeCodes).toEqual([4501]);
  expect(await textOf("stock/woken")).toBe("text");
  editor.provider.params = { token: await tokenOf("ann", "editor") };
  await editor.synced();
  const other = openEditor("stock/woken", await tokenOf("bob", "editor"));
  await other.synced();
  expect(other.text.toString()).toContain("typed on the way: ");
});

test("[SESSION-2] a stock provider of a viewer stays connected and gets the edits of others, when its page types", async () => {
  await api("PUT", "/v1/fragments/stock/viewer", { content: "text" });
  const [viewer, editor] = [
    openEditor("stock/viewer", await tokenOf("vic", "viewer")),
    openEditor("stock/viewer", await tokenOf("eve", "editor")),
  ];
  await Promise.all([viewer.synced(), editor.synced()]);
  viewer.text.insert(0, "[mine] ");
  editor.text.insert(4, "s");
  await viewer.hasText("[mine] texts");
  viewer.provider.disconnect();
  viewer.provider.connect(); // its sync step 2 brings what it typed
  await viewer.synced();
  editor.text.insert(5, "!");
  await viewer.hasText("[mine] texts!");
  expect(editor.text.toString()).toBe("texts!");
  expect(await textOf("stock/viewer")).toBe("texts!");
  expect(viewer.provider.wsconnected).toBe(true);
});

test("[SESSION-10] a stock provider's page shows itself under its own name, and the others see the verified one", async () => {
  await api("PUT", "/v1/fragments/stock/names", { content: "text" });
  const [ann, bob] = [
    openEditor("stock/names", await tokenOf("ann", "editor")),
    openEditor("stock/names", await tokenOf("bob", "editor")),
  ];
  await Promise.all([ann.synced(), bob.synced()]);
  ann.provider.awareness.setLocalStateField("user", { name: "Bob", color: "#00f" });
  const shown = (state: object) => JSON.stringify((state as { user?: unknown }).user);
  await bob.seesOthers((states) =>
    [...states.values()].some((state) => shown(state) === '{"name":"ann Æ","color":"#00f"}'),
  );
  expect(ann.provider.awareness.getLocalState()).toEqual({ user: { name: "Bob", color: "#00f" } });
});

test("[SESSION-7] a stock provider gives up with 4401, when its user is blocked", async () => {
  await api("PUT", "/v1/fragments/stock/blocked", { content: "text" });
  const editor = openEditor("stock/blocked", await tokenOf("mallory", "editor"));
  await editor.synced();
  await api("DELETE", "/v1/users/mallory");
  await api("PUT", "/v1/fragments/stock/blocked", { content: "secret" });
  expect(await within("the provider's end", editor.gaveUp)).toBe(4401);
  expect(editor.text.toString()).toBe("text");
});
