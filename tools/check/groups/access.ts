import type { FragmentId } from "../../../src/language/fragment-id.ts";
import { encodePath, fragmentPath } from "../../server-url.ts";
import { group } from "../check.ts";
import { CHECK_USER } from "../check-user.ts";
import { expectEqual, expectFields, expectThat, show } from "../expect.ts";
import { keyName, makeKey, makeToken, newKey } from "../made-credentials.ts";
import { statusForHost } from "../named-host.ts";
import type { Scene } from "../scene.ts";

/** Nobody can own these names. */
const FOREIGN_ORIGIN = "https://elsewhere.invalid";
const FOREIGN_HOST = "elsewhere.invalid";

const FINAL = { unauthorised: 4401, forbidden: 4403 };

/** A key of the right form that no server has given out. */
const INVENTED_KEY = `pm_default_${"a".repeat(12)}_${"a".repeat(40)}`;
const KEY_OF_NOWHERE = `pm_no-such-workspace_${"a".repeat(12)}_${"a".repeat(40)}`;

/** Checks of rights. They make keys and tokens, and revoke them. */
export const access = group("access", {
  "a caller without a key is let in nowhere, unless the server is open": async (scene) => {
    const id = await scene.fragment("kept");
    const nobody = scene.as(null);
    const { status, body } = await nobody.request("GET", "/v1/keys");
    if (status === 200 && scene.server.credential === null) return; // open, and the run uses that
    expectThat(status !== 200, "the server is open: callers without a key are admins");
    if (status === 403) return expectAnonymous(scene, id); // ANONYMOUS_ROLE lets them do a little
    expectEqual("the status without a key", status, 401);
    expectFields("the problem", body, { code: "unauthorised" });
    await expectShut(scene, nobody, id);
  },

  "a key that was not given out is refused, and one of no workspace likewise": async (scene) => {
    const id = await scene.fragment("kept");
    const answers = await Promise.all(
      [INVENTED_KEY, KEY_OF_NOWHERE].map((key) => scene.as(key).request("GET", fragmentPath(id))),
    );
    const [invented, nowhere] = answers.map(({ status, body }) => {
      expectThat(typeof body === "object" && body !== null, `the answer is no problem: ${show(body)}`);
      return { status, ...body, request_id: null };
    });
    expectFields("the answer", invented, { status: 401, code: "unauthorised" });
    expectEqual("the answer for a workspace that does not exist", nowhere, invented);
    await expectShut(scene, scene.as(INVENTED_KEY), id);
  },

  "a viewer reads, and changes nothing over REST": async (scene) => {
    const id = await scene.fragment("kept");
    const viewer = scene.as(await makeKey(scene, { role: "viewer" }));
    await viewer.expectStored(id, "kept");
    const expansion = await viewer.request("GET", `/v1/expansions/${encodePath(id)}`);
    expectFields("the expansion", expansion.body, { expanded: "kept" });
    const body = { content: "changed" };
    const writes: [string, string, object?][] = [
      ["PUT", fragmentPath(id), body],
      ["PATCH", fragmentPath(id), body],
      ["DELETE", fragmentPath(id)],
      ["POST", "/v1/fragments", { id: scene.id("new"), content: "new" }],
      ["POST", "/v1/renames", { from: id, to: scene.id("renamed") }],
      ["POST", "/v1/keys", { name: "another", role: "viewer" }],
      ["PUT", `/api/prompts/${encodePath(id)}`, body],
      ["DELETE", `/api/prompts/${encodePath(id)}`],
    ];
    for (const [method, path, sent] of writes) {
      const { status } = await viewer.request(method, path, sent === undefined ? {} : { body: sent });
      expectEqual(`the status of ${method} ${path}`, status, 403);
    }
    expectFields("the fragment", await scene.read(id), { content: "kept", version: 1 });
  },

  "a viewer reads along on a JSON socket, hears of changes, and its edit is refused": async (scene) => {
    const id = await scene.fragment("kept");
    const caller = scene.as(await makeKey(scene, { role: "viewer" }));
    const listener = await caller.text("/v1/events", "the listening viewer");
    const viewer = await caller.join(id, "the viewer");
    const refused = await viewer.ask({ action: "update", content: "changed", request_id: "1" });
    expectFields("the answer", refused, { action: "error", code: "forbidden" });
    const editor = await scene.join(id, "the editor");
    await editor.write({ action: "update", content: "edited", request_id: "2" });
    await viewer.nextText("edited");
    await scene.expectStored(id, "edited");
    const changed = (text: string) => text.includes('"changed"') && text.includes(id);
    await listener.inbox.next(`"changed" of ${id}`, changed);
  },

  "a viewer reads along with a stock provider, and what it types reaches nobody": async (scene) => {
    const id = await scene.fragment("kept");
    const viewer = await scene.as(await makeKey(scene, { role: "viewer" })).joinStock(id, "the viewer");
    const editor = await scene.joinYjs(id, "the editor");
    viewer.text.insert(0, "typed by the viewer, ");
    editor.type((text) => text.insert(4, " and edited"));
    // The viewer has its own letters on its screen; the editor's come after those.
    await viewer.hasText("typed by the viewer, kept and edited");
    await scene.expectStored(id, "kept and edited");
    expectEqual("the text of the editor", editor.text, "kept and edited");
    expectThat(viewer.provider.wsconnected, "the viewer's provider was closed");
  },

  "a key for some ids meets nothing of the others": async (scene) => {
    const hidden = await scene.fragment("hidden", { id: scene.id("hidden/text") });
    const shown = await scene.fragment(`before [[${hidden}]] after`, { id: scene.id("shown/text") });
    const prefixes = [shown.slice(0, -"text".length)];
    const limited = scene.as(await makeKey(scene, { role: "editor", prefixes }));
    await limited.expectStored(shown, `before [[${hidden}]] after`);
    const missing = scene.id("shown/missing");
    const problems = await Promise.all(
      [hidden, missing].map(async (id) => {
        const { status, body } = await limited.request("GET", fragmentPath(id));
        return [
          status,
          show(body)
            .replaceAll(id, "ID")
            .replace(/"request_id":"[^"]*"/, ""),
        ];
      }),
    );
    expectEqual("the answer for a hidden fragment", problems[0], problems[1]);
    const list = await limited.request("GET", `/v1/fragments?prefix=${encodeURIComponent(scene.folder)}`);
    const { fragments } = list.body as { fragments?: { id?: unknown }[] }; // the result is compared
    expectEqual(
      "the ids of the list",
      fragments?.map(({ id }) => id),
      [shown],
    );
    const expansion = await limited.request("GET", `/v1/expansions/${encodePath(shown)}`);
    expectThat(!show(expansion.body).includes("before hidden"), `the expansion is ${show(expansion.body)}`);
    const listener = await limited.text("/v1/events", "the listener");
    await scene.fragment("hidden, too", { id: scene.id("hidden/later") });
    const later = await scene.fragment("shown, too", { id: scene.id("shown/later") });
    await listener.inbox.next(`"created" of ${later}`, (text) => text.includes(later));
    const heard = listener.inbox.all.filter((text) => text.includes("hidden/"));
    expectEqual("what the listener was told of hidden fragments", heard, []);
    const [json, yjs] = await Promise.all([
      limited.json(encodePath(hidden), "the JSON client"),
      limited.yjs(hidden, "the Yjs client"),
    ]);
    expectEqual("the code of the JSON socket", (await json.closed()).code, 4004);
    expectEqual("the code of the Yjs socket", (await yjs.closed()).code, 4404);
    await expectNoWrite(limited, hidden);
    await scene.expectStored(hidden, "hidden");
  },

  "a revoked key is refused, and its open sockets are closed for good": async (scene) => {
    const id = await scene.fragment("text");
    const { id: keyId, key } = await newKey(scene, { role: "editor" });
    const revoked = scene.as(key);
    const json = await revoked.join(id, "the JSON client");
    const yjs = await revoked.joinYjs(id, "the Yjs client");
    const listener = await revoked.text("/v1/events", "the listener");
    // workerd closes the connection of a socket that has never sent anything ten seconds after the close frame.
    await json.fence();
    listener.send('{"action":"ping"}');
    const answer = await scene.request("DELETE", `/v1/keys/${keyId}`);
    expectEqual("the status of the revocation", answer.status, 204);
    const sockets = [json.closed(), yjs.closed(), listener.inbox.closed()];
    const [closed] = await Promise.all([Promise.all(sockets), expectRefusedSoon(revoked, id)]);
    for (const { code } of closed) expectEqual("the code of an open socket", code, FINAL.unauthorised);
    const later = await revoked.json(encodePath(id), "the JSON client, again,");
    expectEqual("the code of a new socket", (await later.closed()).code, FINAL.unauthorised);
  },

  "a user joins with a token in the address of a stock provider, and only where the token holds": async (
    scene,
  ) => {
    const [id, other] = [
      await scene.fragment("text"),
      await scene.fragment("other", { id: scene.id("other") }),
    ];
    const user = scene.as(await makeToken(scene, { fragment: id, role: "editor" }));
    const provider = await user.joinStock(id, "the user");
    provider.text.insert(0, "typed ");
    const reader = await scene.joinYjs(id, "the reader");
    await reader.hasText("typed text");
    const elsewhere = await user.yjs(other, "the user, elsewhere,");
    expectEqual("the code of another fragment's socket", (await elsewhere.closed()).code, 4404);
    const mayNot = await user.request("POST", "/v1/tokens", {
      body: { user: { id: CHECK_USER }, role: "admin" },
    });
    expectEqual("the status of a token with more rights", mayNot.status, 403);
  },

  "a page of another origin is refused: 403, and 4403 on sockets": async (scene) => {
    const id = await scene.fragment("kept");
    const headers = { Origin: FOREIGN_ORIGIN };
    for (const [method, path] of [
      ["GET", fragmentPath(id)],
      ["DELETE", fragmentPath(id)],
      ["OPTIONS", fragmentPath(id)],
      ["GET", "/v1/events"],
    ] as const) {
      const answer = await scene.request(method, path, { headers });
      expectEqual(`the status of ${method} ${path}`, answer.status, 403);
      expectEqual("who may read it", answer.headers.get("access-control-allow-origin"), null);
    }
    const page = await scene.json(encodePath(id), "the page", { headers });
    expectEqual("the code of its socket", (await page.closed()).code, FINAL.forbidden);
    const picture = await scene.request("GET", fragmentPath(id), {
      headers: { "Sec-Fetch-Site": "cross-site" },
    });
    expectEqual("the status of a picture in a foreign page", picture.status, 403);
    await scene.expectStored(id, "kept");
  },

  "a page whose own name leads to the server gets nothing without a key": async (scene) => {
    const id = await scene.fragment("kept");
    const status = await statusForHost(scene, FOREIGN_HOST, fragmentPath(id));
    expectThat(status >= 400 && status < 500, `GET for the host ${FOREIGN_HOST} was answered ${status}`);
  },

  "no key of these checks is left": async (scene) => {
    const { body } = await scene.request("GET", "/v1/keys?limit=100");
    expectThat(!show(body, 1_000_000).includes(keyName(scene)), "a key of an earlier check is still listed");
  },
});

