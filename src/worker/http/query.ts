import type { Context } from "hono";
import type * as v from "valibot";
import type { Result } from "../../protocol/errors.ts";
import { parseInput } from "../../protocol/issues.ts";
import type { AppEnv } from "./app-env.ts";

/**
 * Reads the parameters of an address. A parameter that `lists` names may be given several times. A blank parameter
 * counts as absent, since a form sends all of its fields. Unknown parameters were refused before
 * (description/operation.ts).
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
  return parseInput(schema, given, "invalid_query");
}
