import type { Context } from "hono";
import * as v from "valibot";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { describeIssues } from "../../protocol/issues.ts";
import type { AppEnv } from "./app-env.ts";

/**
 * Reads the parameters that a schema knows from the address; those that it has a list for may stand there often. A blank
 * one is as absent, since a form sends all of its fields.
 */
export function readQuery<S extends v.ObjectSchema<v.ObjectEntries, undefined>>(
  c: Context<AppEnv>,
  schema: S,
  lists: readonly string[] = [],
): Result<v.InferOutput<S>> {
  const { searchParams } = new URL(c.req.url);
  const given: Record<string, string | string[]> = {};
  for (const name of new Set(searchParams.keys())) {
    const values = searchParams.getAll(name).filter((value) => value.trim() !== "");
    const [first] = values;
    if (first !== undefined) given[name] = lists.includes(name) ? values : first;
  }
  const result = v.safeParse(schema, given, { abortEarly: true });
  if (result.success) return done(result.output);
  return refused(refusal("invalid_query", `${describeIssues(result.issues)}.`));
}
