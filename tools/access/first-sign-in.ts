import * as v from "valibot";
import { AccessServer, ServerRefusal } from "./access-server.ts";

const FIRST_ADMIN = "First admin";

/** An answer with a list, of which only the length matters. */
const listIn = (field: string) => v.object({ [field]: v.array(v.unknown()) });
const InvitationsSchema = v.object({
  invitations: v.array(v.object({ id: v.string(), user: v.object({ name: v.string() }) })),
});

/**
 * A link with which one person can sign in as an admin, if nobody has a key or an account in the workspace yet; else null.
 * A link of an earlier start ends.
 *
 * @param operator a token of the operator, whose workspace is meant
 */
export async function firstSignInLink(url: string, operator: string): Promise<string | null> {
  const server = new AccessServer(new URL(url), operator);
  try {
    for (const list of ["keys", "users"]) {
      const page = await server.call(listIn(list), "GET", `/v1/${list}?limit=1`);
      if (page[list]?.length !== 0) return null;
    }
    const { invitations } = await server.call(InvitationsSchema, "GET", "/v1/invitations");
    for (const { id, user } of invitations) {
      if (user.name === FIRST_ADMIN) await server.call(v.null(), "DELETE", `/v1/invitations/${id}`);
    }
    const invitation = { user: { name: FIRST_ADMIN }, role: "admin" };
    const { link } = await server.call(v.object({ link: v.string() }), "POST", "/v1/invitations", invitation);
    return link;
  } catch (error) {
    if (!(error instanceof ServerRefusal)) throw error;
    console.error(`There is no sign-in link: ${error.message}`);
    return null;
  }
}
