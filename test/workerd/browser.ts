import type { Workspace } from "../../src/protocol/access.ts";
import { call, freshWorkspace, operatorKey, type Sent } from "./closed-server.ts";

/** A person with a browser, in front of a closed server: the browser keeps its cookie, and names its origin. */

export const OWN_ORIGIN = "http://localhost";

export interface MadeInvitation {
  readonly link: string;
  readonly id: string;
  readonly user: { readonly id: string; readonly name: string };
  readonly role: string;
  readonly prefixes: readonly string[] | null;
  readonly created_by: string;
  readonly expires_at: string;
}

/** Invites with a key, or whatever else the caller is. */
export async function invite(credential: string, fields: object = {}): Promise<MadeInvitation> {
  const body = { user: { name: "Ann" }, role: "editor", ...fields };
  const answer = await call("POST", "/v1/invitations", { credential, body });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json<MadeInvitation>();
}

export class Browser {
  /** As `name=value`; null if it has none. */
  cookie: string | null = null;
  /** The `Set-Cookie` of the last answer; null if it had none. */
  setCookie: string | null = null;

  /** Sends what a page of the server sends. Headers that are given count before its own. */
  async send(method: string, path: string, { headers = {}, ...sent }: Sent = {}): Promise<Response> {
    const own: Record<string, string> = { Origin: OWN_ORIGIN, "Content-Type": "application/json" };
    if (this.cookie !== null) own["Cookie"] = this.cookie;
    if (method === "GET") delete own["Origin"]; // as browsers leave it out
    const answer = await call(method, path, { ...sent, headers: { ...own, ...headers } });
    this.setCookie = answer.headers.get("Set-Cookie");
    const [pair] = this.setCookie?.split(";") ?? [];
    if (pair !== undefined) this.cookie = pair.endsWith("=") ? null : pair;
    return answer;
  }

  sendForm(path: string, fields: Record<string, string>, sent: Sent = {}): Promise<Response> {
    const headers = { "Content-Type": "application/x-www-form-urlencoded", ...sent.headers };
    return this.send("POST", path, { ...sent, headers, text: new URLSearchParams(fields).toString() });
  }

  /** Opens the link and presses the button. */
  async signIn(link: string): Promise<Response> {
    return this.sendForm("/sign-in", { invitation: new URL(link).hash.slice(1) });
  }

  async me() {
    return (await this.send("GET", "/v1/me")).json<{
      workspace: string;
      principal: { id: string; name: string | null };
      role: string;
      session: string | null;
    }>();
  }
}

/** A browser in which a new user of a new workspace has signed in. */
export async function signedIn(fields: object = {}, workspace: Workspace = freshWorkspace()) {
  const { key } = await operatorKey(workspace);
  const browser = new Browser();
  const answer = await browser.signIn((await invite(key, fields)).link);
  if (answer.status !== 303) throw new Error(`${answer.status} ${await answer.text()}`);
  return { browser, key, workspace };
}
