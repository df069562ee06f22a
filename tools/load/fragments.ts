/** The fragments that a load test makes and deletes again, over REST. */
import { setTimeout as delay } from "node:timers/promises";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { authorization, describeUnauthorised } from "../access/credential.ts";
import { describeProblem } from "../problem.ts";
import { describeNoServer } from "../server-url.ts";

export interface Fragments {
  create(id: string): Promise<void>;
  /** The text as a newcomer reads it. */
  read(id: string): Promise<string>;
  delete(id: string): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 15_000;
const ATTEMPTS = 3;
const PAUSE_MS = 500;

/** Every method throws an error with a sentence for the user if the server refuses, or does not answer. */
export class RestFragments implements Fragments {
  readonly #origin: string;
  readonly #key: string | null;

  constructor(origin: string, key: string | null) {
    this.#origin = origin;
    this.#key = key;
  }

  async checkServer(): Promise<void> {
    const response = await this.#send("GET", "/healthz");
    if (!response.ok)
      throw new Error(`${this.#origin}/healthz answered ${response.status}, and not as Prompt Manager does.`);
    const asked = await this.#send("GET", "/v1/tags");
    const body = await asked.text();
    if (asked.status === 401) throw new Error(describeUnauthorised(this.#origin, this.#key, body));
  }

  async create(id: string): Promise<void> {
    // Not POST: a PUT whose answer was lost can be sent again.
    await this.#request("PUT", `/v1/fragments/${id}`, { content: "", description: "Made by a load test." });
  }

  async read(id: string): Promise<string> {
    const response = await this.#request("GET", `/v1/fragments/${id}`);
    return ((await response.json()) as Fragment).content; // trusted: the server is ours
  }

  async delete(id: string): Promise<void> {
    await this.#request("DELETE", `/v1/fragments/${id}`);
  }

  /** Tries again after a 5xx: a server under load may answer 503. */
  async #request(method: string, path: string, body?: object): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#send(method, path, body);
      if (response.ok) return response;
      const text = await response.text();
      if (response.status < 500 || attempt === ATTEMPTS)
        throw new Error(`${method} ${path} answered ${response.status}: ${describeProblem(text)}`);
      await delay(PAUSE_MS * attempt);
    }
  }

  async #send(method: string, path: string, body?: object): Promise<Response> {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    try {
      return await fetch(`${this.#origin}${path}`, {
        method,
        redirect: "manual", // the user agreed to this host only
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        headers: { ...authorization(this.#key), ...json },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw new Error(describeNoServer(this.#origin, error));
    }
  }
}
