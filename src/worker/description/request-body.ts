import { refTo } from "./schemas.ts";

type NamedExamples = Record<string, { readonly summary: string; readonly value: unknown }>;

/** Describes a body in JSON, with examples of requests. */
export function jsonBody(schema: string, examples: NamedExamples) {
  return { required: true, content: { "application/json": { schema: refTo(schema), examples } } };
}
