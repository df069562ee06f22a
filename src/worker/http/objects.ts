import type { Context } from "hono";
import { accessStub, catalogueStub, directoryStub } from "../addresses.ts";
import type { Expander } from "../expander.ts";
import { Fragments } from "../fragments.ts";
import type { AppEnv } from "./app-env.ts";

/** The objects that serve a request: those of its caller's workspace. */

export function fragmentsOf(c: Context<AppEnv>): Fragments {
  return new Fragments(c.env, c.get("access"));
}

/** A catalogue as requests may use it. Its other methods are for our own objects, and take no access. */
export type CallersCatalogue = Pick<
  ReturnType<typeof catalogueStub>,
  | "list"
  | "ids"
  | "tags"
  | "folders"
  | "dependents"
  | "suggestions"
  | "renamed"
  | "rebuild"
  | "rebuildStatus"
  | "fetch"
>;

export function catalogueOf(c: Context<AppEnv>): CallersCatalogue {
  return catalogueStub(c.env, c.get("access").workspace);
}

export function accessObjectOf(c: Context<AppEnv>) {
  return accessStub(c.env, c.get("access").workspace);
}

/**
 * Makes the workspace known to those that check credentials, before the first one is made: an open server has a workspace
 * that nobody has made. The credential of any other caller was found by its workspace.
 */
export async function announceWorkspace(c: Context<AppEnv>): Promise<void> {
  if (c.get("proof") === null) await directoryStub(c.env).add(c.get("access").workspace);
}

export function expanderOf(c: Context<AppEnv>): Pick<Expander, "expand"> {
  // The execution context is that of this worker, whose exports are those of src/worker/index.ts.
  return (c.executionCtx as ExecutionContext).exports.Expander;
}
