import { env } from "cloudflare:workers";
import type { Access, Workspace } from "../../src/protocol/access.ts";
import type { RebuildStatus } from "../../src/protocol/catalogue.ts";
import { catalogueStub } from "../../src/worker/addresses.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";

/** Rebuilds of a catalogue, as its admin asks for them. */

export async function rebuild(
  ids: readonly string[],
  isComplete = false,
  admin: Access = OPEN_ACCESS,
): Promise<RebuildStatus> {
  const begun = await catalogueStub(env, admin.workspace).rebuild(admin, ids, isComplete);
  if (!begun.ok) throw new Error(begun.refusal.message);
  return begun.value;
}

export async function rebuildStatus(admin: Access = OPEN_ACCESS): Promise<RebuildStatus> {
  const status = await catalogueStub(env, admin.workspace).rebuildStatus(admin);
  if (!status.ok) throw new Error(status.refusal.message);
  return status.value;
}

/** The access of an admin of the catalogue's workspace. */
export function adminOf(catalogue: ReturnType<typeof catalogueStub>): Access {
  return { ...OPEN_ACCESS, workspace: catalogue.name as Workspace }; // catalogueStub named it
}
