import type { Access, Workspace } from "../../../protocol/access.ts";
import { type Result, refusal, refused } from "../../../protocol/errors.ts";
import { accessStub, directoryStub } from "../../addresses.ts";
import { type Proof, proofOf } from "../proof.ts";
import { accessSettings } from "../settings.ts";

/** Workspaces that this isolate knows to exist. They are never removed, so an entry is never wrong. */
const known = new Set<Workspace>();
const MAX_KNOWN = 10_000;

/**
 * A refusal takes this long at least, whatever was asked for it: a workspace that does not exist is answered from another
 * place on earth than one that does. Longer than a round trip around the world takes.
 */
const REFUSAL_MS = 300;

const UNAVAILABLE = refusal(
  "unavailable",
  "Keys and tokens cannot be checked at the moment; try again later.",
);

/**
 * Asks the proof's workspace what the proof is worth now.
 *
 * A refusal costs two calls and the same time, whether the workspace exists or not.
 *
 * @param fragment a socket is about to join it; null for everything else
 */
export async function admit(env: Env, proof: Proof, fragment: string | null): Promise<Result<Access>> {
  const startMs = Date.now();
  const admitted = await ask(env, proof, fragment);
  if (!admitted.ok) await scheduler.wait(Math.max(0, startMs + REFUSAL_MS - Date.now()));
  return admitted;
}

async function ask(env: Env, proof: Proof, fragment: string | null): Promise<Result<Access>> {
  try {
    const { workspace } = proof;
    const directory = directoryStub(env);
    const wasKnown = known.has(workspace);
    if (!wasKnown && !(await exists(env, proof))) return await directory.refuse();
    remember(workspace);
    const admitted = await accessStub(env, workspace).admit(proof, fragment);
    if (wasKnown && !admitted.ok) await directory.has(workspace);
    return admitted;
  } catch (error) {
    console.error("an access object could not be asked", error);
    return refused(UNAVAILABLE);
  }
}

/** Whether the workspace exists. The operator makes it, with a token that says so or by a rule for an identity provider. */
async function exists(env: Env, proof: Proof): Promise<boolean> {
  const directory = directoryStub(env);
  if (!makesWorkspace(proof)) return directory.has(proof.workspace);
  await directory.add(proof.workspace);
  return true;
}

/** Whether this isolate has called the workspace before. */
export function isKnownWorkspace(workspace: Workspace): boolean {
  return known.has(workspace);
}

/** A token that has expired makes none. */
function makesWorkspace(proof: Proof): boolean {
  if (proof.kind === "identity") return proof.expiresAtMs > Date.now();
  if (proof.kind !== "token" || proof.claims.kind !== "operator") return false;
  return proof.claims.makesWorkspace && proof.claims.expiresAtMs > Date.now();
}

function remember(workspace: Workspace): void {
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(workspace);
}

/**
 * The access of a key or token, as it is now.
 *
 * @param fragment the one whose socket shows it
 */
export async function accessOf(
  env: Env,
  credential: string,
  fragment: string | null,
): Promise<Result<Access>> {
  const settings = accessSettings(env);
  if (!settings.ok) return settings;
  const proof = await proofOf(credential, settings.value, Date.now());
  return proof.ok ? admit(env, proof.value, fragment) : proof;
}
