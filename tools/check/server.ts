import type { FragmentId } from "../../src/language/fragment-id.ts";
import type { Deadline } from "./deadline.ts";
import { CheckFailure } from "./expect.ts";

/** What a server answered over HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON; else the text. */
  readonly body: unknown;
}

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The server that is checked, by its addresses. */
export class Server {
  /** Without a slash at the end. */
  readonly url: string;

  constructor(url: URL) {
    this.url = url.origin;
  }

  /** The address of a socket. */
  socketUrl(path: string): string {
    return `${this.url.replace(/^http/, "ws")}${path}`;
  }

  /** Any status is an answer. Throws a CheckFailure when none comes. */
  async request(
    deadline: Deadline,
    method: string,
    path: string,
    { body, headers }: RequestOptions = {},
  ): Promise<Answer> {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    try {
      const response = await fetch(`${this.url}${path}`, {
        method,
        headers: { ...json, ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: deadline.signal,
      });
      return { status: response.status, headers: response.headers, body: parse(await response.text()) };
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.reason(`${method} ${path}`);
      throw new CheckFailure(`${method} ${path} was not answered (${describeCause(error)})`);
    }
  }
}

/** The slashes of an id stay slashes, its other characters are encoded. */
export function fragmentPath(id: FragmentId): string {
  return `/v1/fragments/${encodePath(id)}`;
}

export function encodePath(id: FragmentId): string {
  return id.split("/").map(encodeURIComponent).join("/");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // not JSON: a check that expected some sees what came
  }
}

/** `fetch` puts the telling part into the code of an error one level down. */
export function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.cause === undefined ? error.message : describeCause(error.cause);
}
