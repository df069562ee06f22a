import type { CatalogueEvent } from "../../src/protocol/catalogue.ts";

/** Reads server-sent events (HTML standard, 9.2.6) as `/v1/events` writes them. */
export class EventStream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";
  #lastId: string | null = null;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /** What an `EventSource` would send as `Last-Event-ID`. */
  get lastId(): string | null {
    return this.#lastId;
  }

  /** The next event of the kinds asked for, about the fragment asked for; others are read over. */
  async next(kind: CatalogueEvent["event"], id: string): Promise<CatalogueEvent> {
    for (;;) {
      const event = await this.any();
      const about = "fragment" in event ? event.fragment.id : "id" in event ? event.id : null;
      if (event.event === kind && about === id) return event;
    }
  }

  async any(): Promise<CatalogueEvent> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end === -1) {
        const { value, done } = await this.#reader.read();
        if (done) throw new Error("the stream has ended");
        this.#text += this.#decoder.decode(value, { stream: true });
        continue;
      }
      const fields = new Map<string, string>();
      for (const line of this.#text.slice(0, end).split("\n")) {
        const colon = line.indexOf(":");
        if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
      }
      this.#text = this.#text.slice(end + 2);
      const data = fields.get("data");
      if (data === undefined) continue; // a comment
      this.#lastId = fields.get("id") ?? this.#lastId;
      const event = JSON.parse(data) as CatalogueEvent;
      if (event.event !== fields.get("event"))
        throw new Error(`${data} is announced as ${fields.get("event")}`);
      return event;
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}
