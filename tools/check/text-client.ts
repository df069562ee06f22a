import type WebSocket from "ws";
import type { Deadline } from "./deadline.ts";
import { show } from "./expect.ts";
import { Inbox } from "./inbox.ts";
import type { SocketAddress } from "./server.ts";
import { makeSocket, opened, receiveInto } from "./socket.ts";

/** A client of a socket with plain text frames, such as the old echo socket. */
export class TextClient {
  readonly inbox: Inbox<string>;
  readonly #socket: WebSocket;

  private constructor(address: SocketAddress, name: string, deadline: Deadline) {
    this.inbox = new Inbox(name, deadline);
    this.#socket = makeSocket(address, []);
    receiveInto(this.inbox, this.#socket, (data) => {
      if (typeof data === "string") this.inbox.receive(data);
      else this.inbox.refuse(`a binary frame: ${show([...data.subarray(0, 40)])}`);
    });
  }

  static async open(address: SocketAddress, name: string, deadline: Deadline): Promise<TextClient> {
    const client = new TextClient(address, name, deadline);
    await opened(client.#socket, name, deadline);
    return client;
  }

  next(what: string): Promise<string> {
    return this.inbox.next(what, () => true);
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  drop(): void {
    this.#socket.terminate();
  }
}
