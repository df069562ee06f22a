import * as v from "valibot";
import { type Access, type AccessChange, lowered, sessionEndMs } from "../../protocol/access.ts";
import type { CatalogueEvent } from "../../protocol/catalogue.ts";
import { CLOSE, type CloseCode } from "../../protocol/close-codes.ts";
import { EVENTS_PAUSE_MS, MAX_EVENTS_BATCH_UNITS } from "../../protocol/limits.ts";
import { closeSocket } from "../sockets/socket-peer.ts";
import { nameOfView } from "../storage/visible-ids.ts";
import { EventListener, type EventTables, ListenerSchema, type LiveEvent } from "./event-listener.ts";

/** A reader counts as slow when this many events wait in its stream. */
const MAX_WAITING = 256;
/** Shorter than a minute, after which proxies end a silent stream. */
const HEARTBEAT_MS = 25_000;

/** Why a socket is closed. After 4401 and 4403 its client gives up, after 4501 it comes again. */
type Ending = readonly [code: CloseCode, reason: string];
const REVOKED: Ending = [CLOSE.unauthorised, "The access was revoked"];
const NOTHING_LEFT: Ending = [CLOSE.forbidden, "The access holds for no fragment any more"];
const OVER: Ending = [CLOSE.expired, "The access has ended; connect again with a new token"];

export const EVENT_STREAM_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
};

export interface ListenerPorts extends EventTables {
  /** `endDue` is called by this time. */
  wake(atMs: number): void;
  /** `endDue` need not be called any more. */
  sleep(): void;
}

/** A listener that begins. */
export interface ListenerStart {
  readonly access: Access;
  /** The last change that the client knows. */
  readonly seq: number;
}

interface Stream {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly listener: EventListener;
}

/**
 * The listeners of a catalogue, over server-sent events and over WebSockets. A slow reader of a stream is given nothing
 * until it reads again, and then what has changed by then. A socket is told in batches, with the newest state of each
 * fragment; its attachment says how far it has been told. A listener ends with its access.
 */
export class EventListeners {
  readonly #ctx: DurableObjectState;
  readonly #ports: ListenerPorts;
  readonly #streams = new Set<Stream>();
  readonly #onSockets = new WeakMap<WebSocket, EventListener>();
  #heartbeat: ReturnType<typeof setInterval> | null = null;
  /** Runs between two batches; a quiet catalogue has no timer and hibernates. */
  #pause: ReturnType<typeof setTimeout> | null = null;
  /** Some socket has more to be told after the pause. */
  #isBehind = false;

  constructor(ctx: DurableObjectState, ports: ListenerPorts) {
    this.#ctx = ctx;
    this.#ports = ports;
  }

