import { Hono } from "hono";
import { timestamp } from "../../protocol/timestamp.ts";
import type { AppEnv } from "../app.ts";
import { isUpgrade, joinFragment, upgradeRequired } from "../routes/sockets.ts";

/** The old system's socket addresses: the JSON socket under other names, and its echo. The longer path first. */
export const legacySockets = new Hono<AppEnv>()
  .get("/api/prompts/ws/fragments/*", (c) => joinFragment(c, "/api/prompts/ws/fragments/", "json", true))
  .get("/api/prompts/ws/*", (c) => joinFragment(c, "/api/prompts/ws/", "json", true))
  .get("/ws/prompts/*", (c) => joinFragment(c, "/ws/prompts/", "json", true))
  .get("/api/ws/test", (c) => (isUpgrade(c) ? echo() : upgradeRequired(c)));

/** Answers each message with what it was and how many came before. */
function echo(): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  let counter = 0;
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
