import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import type { Deadline } from "./deadline.ts";
import { show } from "./expect.ts";
import { watchDocument } from "./yjs-client.ts";

type States = ReadonlyMap<number, Readonly<Record<string, unknown>>>;

export interface StockConnection {
  /** The address in front of the room's name, with ws or wss. */
  readonly serverUrl: string;
  /** The room's name. */
  readonly id: string;
  /** The query. */
  readonly params?: Record<string, string> | undefined;
}

/** An unchanged y-websocket provider with its document, set up as in the documents. */
export class StockClient {
  readonly name: string;
  readonly doc = new Y.Doc();
  readonly provider: WebsocketProvider;
  readonly #deadline: Deadline;
  readonly #gaveUp: Promise<number>;

  constructor({ serverUrl, id, params = {} }: StockConnection, name: string, deadline: Deadline) {
    this.name = `the stock provider ${name}`;
    this.#deadline = deadline;
    this.provider = new WebsocketProvider(serverUrl, id, this.doc, {
      params,
      // The package's signature has the DOM's type; ws has the part of it that the provider uses.
      WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
      disableBc: true,
    });
    this.#gaveUp = new Promise((settle) => this.provider.on("closed", ({ code }) => settle(code)));
  }

  get text(): Y.Text {
    return this.doc.getText("content");
  }

  /** Settles when it is connected and in sync. */
  synced(): Promise<void> {
    const synced = new Promise<void>((settle) => {
      if (this.provider.synced) settle();
      else this.provider.once("sync", () => settle());
    });
    return this.#deadline.wait(synced, () => `${this.name} waited to be in sync`);
  }

  hasText(text: string): Promise<void> {
    return this.#deadline.until(
      () => this.text.toString() === text,
      watchDocument(this.doc),
      () => `${this.name} waited for the text ${show(text)} and has ${show(this.text.toString())}`,
    );
  }

  /** Settles when the states of the others, by client id, are as wanted. */
  seesOthers(what: string, isSo: (others: States) => boolean): Promise<void> {
    const { awareness } = this.provider;
    const others = () => new Map([...awareness.getStates()].filter(([id]) => id !== this.doc.clientID));
    return this.#deadline.until(
      () => isSo(others()),
      (look) => {
        awareness.on("change", look);
        return () => awareness.off("change", look);
      },
      () => `${this.name} waited to see ${what} and sees ${show([...others().values()])}`,
    );
  }

  /** Settles with the close code when the provider has given up for ever. */
  gaveUp(): Promise<number> {
    return this.#deadline.wait(this.#gaveUp, () => `${this.name} waited for its end`);
  }

  drop(): void {
    this.provider.destroy();
    this.provider.awareness.destroy();
    this.doc.destroy();
  }
}
