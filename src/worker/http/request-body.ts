import type { Context } from "hono";
import * as v from "valibot";
import { describeIssues } from "../../protocol/issues.ts";
import { MAX_BODY_BYTES } from "../../protocol/limits.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

type Body<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly response: Response };

/**
 * Reads a JSON body of a known shape; what is wrong with it is the answer.
 *
 * @param absent what a request without a body means; it is wrong where that is nothing
 */
export async function readBody<S extends v.GenericSchema>(
  c: Context<AppEnv>,
  schema: S,
  absent?: object,
): Promise<Body<v.InferOutput<S>>> {
  const fail = (response: Response): Body<never> => ({ ok: false, response });
  const bytes = await readBounded(c.req.raw.body);
  if (bytes === null)
    return fail(problem(c, "body_too_large", `A body has at most ${MAX_BODY_BYTES} bytes.`));
  let json: unknown = absent;
  try {
    if (bytes.length > 0 || absent === undefined)
      json = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return fail(problem(c, "invalid_body", "The body is not valid JSON in UTF-8."));
  }
  // Valibot takes a list for an object without fields.
  if (Array.isArray(json)) return fail(problem(c, "invalid_body", "The body must be one JSON object."));
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return { ok: true, value: result.output };
  return fail(problem(c, "invalid_body", `${describeIssues(result.issues)}.`));
}

/** All of the stream, or null when it is larger than a body may be; then the rest is not read. */
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
