/** Random histories of keys, tokens and users, against a model that keeps all and forgets nothing. */
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { type Access, holdsFor, ROLES, type Role, type Workspace } from "../../src/protocol/access.ts";
import type { NewKey } from "../../src/protocol/principals.ts";
import { proofOf } from "../../src/worker/access/proof.ts";
import { accessSettings } from "../../src/worker/access/settings.ts";
import { accessStub } from "../../src/worker/addresses.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { call, freshWorkspace, type MadeToken, operatorKey } from "./closed-server.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const STEPS = 60;
/** Longer than an isolate remembers a caller. */
const STEP_MS = 6_000;
const IDS = ["a", "a/b", "a/bc", "a/b/c", "b", "b/c"];
const PREFIXES = [null, ["a"], ["a/"], ["a/b"], ["a/b$"], ["b", "a/b/"], ["a$", "b/"]];
const USERS = ["anna", "berta"];

interface Cap {
  role: Role;
  prefixes: readonly string[] | null;
}

interface Credential extends Cap {
  readonly text: string;
  readonly id: string;
  /** What it was made with; null for a key. */
  readonly maker: Credential | null;
  /** Of a token. */
  readonly user: string | null;
  readonly madeAt: number;
  hasEnded: boolean;
}

interface User {
  cap: Role | null;
  isBlocked: boolean;
  blockedAt: number;
}

/** What the credential should be worth: the role, and the ids for which it holds; null for nothing. */
function worthOf(
  credential: Credential,
  users: ReadonlyMap<string, User>,
): { role: Role; ids: string[] } | null {
  let role: Role = "admin";
  let ids = IDS;
  for (let one: Credential | null = credential; one !== null; one = one.maker) {
    const user = one.user === null ? undefined : users.get(one.user);
    const isOut = user !== undefined && (user.isBlocked || credential.madeAt <= user.blockedAt);
    if (one.hasEnded || isOut) return null;
    for (const limit of [one.role, user?.cap ?? "admin"])
      if (ROLES.indexOf(limit) < ROLES.indexOf(role)) role = limit;
    const { prefixes } = one;
    ids = ids.filter((id) => holdsFor({ prefixes }, id));
  }
  return { role, ids };
}

test("[ACCESS-13] each credential is worth what its whole history leaves of it, in random histories", async () => {
  vi.spyOn(scheduler, "wait").mockResolvedValue(); // refusals take their time
  await forEachSeed(6, [], async (seed) => {
    const random = new SeededRandom(seed);
    const workspace = freshWorkspace();
    const startMs = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(startMs);
    const admin = await operatorKey(workspace);
    const users = new Map(
      USERS.map((id): [string, User] => [id, { cap: null, isBlocked: false, blockedAt: -1 }]),
    );
    const keys: Credential[] = [asKey(admin, 0)];
    const tokens: Credential[] = [];
    const byAdmin = async (method: string, path: string, body?: object) => {
      const answer = await call(method, path, { credential: admin.key, body });
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    };
    const steps: string[] = [];
    for (let at = 1; at <= STEPS; at++) {
      clock.mockReturnValue(startMs + at * STEP_MS);
      const [key, token] = [random.pick(keys), tokens.length === 0 ? null : random.pick(tokens)];
      const cap = { role: random.pick(ROLES), prefixes: random.pick(PREFIXES) };
      const user = random.pick(USERS);
      const known = users.get(user) ?? { cap: null, isBlocked: false, blockedAt: -1 };
      const maker = token !== null && random.chance(0.5) ? token : key;
      const isAdmin = key === keys[0];
      const action = random.pick([
        "key",
        "token",
        "token",
        "token",
        "change",
        "revoke",
        "end",
        "cap",
        "block",
      ]);
      steps.push(`${action} ${maker.id} ${user} ${JSON.stringify(cap)}`);
      if (action === "key" || action === "token") {
        const isToken = action === "token";
        const path = isToken ? "/v1/tokens" : "/v1/keys";
        const body = { ...(isToken ? { user: { id: user }, ttl_seconds: 86_400 } : { name: "n" }), ...cap };
        const answer = await call("POST", path, { credential: maker.text, body });
        const worth = worthOf(maker, users);
        if (answer.status === 201) {
          const made = isToken ? await answer.json<MadeToken>() : null;
          const credential =
            made === null ? asKey(await answer.json<NewKey>(), at) : asToken(made, maker, user, at);
          const { ids = [] } = worthOf({ ...credential, maker: null, user: null }, users) ?? {};
          // Whoever makes it may do no less itself.
          expect(ids.filter((id) => !(worth?.ids ?? []).includes(id))).toEqual([]);
          expect(ROLES.indexOf(cap.role)).toBeLessThanOrEqual(ROLES.indexOf(worth?.role ?? "viewer"));
          (isToken ? tokens : keys).push(credential);
        } else expect([answer.status, steps.at(-1)]).toEqual([worth === null ? 401 : 403, steps.at(-1)]);
      } else if (action === "change" && !isAdmin && !key.hasEnded) {
        await byAdmin("PATCH", `/v1/keys/${key.id}`, cap);
        Object.assign(key, cap);
      } else if (action === "revoke" && !isAdmin && !key.hasEnded) {
        await byAdmin("DELETE", `/v1/keys/${key.id}`);
        key.hasEnded = true;
      } else if (action === "end" && token !== null) {
        await byAdmin("DELETE", `/v1/tokens/${token.id}`);
        token.hasEnded = true;
      } else if (action === "cap") {
        const role = random.chance(0.3) ? null : cap.role;
        await byAdmin("PUT", `/v1/users/${user}`, { role });
        users.set(user, { ...known, cap: role, isBlocked: false });
      } else if (action === "block" && random.chance(0.5)) {
        await byAdmin("DELETE", `/v1/users/${user}`);
        users.set(user, { ...known, isBlocked: true, blockedAt: at });
      }
      for (const one of [...keys, ...tokens]) {
        const found = await admitted(one.text, workspace);
        const seen =
          found === null ? null : { role: found.role, ids: IDS.filter((id) => holdsFor(found, id)) };
        expect(seen, `${one.id} after ${steps.join("\n")}`).toEqual(worthOf(one, users));
      }
    }
    expect(tokens.length).toBeGreaterThan(2);
    clock.mockRestore();
  });
});

async function admitted(text: string, workspace: Workspace): Promise<Access | null> {
  const settings = accessSettings(env);
  if (!settings.ok) throw new Error(settings.refusal.message);
  const proof = await proofOf(text, settings.value, Date.now());
  if (!proof.ok) return null;
  const access = await accessStub(env, workspace).admit(proof.value, null);
  return access.ok ? access.value : null;
}

function asKey({ key, id, role, prefixes }: NewKey, madeAt: number): Credential {
  return { text: key, id, role, prefixes, maker: null, user: null, madeAt, hasEnded: false };
}

function asToken(made: MadeToken, maker: Credential, user: string, madeAt: number): Credential {
  const { token, id, role, prefixes } = made;
  return { text: token, id, role: role as Role, prefixes, maker, user, madeAt, hasEnded: false };
}
