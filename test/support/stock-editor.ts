import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { within } from "./live-socket.ts";

/** A stock y-websocket provider with its document, set up as the README says, whose connections and texts can be watched. */
export class StockEditor {
  readonly doc: Y.Doc;
  readonly provider: WebsocketProvider;
  /** The code of each close that it saw; null where it gave up waiting by itself. */
  readonly closeCodes: (number | null)[] = [];
  /** Settles when it has given up for ever, with the close code. */
  readonly gaveUp: Promise<number>;

  /** @param doc of a page that has another provider already */
  constructor(serverUrl: string, id: string, params: Record<string, string> = {}, doc = new Y.Doc()) {
    this.doc = doc;
    this.provider = new WebsocketProvider(`${serverUrl.replace(/^http/, "ws")}/v1/sync`, id, this.doc, {
      params,
      // The DOM's type in the package's signature; ws has all of it that the provider uses.
      WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
      disableBc: true,
    });
    this.provider.on("connection-close", (event) => this.closeCodes.push(event?.code ?? null));
    this.gaveUp = new Promise((settle) => this.provider.on("closed", ({ code }) => settle(code)));
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
    return within("the provider's sync", synced);
  }

  /** Settles when the text is this one. */
  hasText(text: string): Promise<void> {
    const found = new Promise<void>((settle) => {
      const look = () => {
        if (this.text.toString() !== text) return;
        this.doc.off("update", look);
        settle();
      };
      this.doc.on("update", look);
      look();
    });
    return within(`the text ${JSON.stringify(text.slice(0, 80))}`, found);
  }

  /** Settles when the states of others are such that `isIt` holds; by their client ids. */
  seesOthers(isIt: (states: ReadonlyMap<number, object>) => boolean, timeoutMs?: number): Promise<void> {
    const { awareness } = this.provider;
    const found = new Promise<void>((settle) => {
      const look = () => {
        const others = new Map(awareness.getStates());
        others.delete(this.doc.clientID);
        if (!isIt(others)) return;
        awareness.off("change", look);
        settle();
      };
      awareness.on("change", look);
      look();
    });
    return within("the states of others", found, timeoutMs);
  }

  destroy(): void {
    this.provider.destroy();
    this.provider.awareness.destroy();
    this.doc.destroy();
  }
}
