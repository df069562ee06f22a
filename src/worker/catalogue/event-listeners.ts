import * as v from "valibot";
import type { CatalogueEvent } from "../../protocol/catalogue.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { EVENTS_PAUSE_MS, MAX_EVENTS_BATCH_UNITS } from "../../protocol/limits.ts";
import { closeSocket } from "../sockets/socket-peer.ts";
import { EventListener, type EventTables, type LiveEvent, ToldSchema } from "./event-listener.ts";

/** A reader counts as slow when this many events wait in its stream. */
const MAX_WAITING = 256;
/** Shorter than a minute, after which proxies end a silent stream. */
const HEARTBEAT_MS = 25_000;

export const EVENT_STREAM_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
};

interface Stream {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly listener: EventListener;
}

/**
 * The listeners of a catalogue, over server-sent events and over WebSockets. A slow reader of a stream is given nothing
 * until it reads again, and then what has changed by then. A socket is told in batches, with the newest state of each
 * fragment; its attachment says how far it has been told.
 */
export class EventListeners {
  readonly #ctx: DurableObjectState;
  readonly #tables: EventTables;
  readonly #streams = new Set<Stream>();
  readonly #onSockets = new WeakMap<WebSocket, EventListener>();
  #heartbeat: ReturnType<typeof setInterval> | null = null;
  /** Runs between two batches; a quiet catalogue has no timer and hibernates. */
  #pause: ReturnType<typeof setTimeout> | null = null;
  /** Some socket has more to be told after the pause. */
  #isBehind = false;

  constructor(ctx: DurableObjectState, tables: EventTables) {
    this.#ctx = ctx;
    this.#tables = tables;
  }

  /** @param afterSeq the last change that the client knows */
  openStream(afterSeq: number): Response {
    let stream: Stream;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          stream = { controller, listener: new EventListener({ seq: afterSeq, editorsId: "" }) };
          controller.enqueue(new TextEncoder().encode(": connected\n\n"));
          this.#add(stream);
        },
        pull: () => this.#fill(stream, this.#tables),
        cancel: () => this.#remove(stream),
      },
      new CountQueuingStrategy({ highWaterMark: MAX_WAITING }),
    );
    return new Response(body, { headers: EVENT_STREAM_HEADERS });
  }

  /** @returns the client's end */
  openSocket(afterSeq: number): WebSocket {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    this.#onSockets.set(server, new EventListener({ seq: afterSeq, editorsId: "" }));
    if (!this.#tellSocket(server, this.#tables)) {
      this.#isBehind = true;
      this.#rest();
    }
    return client;
  }

  /** The tables hold something new. */
  changed(): void {
    const tables = readOnce(this.#tables);
    for (const stream of this.#streams) this.#fill(stream, tables);
    this.#tellSockets(tables);
  }

  tell(event: LiveEvent): void {
    for (const stream of this.#streams) stream.listener.note(event);
    for (const socket of this.#ctx.getWebSockets()) this.#listenerOn(socket)?.note(event);
    this.changed();
  }

  #fill({ controller, listener }: Stream, tables: EventTables): void {
    const hasRoom = () => (controller.desiredSize ?? 0) > 0;
    listener.tell(tables, hasRoom, (event) => controller.enqueue(encode(event)));
  }

  #tellSockets(tables: EventTables): void {
    if (this.#pause !== null) {
      this.#isBehind = true;
      return;
    }
    const sockets = this.#ctx.getWebSockets();
    if (sockets.length === 0) return;
    this.#isBehind = false;
    for (const socket of sockets) if (!this.#tellSocket(socket, tables)) this.#isBehind = true;
    this.#rest();
  }

  #rest(): void {
    this.#pause ??= setTimeout(() => {
      this.#pause = null;
      if (this.#isBehind) this.#tellSockets(readOnce(this.#tables));
    }, EVENTS_PAUSE_MS);
  }

  /** One batch. Returns whether nothing is left. */
  #tellSocket(socket: WebSocket, tables: EventTables): boolean {
    const listener = this.#listenerOn(socket);
    if (listener === null) return true;
    let room = MAX_EVENTS_BATCH_UNITS;
    const isAllTold = listener.tell(
      tables,
      () => room > 0,
      (event) => {
        const json = JSON.stringify(event);
        room -= json.length;
        send(socket, json);
      },
    );
    socket.serializeAttachment(listener.told);
    return isAllTold;
  }

  /** Null for an unknown socket, which is closed. */
  #listenerOn(socket: WebSocket): EventListener | null {
    const known = this.#onSockets.get(socket);
    if (known !== undefined) return known;
    const told = v.safeParse(ToldSchema, socket.deserializeAttachment());
    if (!told.success) {
      closeSocket(socket, CLOSE.serverError, "The listener is not known any more");
      return null;
    }
    const listener = new EventListener(told.output);
    this.#onSockets.set(socket, listener);
    return listener;
  }

  #add(stream: Stream): void {
    this.#streams.add(stream);
    this.#heartbeat ??= setInterval(() => {
      for (const { controller } of this.#streams) {
        if ((controller.desiredSize ?? 0) > 0)
          controller.enqueue(new TextEncoder().encode(": still here\n\n"));
      }
    }, HEARTBEAT_MS);
  }

  #remove(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0 || this.#heartbeat === null) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = null;
  }
}

function send(socket: WebSocket, frame: string): void {
  try {
    socket.send(frame);
  } catch {
    // The socket is closing: nobody is left to tell.
  }
}

/** Shares reads for one turn: listeners that were told up to the same change get the same page. */
function readOnce(tables: EventTables): EventTables {
  const pages = new Map<number, ReturnType<EventTables["changesSince"]>>();
  return {
    editorsAfter: (id, limit) => tables.editorsAfter(id, limit),
    changesSince(seq, limit) {
      const page = pages.get(seq) ?? tables.changesSince(seq, limit);
      pages.set(seq, page);
      return page;
    },
  };
}

/** In the format of the HTML standard, 9.2.6. JSON has no line ends. */
function encode(event: CatalogueEvent): Uint8Array {
  const id = "seq" in event ? `id: ${event.seq}\n` : "";
  return new TextEncoder().encode(`event: ${event.event}\n${id}data: ${JSON.stringify(event)}\n\n`);
}
