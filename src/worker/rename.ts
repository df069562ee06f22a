import { waitUntil } from "cloudflare:workers";
import type { RequestKey } from "../core/fragment/write.ts";
import type { FragmentId } from "../language/fragment-id.ts";
import { type Access, writeFault } from "../protocol/access.ts";
import { refusal, refused } from "../protocol/errors.ts";
import type { Fragment } from "../protocol/fragment.ts";
import type { FragmentAnswer } from "./fragment/fragment-view.ts";
import { type Preconditions, UNCONDITIONAL } from "./fragment/preconditions.ts";
import type { Fragments } from "./fragments.ts";
import type { CallersCatalogue } from "./http/objects.ts";
import { CATALOGUE_WAIT_MS, within } from "./within.ts";

/** An attempt fails if somebody writes to the fragment meanwhile. */
const ATTEMPTS = 3;
/**
 * Pauses before each try to tell the catalogue. Their sum is less than the 30 s that the platform allows for work after
 * the answer.
 */
const PAUSES_MS = [0, 1_000, 4_000, 10_000];

export interface RenameObjects {
  /** The caller's. It must be able to write both fragments. */
  readonly access: Access;
  readonly fragments: Fragments;
  /** A new stub for each call: one whose call has failed may stay broken. */
  catalogue(): CallersCatalogue;
}

export interface Rename {
  readonly from: FragmentId;
  readonly to: FragmentId;
  /** The key by which the new fragment recognises a repetition; null if the request has none. */
  readonly request: RequestKey | null;
}

/**
 * Gives a fragment another id. A new fragment gets its text, metadata and time of creation; then the old one is
 * deleted, unless somebody has written to it meanwhile. At every moment at least one of the two exists. A crash in
 * between leaves both, and a repetition of the request goes on from there.
 */
export async function renameFragment(objects: RenameObjects, rename: Rename): Promise<FragmentAnswer> {
  const { access, fragments } = objects;
  const { from, to, request } = rename;
  const fault = writeFault(access, from) ?? writeFault(access, to);
  if (fault !== null) return refused(fault);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const fragment = await fragments.read(from);
    if (fragment === null)
      return (await answerAgain()) ?? refuse("not_found", `Fragment '${from}' not found.`);
    const { content, description, tags, prompt_type, eol, created_at, version } = fragment;
    const made = await fragments.put(
      to,
      {
        content: { kind: "text", text: content },
        metadata: { description, tags, prompt_type },
        moved: { eol, createdAtMs: Date.parse(created_at) },
        request,
      },
      "create",
    );
    if (!made.ok) return made;
    // A repetition gets the copy that the first request made. Somebody may have written to the old fragment since.
    if (isCopy(made.value.fragment, fragment)) {
      if ((await fragments.remove(from, onlyAt(version))) === null) {
        const told = tellRename(objects, rename);
        waitUntil(told);
        await within(CATALOGUE_WAIT_MS, told);
        return made;
      }
      // The same request, sent twice at once, has finished the rename: its new fragment must stay.
      if (request !== null && (await fragments.read(from)) === null) continue;
    }
    await fragments.remove(to, onlyAt(made.value.fragment.version));
  }
  return refuse("unavailable", `Fragment '${from}' is being edited; try again.`);

  /** The new fragment's earlier answer to this request; null if there is none. */
  async function answerAgain(): Promise<FragmentAnswer | null> {
    if (request === null) return null;
    const preconditions: Preconditions = { ...UNCONDITIONAL, match: "any" }; // nothing is made here
    const again = await fragments.put(
      to,
      { content: null, metadata: null, request, preconditions },
      "create",
    );
    const isKnown = again.ok || again.refusal.code === "idempotency_key_reused";
    return isKnown ? again : null;
  }
}

/**
 * Tells the catalogue of the rename, for the listeners to its events. The rename itself does not depend on this. Tries
 * again if the catalogue fails, or has not heard of the deletion yet.
 */
async function tellRename({ access, catalogue }: RenameObjects, { from, to }: Rename): Promise<void> {
  for (const pauseMs of PAUSES_MS) {
    if (pauseMs > 0) await scheduler.wait(pauseMs);
    try {
      const told = await catalogue().renamed(access, from, to);
      if (!told.ok || told.value) return;
    } catch (error) {
      console.error(`fragment ${from}: the catalogue could not be told of its rename to ${to}`, error);
    }
  }
}

function isCopy(made: Fragment, original: Fragment): boolean {
  const textOf = ({ content, description, tags, prompt_type }: Fragment) =>
    JSON.stringify([content, description, tags, prompt_type]);
  return textOf(made) === textOf(original);
}

function onlyAt(version: number): Preconditions {
  return { ...UNCONDITIONAL, match: [version] };
}

function refuse(code: "not_found" | "unavailable", message: string): FragmentAnswer {
  return refused(refusal(code, message));
}
