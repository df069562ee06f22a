import { authorization } from "../access/credential.ts";
import { describeCause } from "../server-url.ts";
import type { Deadline } from "./deadline.ts";
import { CheckFailure } from "./expect.ts";

/** An answer over HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed if it is JSON, otherwise the text. */
  readonly body: unknown;
}

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The address of a socket, and the headers of the request that opens it. */
export interface SocketAddress {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The server under check, as one caller reaches it. */
export class Server {
  /** Without a slash at the end. */
  readonly url: string;
  /** Null for a caller without one. */
  readonly credential: string | null;
  /** Tokens of users, for the sockets of different people; empty if sockets show the credential. */
  readonly tokens: readonly string[];

  constructor(url: string, credential: string | null, tokens: readonly string[] = []) {
    this.url = url;
    this.credential = credential;
    this.tokens = tokens;
  }

  socketUrl(path: string): string {
    return `${this.url.replace(/^http/, "ws")}${path}`;
  }

  /** Resolves for any status. Throws a CheckFailure when no answer comes. */
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
        headers: { ...authorization(this.credential), ...json, ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: deadline.signal,
      });
      return { status: response.status, headers: response.headers, body: parse(await response.text()) };
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.reason(`${method} ${path}`);
      throw new CheckFailure(`${method} ${path} was not answered (${describeCause(error)})`, {
        cause: error,
      });
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // not JSON: the check that expected JSON shows what came
  }
}
