import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../../tools/dev/server-process.ts";
import { AMBIGUOUS_PATHS, PLAIN_PATHS } from "../support/hostile-paths.ts";
import { within } from "../support/live-socket.ts";
import { startCommand } from "../support/server-command.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { TEST_SECRET } from "../support/test-secret.ts";

// What the server does with requests before any route sees them.

test("[REST-26] the answer is a problem with 400, also to a socket, when the Host header names no host", async () => {
  await withTemporaryDir(async (dir) => {
    const server = await startServer({ persistTo: dir });
    onTestFinished(() => server.kill());
    const upgrade = [
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    for (const [path, ...headers] of [["/v1/tags"], ["/docs"], ["/healthz"], ["/v1/ws/a", ...upgrade]]) {
      const answer = await sendRaw(server.url, [`GET ${path} HTTP/1.1`, "Host: x<y", ...headers]);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain("application/problem+json");
      expect(answer).toContain('"code":"invalid_header"');
    }
    expect(server.output()).not.toContain("TypeError");
  });
});

test("[HOST-4] a request is refused, when its Host header is more than a name, or names another server than the address", async () => {
  await withTemporaryDir(async (dir) => {
    const server = await startServer({ persistTo: dir });
    onTestFinished(() => server.kill());
    const statusOf = async (target: string, ...hosts: string[]) => {
      const headers = hosts.map((host) => `Host: ${host}`);
      const answer = await sendRaw(server.url, [`GET ${target} HTTP/1.1`, ...headers, "Connection: close"]);
      return Number(/^HTTP\/1\.[01] (\d+)/.exec(answer)?.[1]);
    };
    expect(await statusOf("/v1/tags", "localhost")).toBe(200);
    for (const host of [
      "localhost@evil.example",
      "evil.example#localhost",
      "evil.example?localhost",
      "localhost/v1/tags?",
      "evil.example\\@localhost",
      "localhost:8081:80",
      "localhost..",
    ])
      expect([host, await statusOf("/v1/tags", host)]).toEqual([host, 400]);
    for (const hosts of [["localhost", "evil.example"], ["evil.example", "localhost"], []])
      expect([hosts, await statusOf("/v1/tags", ...hosts)]).toEqual([hosts, 400]);
    expect(await statusOf("http://localhost/v1/tags", "evil.example")).toBe(403);
    expect(await statusOf("//evil.example/v1/tags", "localhost")).not.toBe(200);
  });
});

test("[REST-28] an ambiguous path is refused before anything is decided by it, when it is sent as it is", async () => {
  await withTemporaryDir(async (dir) => {
    const vars = { OPEN_ACCESS: "" };
    const server = await startServer({ persistTo: dir, vars, secrets: { AUTH_SECRET: TEST_SECRET } });
    onTestFinished(() => server.kill());
    for (const path of AMBIGUOUS_PATHS) {
      const answer = await sendRaw(server.url, [`GET ${path} HTTP/1.1`, "Host: localhost"]);
      expect([path, answer.split("\r\n")[0]]).toEqual([path, "HTTP/1.1 400 Bad Request"]);
      expect(answer).toContain('"code":"invalid_path"');
    }
    // These get as far as the question for a key.
    for (const path of PLAIN_PATHS) {
      const answer = await sendRaw(server.url, [`GET ${path} HTTP/1.1`, "Host: localhost"]);
      expect([path, answer.split("\r\n")[0]]).toEqual([path, "HTTP/1.1 401 Unauthorized"]);
    }
    const socket = new WebSocket(`${server.url}/v1/ws/a%2f..%2fb`);
    const closed = new Promise<CloseEvent>((settle) => socket.addEventListener("close", settle));
    expect((await within("the close", closed)).code).toBe(4400);
  });
});

test.each(["serve", "dev"] as const)(
  "[ORIGIN-2] npm run %s refuses the pages that it was not told of, when it was told of some",
  async (command) => {
    await withTemporaryDir(async (dir) => {
      const named = "--allowed-origins=https://a.example, https://b.example";
      const { url, stop } = await startCommand(command, [`--persist-to=${dir}`, named]);
      const statusFor = async (headers: Record<string, string>) =>
        (await fetch(`${url}/v1/tags`, { headers })).status;
      expect(await statusFor({ Origin: "https://stranger.example" })).toBe(403);
      expect(await statusFor({ Origin: "https://b.example" })).toBe(200);
      expect(await statusFor({ Origin: url })).toBe(200);
      expect(await statusFor({})).toBe(200);
      await stop();
    });
  },
);

/** What comes back until a head and a body are there. */
function sendRaw(url: string, lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  let got = "";
  const answered = new Promise<string>((settle, fail) => {
    socket.setEncoding("utf8").on("data", (text: string) => {
      got += text;
      if (got.endsWith("}")) settle(got);
    });
    socket.once("error", fail).once("close", () => settle(got));
  });
  return within("the answer", answered);
}
