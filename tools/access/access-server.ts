import { randomUUID } from "node:crypto";
import * as v from "valibot";
import type { Workspace } from "../../src/protocol/access.ts";
import { OPERATOR_TOKEN_SECONDS } from "../../src/protocol/limits.ts";
import { signToken } from "../../src/protocol/tokens.ts";
import { describeProblem } from "../problem.ts";
import { describeNoServer } from "../server-url.ts";
import { authorization } from "./credential.ts";

const REQUEST_TIMEOUT_MS = 15_000;

/** A token that makes its holder an admin of the workspace for five minutes. The workspace is made if there is none. */
export function operatorToken(secret: string, workspace: Workspace): Promise<string> {
  const issuedAtMs = Date.now();
  return signToken(secret, {
    kind: "operator",
    id: randomUUID(),
    workspace,
    makesWorkspace: true,
    issuedAtMs,
    expiresAtMs: issuedAtMs + OPERATOR_TOKEN_SECONDS * 1000,
  });
}

/** An answer that is no success. The message is for users. */
export class ServerRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The addresses that administer the access to a server. */
export class AccessServer {
  readonly #origin: string;
  readonly #credential: string;

  constructor(url: URL, credential: string) {
    this.#origin = url.origin;
    this.#credential = credential;
  }

  /** The body of the answer, as the schema has it. Throws a `ServerRefusal`, or a sentence for the terminal. */
  async call<S extends v.GenericSchema>(
    schema: S,
    method: string,
    path: string,
    body?: object,
  ): Promise<v.InferOutput<S>> {
    const response = await this.#send(method, path, body);
    const text = await response.text().catch((error: unknown) => {
      throw new Error(describeNoServer(this.#origin, error));
    });
    if (!response.ok)
      throw new ServerRefusal(
        response.status,
        `The server answered ${response.status}: ${describeProblem(text)}`,
      );
    const parsed = v.safeParse(schema, text === "" ? null : JSON.parse(text));
    if (parsed.success) return parsed.output;
    throw new Error(`${method} ${path} was not answered as Prompt Manager does.`);
  }

  async #send(method: string, path: string, body?: object): Promise<Response> {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    try {
      return await fetch(`${this.#origin}${path}`, {
        method,
        headers: { ...authorization(this.#credential), ...json },
        redirect: "manual", // the credential is for this host only
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw new Error(describeNoServer(this.#origin, error));
    }
  }
}
