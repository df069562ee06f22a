/**
 * The JSON socket from the outside: a plain WebSocket client, as scripts and the old system's pages are. It
 * keeps what came until somebody asks for it.
 */
import WebSocket from "ws";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import { type ClosedSocket, closedBy, within } from "./live-socket.ts";

export type FrameOf<A extends ServerFrame["action"]> = Extract<ServerFrame, { action: A }>;

export class LiveJson {
  readonly socket: WebSocket;
  readonly closed: Promise<ClosedSocket>;
  readonly #onFrame: ((frame: ServerFrame) => void) | null;
  #unread: ServerFrame[] = [];
  #wake: (() => void) | null = null;

  /** @param onFrame gets every frame in place of the queue that `next` reads */
  constructor(url: string, onFrame: ((frame: ServerFrame) => void) | null = null) {
    this.#onFrame = onFrame;
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.closed = closedBy(this.socket);
    this.socket.on("message", (data) => {
      const frame = JSON.parse(String(data)) as ServerFrame; // the server's grammar is what is under test
      if (this.#onFrame !== null) this.#onFrame(frame);
      else {
        this.#unread.push(frame);
        this.#wake?.();
      }
    });
  }

  /** Connects and reads the first frame. */
  static async join(url: string): Promise<{ client: LiveJson; initial: FrameOf<"initial"> }> {
    const client = new LiveJson(url);
    return { client, initial: await client.next("initial") };
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** The next frame of that action for which `isIt` holds; what came before it is dropped. */
  next<A extends ServerFrame["action"]>(
    action: A,
    isIt: (frame: FrameOf<A>) => boolean = () => true,
    timeoutMs = 10_000,
  ): Promise<FrameOf<A>> {
    const found = new Promise<FrameOf<A>>((settle) => {
      this.#wake = () => {
        for (let frame = this.#unread.shift(); frame !== undefined; frame = this.#unread.shift()) {
          if (frame.action !== action) continue;
          const match = frame as FrameOf<A>; // its action is A
          if (!isIt(match)) continue;
          this.#wake = null;
          settle(match);
          return;
        }
      };
      this.#wake();
    });
    return within(timeoutMs, `a frame "${action}"`, found);
  }

  close(): Promise<ClosedSocket> {
    this.socket.close();
    return this.closed;
  }
}