/** Expects that the caller gets 401 over REST and 4401 on sockets, whatever it asks for, and leaves "kept" in the fragment. */
async function expectShut(scene: Scene, caller: Scene, id: FragmentId): Promise<void> {
  const requests: [string, string, object?][] = [
    ["GET", fragmentPath(id)],
    ["PUT", fragmentPath(id), { content: "changed" }],
    ["DELETE", fragmentPath(id)],
    ["GET", "/v1/fragments"],
    ["GET", "/v1/events"],
    ["POST", "/v1/expand", { content: `[[${id}]]` }],
    ["POST", "/v1/keys", { name: "mine", role: "admin" }],
    ["GET", `/api/prompts/${encodePath(id)}`],
  ];
  const refusals = requests.map(async ([method, path, body]) => {
    const answer = await caller.request(method, path, body === undefined ? {} : { body });
    expectEqual(`the status of ${method} ${path}`, answer.status, 401);
  });
  await Promise.all(refusals); // at once, since a server may take its time to refuse
  const path = encodePath(id);
  const sockets = await Promise.all([
    caller.json(path, "the JSON client"),
    caller.json(path, "the old client", { address: "/api/prompts/ws/fragments/" }),
    caller.yjs(id, "the Yjs client"),
  ]);
  for (const socket of sockets)
    expectEqual(`the close of ${socket.name}`, (await socket.closed()).code, FINAL.unauthorised);
  const listener = await caller.text("/v1/events", "the listener");
  expectEqual("the close of the listener", (await listener.inbox.closed()).code, FINAL.unauthorised);
  expectFields("the fragment afterwards", await scene.read(id), { content: "kept", version: 1 });
}

