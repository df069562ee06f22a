/** The two descriptions by the standards that they follow, and the sockets by theirs. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import asyncapi from "@asyncapi/specs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { describe, expect, test } from "vitest";
import type WebSocket from "ws";
import { CLOSE } from "../../src/protocol/close-codes.ts";
import { clientFrameSchemas, serverFrameSchemas } from "../../src/protocol/json-frames.ts";
import * as limits from "../../src/protocol/limits.ts";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { startClosedServer } from "../support/closed-server.ts";
import { DescribedMessages } from "../support/described-messages.ts";
import { makeSocket, opened } from "../support/live-socket.ts";
import { deleteFragment, putFragment } from "../support/rest.ts";
import { serverOfFile } from "../support/server-of-file.ts";
import { signedToken } from "../support/signed-token.ts";

const file = serverOfFile((dir) =>
  startClosedServer(join(dir, "data"), { vars: { OPEN_ACCESS: "loopback" } }),
);

const load = async (path: string) => (await fetch(`${file.server.url}${path}`)).json();

/** The part of both descriptions that says how a caller shows what it has. */
interface Described {
  readonly components: { readonly securitySchemes: Readonly<Record<string, object>> };
}

describe("standards", () => {
  test("[API-4] /openapi.json is OpenAPI 3.1, by the schema of the standard", async () => {
    const document = (await load("/openapi.json")) as Record<string, string>; // a parsed JSON object
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
    expect((await new Validator().validate({ ...document, info: "" })).valid).toBe(false);
  });

  test("[API-4] /asyncapi.json is AsyncAPI 3.0, by the schema of the standard", async () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    formats(ajv);
    const isValid = ajv.compile(asyncapi.schemasWithoutId["3.0.0"] as object);
    const document = (await load("/asyncapi.json")) as object;
    isValid(document);
    expect(isValid.errors).toBeNull();
    expect(isValid({ ...document, operations: { x: { action: "shout" } } })).toBe(false);
  });

  test("[API-11] both descriptions say how a caller shows what it has, and ask for one of these", async () => {
    const rest = (await load("/openapi.json")) as Described & { security: Record<string, unknown>[] };
    expect(Object.keys(rest.components.securitySchemes)).toEqual(["bearer", "token", "session"]);
    expect(rest.security.flatMap(Object.keys)).toEqual(["bearer", "token", "session"]);
    const sockets = (await load("/asyncapi.json")) as Described & {
      servers: Record<string, { security: { $ref: string }[] }>;
    };
    const asked = sockets.servers["here"]?.security.map(({ $ref }) => $ref.split("/").at(-1));
    expect(asked).toEqual(["bearer", "token", "session", "subprotocol"]);
    expect(Object.keys(sockets.components.securitySchemes)).toEqual(asked);
  });

  test("[API-4] both descriptions state the limits and the allowed origins, and that of the sockets also states the close codes", async () => {
    const rest = (await load("/openapi.json")) as { info: { description: string } };
    const sockets = (await load("/asyncapi.json")) as { info: { description: string } };
    for (const { description } of [rest.info, sockets.info]) {
      expect(description).toMatch(/Pages of the server .*origins that/);
      expect(description).toContain(`content: ${limits.MAX_CONTENT_BYTES / 1024 / 1024} MiB`);
      expect(description).toContain(`tags: ${limits.MAX_TAGS}`);
    }
    expect(rest.info.description).toContain(`body: ${limits.MAX_BODY_BYTES / 1024 / 1024} MiB`);
    expect(sockets.info.description).toContain(`frame: ${limits.MAX_FRAME_BYTES / 1024 / 1024} MiB`);
    for (const code of Object.values(CLOSE)) expect(sockets.info.description).toContain(`- ${code}: `);
  });

  test("[API-9] the descriptions, the package, its lockfile and the changelog name one version, when it is released", async () => {
    const read = (file: string) => readFile(join(PROJECT_DIR, file), "utf8");
    const { version } = JSON.parse(await read("package.json")) as { version: string }; // npm's own field
    const versions = await Promise.all(
      ["/openapi.json", "/asyncapi.json"].map(async (path) => {
        const { info } = (await load(path)) as { info: { version: string } }; // API-4 checks the form
        return info.version;
      }),
    );
    versions.push((JSON.parse(await read("package-lock.json")) as { version: string }).version);
    versions.push(/^## \[?([\d.]+)/m.exec(await read("CHANGELOG.md"))?.[1] ?? "none");
    expect(versions).toEqual([version, version, version, version]);
  });

  test.each(["/openapi.json", "/asyncapi.json"])("[API-4] pages that may call may read %s", async (path) => {
    const page = { Origin: "http://localhost:5173" };
    const answer = await fetch(`${file.server.url}${path}`, { headers: page });
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(page.Origin);
    await answer.body?.cancel();
  });
});

