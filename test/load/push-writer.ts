import * as Y from "yjs";
import { SyncSocket } from "./sync-socket.ts";
import { tokenBorder } from "./token-ledger.ts";
import type { TokenWriter, WriterOptions } from "./token-writer.ts";

interface Push {
  readonly seq: number;
  readonly token: string;
  readonly update: Uint8Array;
}

const MAX_UNSAVED = 64;

/** A Yjs editor with our subprotocol. It types on while it is offline, and knows which edits are saved. */
export class PushWriter implements TokenWriter {
  readonly #options: WriterOptions;
  readonly #doc = new Y.Doc();
  #unsaved: Push[] = [];
  #seq = 0;
  #connection: SyncSocket | null = null;
  #isOpen = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    // A seeded client id, so that each run breaks ties between editors in the same way.
    this.#doc.clientID = options.random.below(2 ** 32 - 1) + 1;
  }

  connect(serverUrl: string): void {
    const { id, name, ledger } = this.#options;
    const connection = new SyncSocket(serverUrl, `/v1/sync/${id}?client=${name}`, this.#doc, {
      onSaved: (seq, revision) => this.#saved(seq, revision),
      onNotice: (code, message) => ledger.fault(`${name} got the notice ${code}: ${message}`),
    });
    this.#connection = connection;
    connection.socket.on("open", () => {
      this.#isOpen = true;
      ledger.countResent(this.#unsaved.length);
      for (const { seq, update } of this.#unsaved) connection.push(seq, update);
    });
    void connection.closed.then((code) => {
      this.#isOpen = false;
      if (code !== 1006) ledger.fault(`${name} was closed with ${code}`);
    });
  }

  write(): void {
    if (this.#unsaved.length >= MAX_UNSAVED) return;
    const { name, random, ledger } = this.#options;
    const token = ledger.makeToken(name, ++this.#seq, false);
    const text = this.#doc.getText("content");
    const position = tokenBorder(text.toString(), random.next());
    const before = Y.encodeStateVector(this.#doc);
    text.insert(position, token);
    const push = { seq: this.#seq, token, update: Y.encodeStateAsUpdate(this.#doc, before) };
    this.#unsaved.push(push);
    if (this.#isOpen) this.#connection?.push(push.seq, push.update);
  }

  async disconnected(): Promise<void> {
    await this.#connection?.closed;
  }

  vanish(): void {
    this.#connection?.socket.terminate();
  }

  #saved(upTo: number, revision: number): void {
    const { ledger } = this.#options;
    ledger.sawRevision(revision);
    for (const { seq, token } of this.#unsaved) if (seq <= upTo) ledger.acknowledge(token);
    this.#unsaved = this.#unsaved.filter(({ seq }) => seq > upTo);
  }
}
