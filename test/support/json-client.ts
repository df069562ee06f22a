import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import type { ClientSocket, Closed } from "./client-socket.ts";
import { Inbox } from "./inbox.ts";

export type FrameOf<A extends ServerFrame["action"]> = Extract<ServerFrame, { action: A }>;

/** A JSON client that does what the test says and nothing else. */
export class JsonClient {
  readonly #socket: ClientSocket;
  readonly inbox: Inbox<ServerFrame>;
  #barriers = 0;

  constructor(socket: ClientSocket, name = "the JSON client") {
    this.#socket = socket;
    this.inbox = new Inbox(name);
    socket.addEventListener("message", ({ data }) => {
      if (typeof data !== "string") throw new Error(`${name} got a binary frame`);
      // The test checks the contents.
      this.inbox.receive(JSON.parse(data) as ServerFrame);
    });
    socket.addEventListener("close", (closed) => this.inbox.close(closed));
  }

  /** The actions of the unread frames, in order. */
  get unreadActions(): string[] {
    return this.inbox.unread.map(({ action }) => action);
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  sendRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  next<A extends ServerFrame["action"]>(action: A): Promise<FrameOf<A>> {
    return this.inbox.next(`an ${action}`, (frame) => frame.action === action) as Promise<FrameOf<A>>;
  }

  /** Sends a request and waits for its answer: the status, or the error that names it. */
  async request(frame: { readonly request_id: string; readonly [field: string]: unknown }) {
    this.send(frame);
    const answer = await this.inbox.next(
      `the answer to ${frame.request_id}`,
      (one) => "request_id" in one && one.request_id === frame.request_id,
    );
    return answer as FrameOf<"update_status"> | FrameOf<"error"> | FrameOf<"expanded">;
  }

  /** Everything that was sent to this client up to now has arrived: the pong comes after it. */
  async barrier(): Promise<void> {
    const id = `barrier-${++this.#barriers}`;
    this.send({ action: "ping", request_id: id });
    await this.inbox.next("the pong", (frame) => frame.action === "pong" && frame.request_id === id);
  }

  closed(): Promise<Closed> {
    return this.inbox.closed();
  }

  close(): void {
    this.#socket.close(1000, "done");
  }
}
