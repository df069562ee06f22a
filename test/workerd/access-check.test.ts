/** A fragment's object checks the access of each call that is made for a caller. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Access, Workspace } from "../../src/protocol/access.ts";
import { CatalogueObject } from "../../src/worker/catalogue/catalogue-object.ts";
import { FragmentObject } from "../../src/worker/fragment/fragment-object.ts";
import { UNCONDITIONAL } from "../../src/worker/fragment/preconditions.ts";
import { encodeJoinRequest, readJoinRequest } from "../../src/worker/sockets/join-request.ts";
import { userAccess } from "../support/open-access.ts";
import { createFragment, freshId, objectOf, readFragment } from "./connect.ts";

type Stub = ReturnType<typeof objectOf>;

/** Each method that is called for a caller, in the ways in which it can be called. */
const FOR_CALLERS: Readonly<
  Record<string, Readonly<Record<string, (object: Stub, access: Access) => Promise<unknown>>>>
> = {
  read: {
    "reads it": (object, access) => object.read(access),
    "reads it into an old page": (object, access) => object.read(access, true),
  },
  put: {
    "changes it": (object, access) => object.put(access, TEXT, "change"),
    "sets it": (object, access) => object.put(access, TEXT, "either"),
    "makes it": (object, access) => object.put(access, TEXT, "create"),
    "changes a version of it": (object, access) =>
      object.put(access, { ...TEXT, preconditions: { match: [1], noneMatch: null } }, "either"),
    "repeats a request": (object, access) =>
      object.put(access, { ...TEXT, request: { client: "", requestId: "r", fingerprint: "f" } }, "either"),
  },
  remove: {
    "deletes it": (object, access) => object.remove(access, UNCONDITIONAL),
    "deletes a version of it": (object, access) => object.remove(access, { match: [1], noneMatch: null }),
  },
  fetch: {
    "joins it over the JSON socket": (object, access) => join(object, access, "json", ""),
    "joins it over the Yjs socket": (object, access) => join(object, access, "yjs", ""),
    "joins or makes it over the JSON socket": (object, access) => join(object, access, "json", "?create=1"),
    "joins or makes it over the Yjs socket": (object, access) => join(object, access, "yjs", "?create=1"),
  },
};

/** Each other method, and who calls it. */
const NOT_FOR_CALLERS: Readonly<Record<string, string>> = {
  webSocketMessage: "the platform",
  webSocketClose: "the platform",
  webSocketError: "the platform",
  alarm: "the platform",
  catalogueRecord: "the catalogue",
  openSessions: "the catalogue",
  isFirstCatalogue: "the catalogue",
  accessChanged: "the access object",
};

const TEXT = { content: { kind: "text", text: "theirs" }, metadata: null } as const;

async function join(object: Stub, access: Access, protocol: "json" | "yjs", query: string) {
  const client = new Request(`http://localhost/${query}`);
  const response = await object.fetch(encodeJoinRequest(readJoinRequest(client, access, protocol, false)));
  const socket = response.webSocket;
  if (socket === null) return response.json();
  socket.accept();
  socket.close(1000);
  return "joined";
}

const CALLS = Object.values(FOR_CALLERS).flatMap((ways) => Object.entries(ways));
const WRITES = [...Object.entries(FOR_CALLERS["put"] ?? {}), ...Object.entries(FOR_CALLERS["remove"] ?? {})];

/** Callers that may do everything elsewhere. */
const STRANGERS: readonly (readonly [string, Access])[] = [
  ["may read other fragments only", userAccess("ann", { role: "admin", prefixes: ["elsewhere/", "test$"] })],
  ["may read no fragment", userAccess("ann", { role: "admin", prefixes: [] })],
  ["is of another workspace", userAccess("ann", { role: "admin", workspace: "other" as Workspace })],
];
const VIEWER = userAccess("vic", { role: "viewer" });

afterEach(() => {
  vi.restoreAllMocks();
});

test("[SESSION-12] each method of a fragment's object is called for callers, and checked here, or is called by somebody else", () => {
  const methods = Object.getOwnPropertyNames(FragmentObject.prototype).filter(
    (name) => name !== "constructor",
  );
  expect(methods.toSorted()).toEqual(
    [...Object.keys(FOR_CALLERS), ...Object.keys(NOT_FOR_CALLERS)].toSorted(),
  );
});

describe.each(STRANGERS)("a caller that %s", (_, stranger) => {
  test.each(CALLS)(
    "[SESSION-12] gets the answer of a missing fragment, and does nothing, when it %s",
    async (_way, call) => {
      const noteCreation = vi.spyOn(CatalogueObject.prototype, "noteCreation");
      const { id } = await createFragment("kept");
      noteCreation.mockClear();
      const missing = freshId();
      const [there, notThere] = [await call(objectOf(id), stranger), await call(objectOf(missing), stranger)];
      expect(JSON.stringify(there).replaceAll(id, "ID")).toBe(
        JSON.stringify(notThere).replaceAll(missing, "ID"),
      );
      expect(JSON.stringify(there)).not.toMatch(/joined|"ok":true/);
      expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
      expect(await objectOf(missing).read(userAccess("root"))).toBeNull();
      expect(noteCreation).not.toHaveBeenCalled();
    },
  );
});

describe("a viewer", () => {
  test.each(WRITES)("[SESSION-12] is forbidden to write, when it %s", async (_way, call) => {
    const { id } = await createFragment("kept");
    expect(JSON.stringify(await call(objectOf(id), VIEWER))).toContain('"forbidden"');
    expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
  });

  test("[SESSION-12] reads and joins it", async () => {
    const { id } = await createFragment("kept");
    expect(await objectOf(id).read(VIEWER)).toMatchObject({ content: "kept" });
    for (const protocol of ["json", "yjs"] as const)
      expect(await join(objectOf(id), VIEWER, protocol, "?create=1")).toBe("joined");
  });

  test.each(["json", "yjs"] as const)(
    "[SESSION-12] is closed with 4403 and makes nothing, when its %s socket would make a fragment",
    async (protocol) => {
      const noteCreation = vi.spyOn(CatalogueObject.prototype, "noteCreation");
      const id = freshId();
      expect(await join(objectOf(id), VIEWER, protocol, "?create=1")).toMatchObject({ code: 4403 });
      expect(await objectOf(id).read(VIEWER)).toBeNull();
      expect(noteCreation).not.toHaveBeenCalled();
    },
  );
});
