import type { Context } from "hono";
import type { FragmentId } from "../../language/fragment-id.ts";
import { catalogueStub, DEFAULT_WORKSPACE, fragmentStub } from "../addresses.ts";
import type { Expander } from "../expander.ts";
import type { AppEnv } from "./app-env.ts";

/** What a request speaks to. Only these functions choose the workspace of a request. */

export function fragmentObject(c: Context<AppEnv>, id: FragmentId) {
  return fragmentStub(c.env, DEFAULT_WORKSPACE, id);
}

export function catalogueObject(c: Context<AppEnv>) {
  return catalogueStub(c.env, DEFAULT_WORKSPACE);
}

export function expander(c: Context<AppEnv>): Pick<Expander, "expand"> {
  // The execution context is that of this worker, whose exports are those of src/worker/index.ts.
  return (c.executionCtx as ExecutionContext).exports.Expander;
}