  openStream(start: ListenerStart): Response {
    const listener = this.#begin(start);
    let stream: Stream;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          stream = { controller, listener };
          controller.enqueue(new TextEncoder().encode(": connected\n\n"));
          this.#add(stream);
        },
        pull: () => this.#fill(stream, this.#ports),
        cancel: () => this.#remove(stream),
      },
      new CountQueuingStrategy({ highWaterMark: MAX_WAITING }),
    );
    return new Response(body, { headers: EVENT_STREAM_HEADERS });
  }

  /** @returns the client's end */
  openSocket(start: ListenerStart): WebSocket {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    this.#onSockets.set(server, this.#begin(start));
    if (!this.#tellSocket(server, this.#ports)) {
      this.#isBehind = true;
      this.#rest();
    }
    return client;
  }

  /** The tables hold something new. */
  changed(): void {
    const tables = readOnce(this.#ports);
    for (const stream of this.#streams) this.#fill(stream, tables);
    this.#tellSockets(tables);
  }

  tell(event: LiveEvent): void {
    for (const stream of this.#streams) stream.listener.note(event);
    for (const { listener } of this.#sockets()) listener.note(event);
    this.changed();
  }

  /** Ends the listeners whose access has ended, and takes from the others what they may not know any more. */
  accessChanged(change: AccessChange): void {
    const remaining = ({ record }: EventListener) => {
      const access = lowered(record.access, change);
      return access?.prefixes?.length === 0 ? null : access; // it may know of nothing
    };
    for (const stream of this.#streams) {
      const access = remaining(stream.listener);
      if (access === null) this.#end(stream);
      else stream.listener.narrow(access);
    }
    for (const { socket, listener } of this.#sockets()) {
      const access = remaining(listener);
      if (access === null) this.#close(socket, change.cap === null ? REVOKED : NOTHING_LEFT);
      else {
        listener.narrow(access);
        socket.serializeAttachment(listener.record);
      }
    }
  }

  /** Ends the listeners whose time is over. */
  endDue(nowMs: number): void {
    const isOver = ({ record }: EventListener) => record.endsAtMs !== null && record.endsAtMs <= nowMs;
    for (const stream of this.#streams) if (isOver(stream.listener)) this.#end(stream);
    for (const { socket, listener } of this.#sockets()) if (isOver(listener)) this.#close(socket, OVER);
    const left = [...this.#streams, ...this.#sockets()].flatMap(
      ({ listener }) => listener.record.endsAtMs ?? [],
    );
    this.#ports.sleep();
    if (left.length > 0) this.#ports.wake(Math.min(...left));
  }

  #begin({ access, seq }: ListenerStart): EventListener {
    const endsAtMs = sessionEndMs(access, Date.now());
    if (endsAtMs !== null) this.#ports.wake(endsAtMs);
    return new EventListener({ seq, editorsId: "", access, endsAtMs });
  }

  *#sockets(): Generator<{ readonly socket: WebSocket; readonly listener: EventListener }> {
    for (const socket of this.#ctx.getWebSockets()) {
      const listener = this.#listenerOn(socket);
      if (listener !== null) yield { socket, listener };
    }
  }

  #end(stream: Stream): void {
    this.#remove(stream);
    stream.controller.close();
  }

  #close(socket: WebSocket, [code, reason]: Ending): void {
    this.#onSockets.delete(socket);
    socket.serializeAttachment(null); // a socket that is closing is still among those of the object
    closeSocket(socket, code, reason);
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
      if (this.#isBehind) this.#tellSockets(readOnce(this.#ports));
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
    socket.serializeAttachment(listener.record);
    return isAllTold;
  }

  /** Null for a socket that was ended, and for an unknown one, which is closed. */
  #listenerOn(socket: WebSocket): EventListener | null {
    const known = this.#onSockets.get(socket);
    if (known !== undefined) return known;
    const attachment: unknown = socket.deserializeAttachment();
    if (attachment === null) return null; // it was ended
    const record = v.safeParse(ListenerSchema, attachment);
    if (!record.success) {
      closeSocket(socket, CLOSE.serverError, "The listener is not known any more");
      return null;
    }
    const listener = new EventListener(record.output);
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

/** Shares reads for one turn: listeners with the same view that were told up to the same change get the same page. */
function readOnce(tables: EventTables): EventTables {
  const pages = new Map<string, ReturnType<EventTables["changesSince"]>>();
  let newestSeq: number | null = null;
  return {
    newestSeq() {
      newestSeq ??= tables.newestSeq();
      return newestSeq;
    },
    editorsAfter: (view, id, limit) => tables.editorsAfter(view, id, limit),
    changesSince(view, seq, limit) {
      const key = `${seq} ${nameOfView(view)}`;
      const page = pages.get(key) ?? tables.changesSince(view, seq, limit);
      pages.set(key, page);
      return page;
    },
  };
}

/** In the format of the HTML standard, 9.2.6. JSON has no line ends. */
function encode(event: CatalogueEvent): Uint8Array {
  const id = "seq" in event ? `id: ${event.seq}\n` : "";
  return new TextEncoder().encode(`event: ${event.event}\n${id}data: ${JSON.stringify(event)}\n\n`);
}
