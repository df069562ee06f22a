/** An identity provider on a real port, in front of a closed server. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type ClosedServer, startClosedServer } from "../support/closed-server.ts";
import { IdentityIssuer } from "../support/identity-issuer.ts";
import { connectJson } from "../support/live-clients.ts";
import { makeTemporaryDir, removeDir } from "../support/temporary-dir.ts";

const HEADER = "Cf-Access-Jwt-Assertion";

let dir: string;
let issuer: IdentityIssuer;
let keyServer: Server;
let server: ClosedServer;
/** Requests for the keys. */
let requests = 0;

beforeAll(async () => {
  dir = await makeTemporaryDir();
  issuer = await IdentityIssuer.make("https://login.example", "prompts", "RS256");
  keyServer = createServer(async (_, response) => {
    requests++;
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(await issuer.keySet()));
  });
  keyServer.listen({ host: "127.0.0.1", port: 0 });
  await once(keyServer, "listening");
  const { port } = keyServer.address() as AddressInfo; // it listens on a port
  server = await startClosedServer(`${dir}/1`, { vars: varsFor(port) });
});

afterAll(async () => {
  await server?.kill();
  keyServer?.close();
  await removeDir(dir);
});

function varsFor(port: number): Record<string, string> {
  return {
    IDENTITY_ISSUER: issuer.issuer,
    IDENTITY_AUDIENCE: issuer.audience,
    IDENTITY_JWKS_URL: `http://127.0.0.1:${port}/keys`,
    IDENTITY_HEADER: HEADER,
    IDENTITY_RULES: JSON.stringify([
      { when: { email: "*@example.com" }, workspace: "acme", role: "editor" },
      { when: { groups: "guests" }, workspace: "acme", role: "viewer" },
    ]),
  };
}

function askAs(url: string, token: string, path = "/v1/me", init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
}

test("[IDP-1] people of the provider come in by their tokens, into the workspace of their rule", async () => {
  const ann = await issuer.sign({ sub: "ann", name: "Ann", email: "ann@example.com" });
  const guest = await issuer.sign({ sub: "guy", groups: ["guests"] });
  const me = await askAs(server.url, ann);
  expect(await me.json()).toMatchObject({
    workspace: "acme",
    principal: { id: "user:idp:ann", name: "Ann" },
  });
  const behindProxy = await fetch(`${server.url}/v1/me`, { headers: { [HEADER]: guest } });
  expect(await behindProxy.json()).toMatchObject({ principal: { id: "user:idp:guy" }, role: "viewer" });
  const put = (token: string) =>
    askAs(server.url, token, "/v1/fragments/a", { method: "PUT", body: '{"content": "hello"}' });
  expect([(await put(guest)).status, (await put(ann)).status]).toEqual([403, 201]);
  expect((await askAs(server.url, guest, "/v1/fragments/a")).status).toBe(200);
  // The key of the test belongs to another workspace.
  expect((await askAs(server.url, server.key, "/v1/fragments/a")).status).toBe(404);
});

test("[IDP-1] an open socket takes the next token of its person, and none of another", async () => {
  const claims = { sub: "bob", email: "bob@example.com" };
  const token = await issuer.sign(claims);
  await askAs(server.url, token, "/v1/fragments/renewed", { method: "PUT", body: '{"content": "hello"}' });
  const { client, socket } = await connectJson(server.url, `/v1/ws/renewed?token=${token}`);
  onTestFinished(() => socket.terminate());
  await client.next("initial");
  await client.next("access"); // of the first token
  const exp = Math.floor(Date.now() / 1_000) + 7_200;
  client.send({ action: "authenticate", token: await issuer.sign({ ...claims, exp }) });
  expect(Date.parse(String((await client.next("access"))["expires_at"]))).toBe(exp * 1_000);
  client.send({ action: "authenticate", token: await issuer.sign({ ...claims, sub: "eve" }) });
  expect(await client.next("error")).toMatchObject({ code: "forbidden" });
});

test("[IDP-4] two hundred tokens with invented keys cause one request at most, and nobody is let in or kept out", async () => {
  const good = await issuer.sign({ email: "ann@example.com" });
  expect((await askAs(server.url, good)).status).toBe(200);
  const before = requests;
  const invented = await Promise.all(
    Array.from({ length: 200 }, (_, n) => issuer.sign({ email: "ann@example.com" }, `invented-${n}`)),
  );
  const statuses = await Promise.all(invented.map(async (token) => (await askAs(server.url, token)).status));
  expect(new Set(statuses)).toEqual(new Set([401]));
  expect(requests - before).toBeLessThanOrEqual(1);
  expect((await askAs(server.url, await issuer.sign({ email: "bob@example.com" }))).status).toBe(200);
});

test("[IDP-5] nobody of the provider comes in while its keys were never fetched, and keys of the server work", async () => {
  const closed = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo; // it listens on a port
  await new Promise((settle) => closed.close(settle));
  const other = await startClosedServer(`${dir}/2`, { vars: { ...varsFor(port), ANONYMOUS_ROLE: "editor" } });
  onTestFinished(() => other.kill());
  const answer = await askAs(other.url, await issuer.sign({ email: "ann@example.com" }));
  expect([answer.status, await answer.json()]).toMatchObject([503, { code: "unavailable" }]);
  expect((await askAs(other.url, other.key)).status).toBe(200);
});
