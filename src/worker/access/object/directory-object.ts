import { DurableObject } from "cloudflare:workers";
import type { Workspace } from "../../../protocol/access.ts";
import { type Result, refused } from "../../../protocol/errors.ts";
import { WorkspaceTable } from "../../storage/access-workspaces.ts";
import { NOT_VALID } from "../credentials.ts";

/** Knows which workspaces exist, so that the name of another one in a credential creates nothing. There is one. */
export class DirectoryObject extends DurableObject<Env> {
  readonly #workspaces: WorkspaceTable;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#workspaces = new WorkspaceTable(ctx.storage);
  }

  has(workspace: Workspace): boolean {
    return this.#workspaces.has(workspace);
  }

  /** Makes the workspace, if it is not there. */
  add(workspace: Workspace): void {
    if (!this.#workspaces.has(workspace)) this.#workspaces.add(workspace, Date.now());
  }

  /** Stands in for the access object of a workspace that does not exist: it refuses, and takes as long. */
  refuse(): Result<never> {
    return refused(NOT_VALID);
  }
}
