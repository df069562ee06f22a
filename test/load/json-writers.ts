import type WebSocket from "ws";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import { applyChanges } from "../support/apply-changes.ts";
import { closed, makeSocket } from "../support/live-socket.ts";
import { tokenBorder } from "./token-ledger.ts";
import type { TokenWriter, WriterOptions } from "./token-writer.ts";

/**
 * - `edit`: sends changes to a version or to its own earlier request, with several under way, and gets changes
 *   (`?changes=1`)
 * - `update`: sends whole texts based on a version, with one under way
 * - `old`: sends whole texts without a base over the old system's path; it names no requests, so it resends nothing
 */
export type JsonWriterKind = "edit" | "update" | "old";

interface Request {
  readonly requestId: string;
  readonly token: string;
  readonly frame: object;
  /** The text that this client shows. */
  readonly text: string;
}

interface KnownText {
  readonly version: number;
  readonly text: string;
}

const MAX_UNDER_WAY: Readonly<Record<JsonWriterKind, number>> = { edit: 4, update: 1, old: 1 };

/** A JSON client, which knows committed versions only. */
export class JsonWriter implements TokenWriter {
  readonly #options: WriterOptions;
  readonly #kind: JsonWriterKind;
  #socket: WebSocket | null = null;
  #closed: Promise<number> = Promise.resolve(1006);
  /** Null until the connection's first frame. */
  #known: KnownText | null = null;
  #underWay: Request[] = [];
  #seq = 0;

  constructor(kind: JsonWriterKind, options: WriterOptions) {
    this.#kind = kind;
    this.#options = options;
  }

  connect(serverUrl: string): void {
    const { id, name, ledger } = this.#options;
    const path =
      this.#kind === "old"
        ? `/api/prompts/ws/fragments/${id}`
        : `/v1/ws/${id}?client=${name}${this.#kind === "edit" ? "&changes=1" : ""}`;
    const socket = makeSocket(serverUrl, path);
    this.#socket = socket;
    this.#known = null;
    this.#closed = closed(socket);
    // Trusted: other tests check the server's grammar.
    socket.on("message", (data) => this.#receive(JSON.parse(String(data)) as ServerFrame));
    void this.#closed.then((code) => {
      this.#known = null;
      if (code !== 1006) ledger.fault(`${name} was closed with ${code}`);
    });
  }

  write(): void {
    const known = this.#known;
    if (known === null || this.#underWay.length >= MAX_UNDER_WAY[this.#kind]) return;
    const { name, random, ledger } = this.#options;
    const token = ledger.makeToken(name, ++this.#seq, this.#kind === "old");
    const requestId = String(this.#seq);
    const before = this.#underWay.at(-1);
    const base = before?.text ?? known.text;
    const at = tokenBorder(base, random.next());
    const text = base.slice(0, at) + token + base.slice(at);
    const named =
      before === undefined ? { base_version: known.version } : { base_request_id: before.requestId };
    const frame = {
      edit: {
        action: "edit",
        ...named,
        changes: [{ from: at, to: at, insert: token }],
        request_id: requestId,
      },
      update: { action: "update", ...named, content: text, request_id: requestId },
      old: { action: "update", content: text },
    }[this.#kind];
    this.#underWay.push({ requestId, token, frame, text });
    this.#send(frame);
  }

  async disconnected(): Promise<void> {
    await this.#closed;
  }

  vanish(): void {
    this.#socket?.terminate();
  }

  #receive(frame: ServerFrame): void {
    const { name, ledger } = this.#options;
    switch (frame.action) {
      case "initial":
        this.#learn(frame.version, frame.content);
        this.#resend();
        break;
      case "update":
        if ("content" in frame) this.#learn(frame.version, frame.content);
        else if (this.#known?.version === frame.base_version)
          this.#learn(frame.version, applyChanges(this.#known.text, frame.changes));
        else ledger.fault(`${name} got changes on ${frame.base_version} and has ${this.#known?.version}`);
        break;
      case "update_status":
        this.#acknowledged(frame);
        break;
      case "error":
        ledger.fault(`${name} got the error ${frame.code}: ${frame.message}`);
        this.#refused(frame);
        break;
      default:
        ledger.fault(`${name} got an unexpected "${frame.action}"`);
    }
  }

  #learn(version: number, text: string): void {
    this.#options.ledger.sawVersion(version, text);
    if (this.#known !== null && this.#known.version > version) return;
    this.#known = { version, text };
  }

  #resend(): void {
    if (this.#kind === "old") this.#underWay = [];
    this.#options.ledger.countResent(this.#underWay.length);
    for (const { frame } of this.#underWay) this.#send(frame);
  }

  #acknowledged(status: Extract<ServerFrame, { action: "update_status" }>): void {
    const { name, ledger } = this.#options;
    const { version, request_id, content, changes = [] } = status;
    const request = this.#underWay.shift();
    if (request === undefined || (this.#kind !== "old" && request.requestId !== request_id)) {
      ledger.fault(`${name} got a status for ${request_id} and waits for ${request?.requestId}`);
      return;
    }
    ledger.acknowledge(request.token);
    // An old client believes that its own text is the current one. If not, an `update` comes next.
    if (this.#kind === "old") this.#known = { version, text: request.text };
    else if (status.more !== true) this.#learn(version, content ?? applyChanges(request.text, changes));
  }

  /** Writes a refused change again on the current text, as a careful client does. */
  #refused(frame: Extract<ServerFrame, { action: "error" }>): void {
    if (frame.version !== undefined && frame.content !== undefined) {
      this.#known = { version: frame.version, text: frame.content };
    }
    this.#underWay = this.#underWay.filter(({ requestId }) => requestId !== frame.request_id);
  }

  #send(frame: object): void {
    this.#socket?.send(JSON.stringify(frame));
  }
}
