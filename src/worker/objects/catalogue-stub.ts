import type { Workspace } from "./fragment-stub.ts";

/** The one place that names a workspace's catalogue. */
export function catalogueStub(env: Env, workspace: Workspace) {
  return env.CATALOGUE.getByName(workspace);
}
