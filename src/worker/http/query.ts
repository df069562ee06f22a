import type { Context } from "hono";
import * as v from "valibot";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import { describeIssues } from "../../protocol/issues.ts";
import type { AppEnv } from "./app-env.ts";

export type Query<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Reads the parameters that a schema knows from the address; those that it has a list for may stand there often. A blank
 * one is as absent, since a form sends all of its fields.
 */
export function readQuery<S extends v.ObjectSchema<v.ObjectEntries, undefined>>(
  c: Context<AppEnv>,
  schema: S,
  lists: readonly string[] = [],
): Query<v.InferOutput<S>> {
  const { searchParams } = new URL(c.req.url);
  const given: Record<string, string | string[]> = {};
  for (const name of new Set(searchParams.keys())) {
    const values = searchParams.getAll(name).filter((value) => value.trim() !== "");
    const [first] = values;
    if (first !== undefined) given[name] = lists.includes(name) ? values : first;
  }
  const result = v.safeParse(schema, given, { abortEarly: true });
  if (result.success) return { ok: true, value: result.output };
  return { ok: false, refusal: refusal("invalid_query", `${describeIssues(result.issues)}.`) };
}
