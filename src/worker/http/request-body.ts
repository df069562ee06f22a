import type { Context } from "hono";
import type * as v from "valibot";
import { type Result, refusal, refused } from "../../protocol/errors.ts";
import { parseInput } from "../../protocol/issues.ts";
import { MAX_BODY_BYTES } from "../../protocol/limits.ts";
import type { AppEnv } from "./app-env.ts";

/**
 * Reads a JSON body of a known shape.
 *
 * @param absent the value of a missing body; if it is not given, a request without a body is refused
 */
export async function readBody<S extends v.GenericSchema>(
  c: Context<AppEnv>,
  schema: S,
  absent?: object,
): Promise<Result<v.InferOutput<S>>> {
  const bytes = await readBounded(c.req.raw.body);
  if (bytes === null)
    return refused(refusal("body_too_large", `A body has at most ${MAX_BODY_BYTES} bytes.`));
  let json: unknown = absent;
  try {
    if (bytes.length > 0 || absent === undefined)
      json = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return invalid("The body is not valid JSON in UTF-8.");
  }
  // Valibot takes a list for an object without fields.
  if (Array.isArray(json)) return invalid("The body must be one JSON object.");
  return parseInput(schema, json, "invalid_body");
}

function invalid(message: string): Result<never> {
  return refused(refusal("invalid_body", message));
}

/** The whole stream; null if it is larger than a body may be, and then the rest is not read. */
async function readBounded(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
