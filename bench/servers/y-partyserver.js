// y-partyserver as a worker: each document a Durable Object that hibernates and saves itself to SQLite.
import { routePartykitRequest } from "partyserver";
import { YServer } from "y-partyserver";
import { applyUpdate, encodeStateAsUpdate } from "yjs";

const ID = 1;

export class Doc extends YServer {
  static options = { hibernate: true };

  async onStart() {
    this.ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    );
    await super.onStart();
  }

  async onLoad() {
    for (const { bytes } of this.ctx.storage.sql.exec("SELECT bytes FROM state WHERE id = ?", ID))
      applyUpdate(this.document, new Uint8Array(bytes));
  }

  async onSave() {
    const bytes = encodeStateAsUpdate(this.document);
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO state (id, bytes) VALUES (?, ?)", ID, bytes);
  }
}

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/healthz") return new Response("ok");
    return (await routePartykitRequest(request, env)) ?? new Response("not found", { status: 404 });
  },
};