/** Expects of callers without a key that they cannot do what only an admin may, although they may do something. */
async function expectAnonymous(scene: Scene, id: FragmentId): Promise<void> {
  const nobody = scene.as(null);
  await nobody.expectStored(id, "kept");
  const body = { name: "mine", role: "admin" };
  expectEqual(
    "the status of POST /v1/keys",
    (await nobody.request("POST", "/v1/keys", { body })).status,
    403,
  );
}

async function expectNoWrite(caller: Scene, id: FragmentId): Promise<void> {
  for (const method of ["PUT", "DELETE"]) {
    const options = method === "PUT" ? { body: { content: "changed" } } : {};
    const { status } = await caller.request(method, fragmentPath(id), options);
    expectThat(status === 403 || status === 404, `${method} of a hidden fragment was answered ${status}`);
  }
}

const PAUSE_MS = 100;

/** Settles when REST refuses the caller: a part of the server may remember it for some seconds. */
async function expectRefusedSoon(caller: Scene, id: FragmentId): Promise<void> {
  for (;;) {
    const { status } = await caller.request("GET", fragmentPath(id));
    if (status === 401) return;
    expectEqual("the status until then", status, 200);
    const pause = new Promise<void>((settle) => setTimeout(settle, PAUSE_MS));
    await caller.deadline.wait(pause, () => "the revoked key was still taken");
  }
}