describe("sockets", () => {
  test("[API-6] every kind of JSON frame is as described, from the server and to it", async () => {
    const messages = new DescribedMessages((await load("/asyncapi.json")) as never);
    const seen = new Set<string>();
    const faults: string[] = [];
    const open = async (query: string) => {
      const socket = makeSocket(file.server.url, `/v1/ws/described/frames${query}`);
      const frames: { action: string; request_id?: string; version?: number }[] = [];
      socket.on("message", (data) => {
        const frame = JSON.parse(String(data));
        frames.push(frame);
        const names = messages.namesOf("jsonSocket", frame).filter((name) => name.startsWith("Server"));
        if (names.length !== 1) faults.push(`${names.length} messages fit ${data}`);
        for (const name of names) seen.add(name);
      });
      await opened(socket);
      return {
        send(frame: object) {
          const names = messages.namesOf("jsonSocket", frame);
          for (const name of names.filter((one) => one.startsWith("Client"))) seen.add(name);
          socket.send(JSON.stringify(frame));
        },
        async until(action: string) {
          await expect.poll(() => frames.map((frame) => frame.action)).toContain(action);
          return frames.find((frame) => frame.action === action);
        },
      };
    };
    const writer = await open("?create=1&client=w");
    const version = (await writer.until("initial"))?.version ?? 0;
    const plain = await open("");
    const changes = await open("?changes=1");
    await plain.until("initial");
    await changes.until("initial");
    const token = await signedToken(file.server.secret);
    const user = await open(`?token=${token}`);
    await user.until("access");
    user.send({ action: "authenticate", token });
    writer.send({ action: "presence", state: { name: "Ann", color: "#123456", cursor: 0 } });
    await plain.until("presence");
    writer.send({ action: "update", content: "one", base_version: version, request_id: "a" });
    await plain.until("update");
    await changes.until("update");
    await writer.until("update_status");
    // Merged with the line before: the status carries the text.
    writer.send({
      action: "edit",
      base_version: version,
      changes: [{ from: 0, to: 0, insert: "[[none]]" }],
      request_id: "b",
    });
    writer.send({ action: "update_metadata", description: "d", tags: ["t"], prompt_type: "user" });
    await plain.until("update_metadata");
    writer.send({ action: "expand", request_id: "c" });
    await writer.until("expanded");
    writer.send({ action: "update", content: "x", base_version: 999, request_id: "d" });
    await writer.until("error");
    writer.send({ action: "ping", request_id: "e" });
    await writer.until("pong");
    await deleteFragment(file.server.url, "described/frames");
    for (const client of [writer, plain, changes]) await client.until("deleted");
    expect(faults).toEqual([]);
    expect([...seen].sort()).toEqual(
      [
        ...Object.keys(clientFrameSchemas).map((name) => messageName("Client", name)),
        ...Object.keys(serverFrameSchemas).map((name) => messageName("Server", name)),
      ].sort(),
    );
  });

  test("[API-6] events are sent as described, when a fragment is made, edited and deleted", async () => {
    const messages = new DescribedMessages((await load("/asyncapi.json")) as never);
    const socket: WebSocket = makeSocket(file.server.url, "/v1/events");
    const seen = new Set<string>();
    const faults: string[] = [];
    socket.on("message", (data) => {
      const names = messages.namesOf("events", JSON.parse(String(data)));
      if (names.length !== 1) faults.push(`${names.length} messages fit ${data}`);
      for (const name of names) seen.add(name);
    });
    await opened(socket);
    await putFragment(file.server.url, "described/events", "one");
    const editor = makeSocket(file.server.url, "/v1/ws/described/events");
    await opened(editor);
    editor.send(JSON.stringify({ action: "update", content: "two" }));
    const wanted = ["EventCreated", "EventChanged", "EventTyping", "EventEditors"];
    await expect.poll(() => [...seen]).toEqual(expect.arrayContaining(wanted));
    await deleteFragment(file.server.url, "described/events");
    await expect.poll(() => [...seen]).toContain("EventDeleted");
    expect(faults).toEqual([]);
    socket.close();
  });
});

function messageName(side: string, schema: string): string {
  return `${side}${schema.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}`;
}
