import type { Context } from "hono";
import type { RequestKey } from "../../core/fragment/write.ts";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { MAX_REQUEST_ID_UNITS } from "../../protocol/limits.ts";
import type { AppEnv } from "./app-env.ts";
import { digest } from "./digest.ts";

/** The client that REST requests are remembered under: no socket's client is called by an empty name. */
const REST_CLIENT = "";

/**
 * What `Idempotency-Key` asks for: the request is made once, however often it comes. Its fingerprint is that of the
 * method and of the parsed body, so that the same key with another request is told apart from a repetition.
 */
export async function readIdempotencyKey(
  c: Context<AppEnv>,
  body: unknown,
): Promise<Result<RequestKey | null>> {
  const requestId = c.req.header("Idempotency-Key");
  if (requestId === undefined) return done(null);
  if (requestId.length < 1 || requestId.length > MAX_REQUEST_ID_UNITS) {
    const message = `Idempotency-Key: must have 1 to ${MAX_REQUEST_ID_UNITS} characters.`;
    return refused(refusal("invalid_header", message));
  }
  const fingerprint = await digest(JSON.stringify([c.req.method, body]));
  return done({ client: REST_CLIENT, requestId, fingerprint });
}
