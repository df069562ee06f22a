/**
 * A JSON socket written down as wscat shows it:
 *
 *     npx wscat -c 'ws://localhost:8081/v1/ws/team/greeting'
 *     < {"action":"initial", …}
 *     > {"action":"update","content":"Hello"}
 *     Disconnected (code: 4410, reason: "…")
 *
 * `>` is sent; `<` is the next frame that comes, compared as JSON. A line that begins with two spaces goes on.
 */
import type WebSocket from "ws";
import { makeSocket, opened, within } from "./live-socket.ts";
import { jsonFault, textFault } from "./printed-pattern.ts";

const CONNECT = /^npx wscat -c '(ws[^']+)'$/;

export class WscatSession {
  readonly #socket: WebSocket;
  readonly #unread: string[] = [];
  #wake: () => void = () => undefined;

  private constructor(url: string) {
    const { origin, pathname, search } = new URL(url);
    this.#socket = makeSocket(origin, pathname + search);
    this.#socket.on("message", (data) => this.#receive(`< ${data}`));
    this.#socket.on("close", (code, reason) =>
      this.#receive(`Disconnected (code: ${code}, reason: "${reason}")`),
    );
  }

  /** The first line of `text` connects when it is a command; else `before` goes on. */
  static async run(text: string, before: WscatSession | undefined): Promise<WscatSession> {
    const [first = "", ...rest] = text.replaceAll(/\n {2}\s*/g, " ").split("\n");
    const url = CONNECT.exec(first)?.[1];
    const session = url === undefined ? before : new WscatSession(url);
    if (session === undefined) throw new Error(`"${first}" does not connect, and nothing did before`);
    if (url !== undefined) await opened(session.#socket);
    for (const line of url === undefined ? [first, ...rest] : rest) await session.#line(line);
    return session;
  }

  /** What came and no page showed. */
  get unread(): readonly string[] {
    return this.#unread;
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.terminate();
  }

  async #line(line: string): Promise<void> {
    if (line.startsWith("> ")) return this.#socket.send(line.slice(2));
    const came = await within(line, this.#next());
    const fault =
      line.startsWith("< {") && came.startsWith("< {")
        ? jsonFault(line.slice(2), came.slice(2))
        : textFault(line, came);
    if (fault !== null) throw new Error(fault);
  }

  async #next(): Promise<string> {
    for (;;) {
      const line = this.#unread.shift();
      if (line !== undefined) return line;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  #receive(line: string): void {
    this.#unread.push(line);
    this.#wake();
  }
}
