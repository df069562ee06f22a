import type { FragmentId } from "../language/fragment-id.ts";
import { refusal } from "../protocol/errors.ts";
import { catalogueStub } from "./objects/catalogue-stub.ts";
import type { FragmentAnswer } from "./objects/fragment-calls.ts";
import { fragmentStub, type Workspace } from "./objects/fragment-stub.ts";
import { type Preconditions, UNCONDITIONAL } from "./objects/preconditions.ts";

/** How often somebody may write in between. */
const ATTEMPTS = 3;

/**
 * Gives a fragment another id: text and metadata go to a new fragment, then the old one is deleted, unless somebody
 * has written to it meanwhile. At every moment at least one of the two is there; a crash in between leaves both.
 */
export async function renameFragment(
  env: Env,
  workspace: Workspace,
  from: FragmentId,
  to: FragmentId,
): Promise<FragmentAnswer> {
  const [source, target] = [fragmentStub(env, workspace, from), fragmentStub(env, workspace, to)];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const fragment = await source.read();
    if (fragment === null) return refused("not_found", `Fragment '${from}' not found.`);
    const { content, description, tags, prompt_type, version } = fragment;
    const made = await target.put(
      {
        content: { kind: "text", text: content },
        metadata: { description, tags, prompt_type },
      },
      "create",
    );
    if (made.kind === "refused") return made;
    if ((await source.remove(onlyAt(version))) === null) {
      await catalogueStub(env, workspace).renamed(from, to);
      return made;
    }
    await target.remove(onlyAt(made.fragment.version));
  }
  return refused("unavailable", `Fragment '${from}' is being edited; try again.`);
}

function onlyAt(version: number): Preconditions {
  return { ...UNCONDITIONAL, match: [version] };
}

function refused(code: "not_found" | "unavailable", message: string): FragmentAnswer {
  return { kind: "refused", refusal: refusal(code, message) };
}
