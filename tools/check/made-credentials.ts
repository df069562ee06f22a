import * as v from "valibot";
import { CHECK_USER } from "./check-user.ts";
import { CheckFailure, show } from "./expect.ts";
import type { Scene } from "./scene.ts";

/** Keys and tokens that a check makes for callers of its own. */

const MadeKeySchema = v.object({ id: v.string(), key: v.string() });
const MadeTokenSchema = v.object({ token: v.string() });

interface KeyFields {
  readonly role: "viewer" | "editor";
  readonly prefixes?: readonly string[];
}

/** The name of the keys of a run: the same for all its checks. */
export function keyName(scene: Scene): string {
  return `npm run ${scene.folder.split("/")[0]}`;
}

/** A key that is revoked when the check is over. */
export async function newKey(scene: Scene, fields: KeyFields): Promise<v.InferOutput<typeof MadeKeySchema>> {
  const { status, body } = await scene.request("POST", "/v1/keys", {
    body: { name: keyName(scene), ...fields },
  });
  const made = v.safeParse(MadeKeySchema, body);
  if (status !== 201 || !made.success)
    throw new CheckFailure(
      `POST /v1/keys was answered ${status} ${show(body)}; the run needs a key of an admin`,
    );
  scene.afterwards((deadline) => scene.server.request(deadline, "DELETE", `/v1/keys/${made.output.id}`));
  return made.output;
}

/** The text of such a key. */
export async function makeKey(scene: Scene, fields: KeyFields): Promise<string> {
  return (await newKey(scene, fields)).key;
}

/** A token for a user of the checks. */
export async function makeToken(scene: Scene, fields: object): Promise<string> {
  const body = { user: { id: CHECK_USER, name: "A user" }, ...fields };
  const answer = await scene.request("POST", "/v1/tokens", { body });
  const made = v.safeParse(MadeTokenSchema, answer.body);
  if (answer.status === 201 && made.success) return made.output.token;
  throw new CheckFailure(`POST /v1/tokens was answered ${answer.status} ${show(answer.body)}`);
}
