/** The limits of a closed server on real sockets: who floods is told and closed, and nobody else notices. */
import { describe, expect, onTestFinished, test } from "vitest";
import { type ServerProcess, startServer } from "../../tools/dev/server-process.ts";
import { connectJson, connectYjs } from "../support/live-clients.ts";
import { closed, within } from "../support/live-socket.ts";
import { StockEditor } from "../support/stock-editor.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { TEST_SECRET } from "../support/test-secret.ts";

const PEOPLE = 20;
const KEYS = 60;
/** Frames. It may send 15,000 at once, and 500 more in each second that the server takes for them. */
const FLOOD = 60_000;

/** A closed server, on which callers without a credential may edit. */
async function withClosedServer(use: (server: ServerProcess) => Promise<void>): Promise<void> {
  await withTemporaryDir(async (dir) => {
    const secrets = { AUTH_SECRET: TEST_SECRET };
    const vars = { OPEN_ACCESS: "", ANONYMOUS_ROLE: "editor" };
    const server = await startServer({ persistTo: dir, secrets, vars });
    onTestFinished(() => server.kill());
    await use(server);
    await server.kill();
  });
}

async function put(server: ServerProcess, id: string): Promise<void> {
  const answer = await fetch(`${server.url}/v1/fragments/${id}`, { method: "PUT", body: '{"content":""}' });
  expect(answer.status).toBe(201);
}

describe("a room on a closed server", () => {
  test("[LIMIT-2] a client that floods it is told and then closed, and those who type there lose nothing", async () => {
    await withClosedServer(async (server) => {
      await put(server, "busy");
      const editors = Array.from({ length: PEOPLE }, () => new StockEditor(server.url, "busy"));
      onTestFinished(() => {
        for (const editor of editors) editor.destroy();
      });
      await Promise.all(editors.map((editor) => editor.synced()));
      const { socket } = await connectJson(server.url, "/v1/ws/busy", "the flooder");
      const ended = closed(socket);
      const errors: unknown[] = [];
      socket.on("message", (data) => {
        const frame = JSON.parse(String(data)) as { action: string };
        if (frame.action === "error") errors.push(frame);
      });
      for (let key = 0; key < KEYS; key++) {
        for (const [person, { text, provider }] of editors.entries()) {
          text.insert(text.length, "x");
          provider.awareness.setLocalStateField("cursor", { person, key });
        }
        for (let sent = 0; sent < FLOOD / KEYS; sent++) socket.send('{"action":"ping","request_id":"p"}');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(await within("the flooder's close", ended)).toBe(4529);
      expect(errors).toMatchObject([{ code: "rate_limited", retry_after: expect.any(Number) }]);
      const expected = "x".repeat(PEOPLE * KEYS);
      for (const editor of editors) await editor.hasText(expected);
      expect(editors.flatMap(({ closeCodes }) => closeCodes)).toEqual([]);
    });
  });

  test("[LIMIT-3] a first sync of a long document and three hundred pipelined edits are within the limit", async () => {
    await withClosedServer(async (server) => {
      await put(server, "long");
      const typed = await connectYjs(server.url, "/v1/sync/long");
      const update = typed.client.edit((text) => {
        for (let character = 0; character < 150_000; character++) text.insert(0, "x");
      });
      typed.client.push(1, update);
      await typed.client.saved(1);
      const { client } = await connectJson(server.url, "/v1/ws/long", "the program");
      const { version } = await client.next("initial");
      for (let edit = 0; edit < 300; edit++)
        client.send({
          action: "edit",
          request_id: `e${edit}`,
          base_version: version,
          changes: [{ from: edit, to: edit, insert: `<${edit}>` }],
        });
      for (let edit = 0; edit < 300; edit++)
        expect(await client.next("update_status")).toMatchObject({ success: true, request_id: `e${edit}` });
    });
  });
});
