import { type Context, Hono } from "hono";
import { OLD_HANDSHAKE_DELAY_MS } from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { AppEnv } from "../http/app-env.ts";
import { isUpgrade } from "../http/is-upgrade.ts";
import { upgradeRequired } from "../http/upgrade.ts";
import { joinFragment } from "../routes/sockets.ts";

/** The old system's socket addresses: the JSON socket under other names, and its echo. The longer path first. */
export const legacySockets: Hono<AppEnv> = new Hono<AppEnv>()
  .get("/api/prompts/ws/fragments/*", (c) => joinOld(c, "/api/prompts/ws/fragments/"))
  .get("/api/prompts/ws/*", (c) => joinOld(c, "/api/prompts/ws/"))
  .get("/ws/prompts/*", (c) => joinOld(c, "/ws/prompts/"))
  .get("/api/ws/test", (c) => (isUpgrade(c.req.raw) ? echo() : upgradeRequired(c)));

/**
 * Joins at once and opens the socket a moment later, with the frames that were sent to it meanwhile.
 *
 * The old server had one thread. It accepted all clients that came at the same moment before it read a frame from any
 * of them, and its clients count on that: of two that connect together, each gets the other's first edit as an
 * `update`, and does not find it in `initial`.
 */
async function joinOld(c: Context<AppEnv>, prefix: string): Promise<Response> {
  const response = await joinFragment(c, prefix, "json", true);
  await scheduler.wait(OLD_HANDSHAKE_DELAY_MS);
  return response;
}

/** Answers each message with the message itself and its number. */
function echo(): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  let counter = 0;
  // Otherwise bytes come as a Blob, which can only be read in a later turn (compatibility date of October 2026).
  server.binaryType = "arraybuffer";
  server.accept();
  server.addEventListener("message", ({ data }) => {
    counter++;
    const received = typeof data === "string" ? data : new TextDecoder().decode(data as ArrayBuffer);
    const message = `Message ${counter} received`;
    server.send(JSON.stringify({ received, counter, timestamp: timestamp(Date.now()), message }));
  });
  server.addEventListener("close", () => server.close(1000));
  server.send("WebSocket test connection successful");
  return new Response(null, { status: 101, webSocket: client });
}
