/** The addresses of all Durable Objects: no other file names a binding of one. */
import type { FragmentId } from "../language/fragment-id.ts";
import type { Workspace } from "../protocol/access.ts";

/** A fragment's object. Its name is `workspace/fragment-id`; location hints and jurisdictions belong here. */
export function fragmentStub(env: Env, workspace: Workspace, id: FragmentId) {
  return env.FRAGMENT.getByName(`${workspace}/${id}`);
}

/** The fragment id in an object's name. */
export function fragmentIdOf(objectName: string): string {
  return objectName.slice(objectName.indexOf("/") + 1);
}

/** The workspace in an object's name. */
export function workspaceOf(objectName: string): Workspace {
  return objectName.slice(0, objectName.indexOf("/")) as Workspace; // fragmentStub named it
}

/**
 * The witness of a workspace: an object among its fragments, with the empty id, which no fragment can have. It knows
 * whether the workspace had a catalogue before the present one (storage/known-ids.ts), and is lost only together with
 * the fragments.
 */
export function witnessStub(env: Env, workspace: Workspace) {
  return env.FRAGMENT.getByName(`${workspace}/`);
}

/** The object of a workspace's keys, users and browser sessions, and of its audit log. */
export function accessStub(env: Env, workspace: Workspace) {
  return env.ACCESS.getByName(workspace);
}

/** The one list of workspaces. */
export function directoryStub(env: Env) {
  return env.DIRECTORY.getByName("workspaces");
}

/** A workspace's catalogue. */
export function catalogueStub(env: Env, workspace: Workspace) {
  return env.CATALOGUE.getByName(workspace);
}
