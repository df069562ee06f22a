import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../../scripts/server-process.ts";
import { within } from "../support/live-socket.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

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
  return within(10_000, "the answer", answered);
}
