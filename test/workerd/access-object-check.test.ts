/** The AccessObject itself checks that its callers belong to its workspace, whoever has made the address. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { Access } from "../../src/protocol/access.ts";
import { AccessObject } from "../../src/worker/access/object/access-object.ts";
import { accessStub } from "../../src/worker/addresses.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { freshWorkspace } from "./closed-server.ts";

const acting = (access: Access) => ({
  access,
  proof: null,
  source: { principal: access.principal.id, via: null, address: null },
});

/** The calls that act for a caller, with harmless arguments. */
const FOR_CALLERS: Readonly<Record<string, (object: AccessObject, access: Access) => unknown>> = {
  listKeys: (object, access) => object.listKeys(access, { limit: 1 }),
  makeKey: (object, access) => object.makeKey(acting(access), { name: "x", role: "viewer" }),
  changeKey: (object, access) => object.changeKey(acting(access), "none", {}),
  revokeKey: (object, access) => object.revokeKey(acting(access), "none"),
  listUsers: (object, access) => object.listUsers(access, { limit: 1 }),
  putUser: (object, access) => object.putUser(acting(access), "ann", { role: "viewer" }),
  blockUser: (object, access) => object.blockUser(acting(access), "ann"),
  endToken: (object, access) => object.endToken(acting(access), "none"),
  invite: (object, access) =>
    object.invite(acting(access), {
      hash: "h",
      id: "i",
      fields: { user: { name: "Ann" }, role: "viewer", expires_in_seconds: 60 },
    } as unknown as Parameters<AccessObject["invite"]>[1]), // the access is looked at first
  listInvitations: (object, access) => object.listInvitations(access),
  withdrawInvitation: (object, access) => object.withdrawInvitation(acting(access), "none"),
  listSessions: (object, access) => object.listSessions(access, null),
  endSession: (object, access) => object.endSession(acting(access), "none"),
  endSessions: (object, access) => object.endSessions(acting(access), null),
  auditLog: (object, access) => object.auditLog(access, { limit: 1 }),
};

/** The calls of the worker itself: they get a proof, the hash of a secret, or what has happened. */
const OTHERS = ["admit", "signIn", "signOut", "renewSession", "record", "recordRepeated", "alarm"];

describe("an AccessObject", () => {
  test("[ACCESS-1] each of its methods is known to act for a caller or not", () => {
    const names = Object.getOwnPropertyNames(AccessObject.prototype).filter((name) => name !== "constructor");
    expect(names.sort()).toEqual([...Object.keys(FOR_CALLERS), ...OTHERS].sort());
  });

  test.each(Object.keys(FOR_CALLERS))(
    "[ACCESS-1] %s fails for a caller of another workspace",
    async (name) => {
      const workspace = freshWorkspace();
      const stranger = { ...OPEN_ACCESS, workspace: freshWorkspace() };
      const failure = await runInDurableObject(accessStub(env, workspace), async (object) => {
        try {
          await FOR_CALLERS[name]?.(object as AccessObject, stranger); // accessStub names this class
          return "done";
        } catch (error) {
          return String(error);
        }
      });
      expect(failure).toBe("Error: the caller belongs to another workspace");
    },
  );
});
