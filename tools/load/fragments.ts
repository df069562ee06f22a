/** The fragments that a load test makes and takes away again, over REST. */
import { setTimeout as delay } from "node:timers/promises";
import type { Fragment } from "../../src/protocol/fragment.ts";

export interface Fragments {
  create(id: string): Promise<void>;
  /** The text as somebody reads it who has never been there. */
  read(id: string): Promise<string>;
  delete(id: string): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 15_000;
const ATTEMPTS = 3;
const PAUSE_MS = 500;

/** Every method throws, in words, when the server does not do it. */
export class RestFragments implements Fragments {
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async checkServer(): Promise<void> {
    const response = await this.#send("GET", "/healthz");
    if (!response.ok)
      throw new Error(`${this.#origin}/healthz answered ${response.status}, and not as Prompt Manager does.`);
  }

  async create(id: string): Promise<void> {
    // Not POST: a PUT that was done and not answered can be sent again.
    await this.#request("PUT", `/v1/fragments/${id}`, { content: "", description: "Made by a load test." });
  }

  async read(id: string): Promise<string> {
    const response = await this.#request("GET", `/v1/fragments/${id}`);
    return ((await response.json()) as Fragment).content; // the server's own word
  }

  async delete(id: string): Promise<void> {
    await this.#request("DELETE", `/v1/fragments/${id}`);
  }

  /** A server under load may ask for patience (500, 503). */
  async #request(method: string, path: string, body?: object): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#send(method, path, body);
      if (response.ok) return response;
      const text = await response.text();
      if (response.status < 500 || attempt === ATTEMPTS)
        throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 200)}`);
      await delay(PAUSE_MS * attempt);
    }
  }

  async #send(method: string, path: string, body?: object): Promise<Response> {
    const sent =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    try {
      return await fetch(`${this.#origin}${path}`, {
        method,
        redirect: "manual", // another host was not agreed to
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...sent,
      });
    } catch (error) {
      throw new Error(
        `No server answers at ${this.#origin} (${describeCause(error)}). Start one with "npm run serve", or name another with --url.`,
      );
    }
  }
}

/** `fetch` puts the telling part one level down. */
function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.cause === undefined ? error.message : describeCause(error.cause);
}
