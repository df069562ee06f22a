import type { Context } from "hono";
import { restClient } from "../../core/fragment/request-client.ts";
import type { RequestKey } from "../../core/fragment/write.ts";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { MAX_REQUEST_ID_UNITS } from "../../protocol/limits.ts";
import type { AppEnv } from "./app-env.ts";
import { digest } from "./digest.ts";

/**
 * Reads `Idempotency-Key`: a request with a key is carried out once, however often it is sent. The fingerprint of the
 * method and the parsed body tells a repetition from another request with the same key. Null if the request has no key.
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
  return done({ client: restClient(c.get("access").principal), requestId, fingerprint });
}
