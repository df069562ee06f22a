import type WebSocket from "ws";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import type { Deadline } from "./deadline.ts";
import { expectThat, show } from "./expect.ts";
import { type Closed, Inbox } from "./inbox.ts";
import type { SocketAddress } from "./server.ts";
import { makeSocket, opened, receiveInto } from "./socket.ts";

export type FrameOf<A extends ServerFrame["action"]> = Extract<ServerFrame, { action: A }>;
/** An `update` with the whole text. */
export type TextFrame = Extract<ServerFrame, { action: "update"; content: string }>;

/** A JSON client that does what the check says and nothing else. */
export class JsonClient {
  readonly name: string;
  readonly inbox: Inbox<ServerFrame>;
  /** What the server says that the client may do, at any time; these frames are not in the other inbox. */
  readonly accesses: Inbox<FrameOf<"access">>;
  readonly #socket: WebSocket;
  #fences = 0;

  private constructor(address: SocketAddress, name: string, deadline: Deadline) {
    this.name = name;
    this.inbox = new Inbox(name, deadline);
    this.accesses = new Inbox(name, deadline);
    this.#socket = makeSocket(address, []);
    receiveInto(this.inbox, this.#socket, (data) => this.#receive(data));
  }

  static async open(address: SocketAddress, name: string, deadline: Deadline): Promise<JsonClient> {
    const client = new JsonClient(address, name, deadline);
    await opened(client.#socket, name, deadline);
    return client;
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  sendRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  next<A extends ServerFrame["action"]>(action: A): Promise<FrameOf<A>> {
    return this.inbox.next(`"${action}"`, (frame): frame is FrameOf<A> => frame.action === action);
  }

  /** The `update` that brings this text. */
  nextText(content: string): Promise<TextFrame> {
    const brings = (frame: ServerFrame): frame is TextFrame =>
      frame.action === "update" && "content" in frame && frame.content === content;
    return this.inbox.next(`an "update" to ${show(content)}`, brings);
  }

  /** Sends a request and waits for its `update_status`; an `error` fails the check. */
  async write(frame: { readonly request_id: string; readonly [field: string]: unknown }) {
    const answer = await this.ask(frame);
    expectThat(
      answer.action === "update_status",
      `${this.name} sent ${show(frame)} and was answered ${show(answer)}`,
    );
    return answer;
  }

  /** Sends a request and waits for the frame that answers it. */
  async ask(frame: { readonly request_id: string; readonly [field: string]: unknown }): Promise<ServerFrame> {
    this.send(frame);
    return this.inbox.next(
      `the answer to request "${frame.request_id}"`,
      (one) => "request_id" in one && one.request_id === frame.request_id,
    );
  }

  /**
   * Settles when everything has arrived that the fragment has sent to this client so far: the answer to a request comes
   * after it.
   */
  async fence(): Promise<void> {
    const id = `fence-${++this.#fences}`;
    this.send({ action: "ping", request_id: id });
    await this.inbox.next(
      `the "pong" to "${id}"`,
      (frame) => frame.action === "pong" && frame.request_id === id,
    );
  }

  /** The frames that no wait has taken. */
  get unread(): readonly ServerFrame[] {
    return this.inbox.unread;
  }

  closed(): Promise<Closed> {
    return this.inbox.closed();
  }

  /** Closes the socket properly. */
  leave(): void {
    this.#socket.close(1000, "done");
  }

  /** Breaks the connection without a close frame, as a pulled cable does. */
  drop(): void {
    this.#socket.terminate();
  }

  stopReading(): void {
    this.#socket.pause();
  }

  readAgain(): void {
    this.#socket.resume();
  }

  #sort(frame: ServerFrame): void {
    if (frame.action === "access") this.accesses.receive(frame);
    else this.inbox.receive(frame);
  }

  #receive(data: string | Uint8Array): void {
    if (typeof data !== "string") {
      this.inbox.refuse("a binary frame on a JSON socket");
      return;
    }
    try {
      const frame: unknown = JSON.parse(data);
      if (typeof frame !== "object" || frame === null)
        this.inbox.refuse(`a frame that is not a JSON object: ${show(data)}`);
      else this.#sort(frame as ServerFrame); // trusted: the checks look at the contents of the frame
    } catch {
      this.inbox.refuse(`a frame that is not JSON: ${show(data)}`);
    }
  }
}
