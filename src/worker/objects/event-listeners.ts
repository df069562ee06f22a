import type { CatalogueEvent } from "../../protocol/catalogue.ts";

/** Changes that are read from the tables at a time for a listener that is behind. */
const CHANGES_AT_A_TIME = 200;
/** Events that wait in a stream before its reader counts as slow. */
const MAX_WAITING = 256;
/** Proxies end a stream that is silent for a minute. */
const HEARTBEAT_MS = 25_000;

export const EVENT_STREAM_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
};

/** Reads the changes behind a number, in order. */
export type ChangesSince = (seq: number, limit: number) => readonly NumberedEvent[];
export type NumberedEvent = Extract<CatalogueEvent, { readonly seq: number }>;

interface Listener {
  readonly stream: ReadableStreamDefaultController<Uint8Array>;
  /** The last change it was given. */
  seq: number;
  /** Of what is not numbered, the newest of each kind and fragment that it has still to be given. */
  readonly waiting: Map<string, CatalogueEvent>;
}

/**
 * Those who listen to a catalogue, over server-sent events and over WebSockets. A stream's reader that is slow is
 * given nothing until it reads again, and then what has changed by then: nothing piles up for it.
 */
export class EventListeners {
  readonly #ctx: DurableObjectState;
  readonly #changesSince: ChangesSince;
  readonly #listeners = new Set<Listener>();
  #heartbeat: ReturnType<typeof setInterval> | null = null;

  constructor(ctx: DurableObjectState, changesSince: ChangesSince) {
    this.#ctx = ctx;
    this.#changesSince = changesSince;
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0 && this.#ctx.getWebSockets().length === 0;
  }

  /** @param afterSeq the last change that the client knows. @param now told before anything else */
  openStream(afterSeq: number, now: readonly CatalogueEvent[]): Response {
    let listener: Listener;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (stream) => {
          const waiting = new Map(now.map((event) => [keyOf(event), event]));
          listener = { stream, seq: afterSeq, waiting };
          stream.enqueue(new TextEncoder().encode(": connected\n\n"));
          this.#add(listener);
        },
        pull: () => this.#fill(listener),
        cancel: () => this.#remove(listener),
      },
      new CountQueuingStrategy({ highWaterMark: MAX_WAITING }),
    );
    return new Response(body, { headers: EVENT_STREAM_HEADERS });
  }

  /** @returns the client's end */
  openSocket(afterSeq: number, now: readonly CatalogueEvent[]): WebSocket {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    for (const event of now) server.send(JSON.stringify(event));
    let seq = afterSeq;
    for (;;) {
      const changes = this.#changesSince(seq, CHANGES_AT_A_TIME);
      for (const change of changes) server.send(JSON.stringify(change));
      seq = changes.at(-1)?.seq ?? seq;
      if (changes.length < CHANGES_AT_A_TIME) break;
    }
    return client;
  }

  tell(event: CatalogueEvent): void {
    const sockets = this.#ctx.getWebSockets();
    if (sockets.length > 0) {
      const json = JSON.stringify(event);
      for (const socket of sockets) {
        try {
          socket.send(json);
        } catch {
          // The socket is closing: nobody is left to tell.
        }
      }
    }
    for (const listener of this.#listeners) {
      if (!("seq" in event)) listener.waiting.set(keyOf(event), event);
      this.#fill(listener);
    }
  }

  /** Gives a listener what it has not got, as far as its reader takes it. */
  #fill(listener: Listener): void {
    const { stream, waiting } = listener;
    const hasRoom = () => (stream.desiredSize ?? 0) > 0;
    while (hasRoom()) {
      const changes = this.#changesSince(listener.seq, CHANGES_AT_A_TIME);
      for (const change of changes) {
        if (!hasRoom()) return;
        listener.seq = change.seq; // first: to enqueue may call `pull`, which comes here again
        stream.enqueue(encode(change));
      }
      if (changes.length < CHANGES_AT_A_TIME) break;
    }
    for (const [key, event] of waiting) {
      if (!hasRoom()) return;
      waiting.delete(key);
      stream.enqueue(encode(event));
    }
  }

  #add(listener: Listener): void {
    this.#listeners.add(listener);
    this.#heartbeat ??= setInterval(() => {
      for (const { stream } of this.#listeners) {
        if ((stream.desiredSize ?? 0) > 0) stream.enqueue(new TextEncoder().encode(": still here\n\n"));
      }
    }, HEARTBEAT_MS);
  }

  #remove(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0 || this.#heartbeat === null) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = null;
  }
}

function keyOf(event: CatalogueEvent): string {
  return "id" in event ? `${event.event} ${event.id}` : event.event;
}

/** In the format of the HTML standard, 9.2.6. JSON has no line ends. */
function encode(event: CatalogueEvent): Uint8Array {
  const id = "seq" in event ? `id: ${event.seq}\n` : "";
  return new TextEncoder().encode(`event: ${event.event}\n${id}data: ${JSON.stringify(event)}\n\n`);
}
