import { encodePath } from "../../server-url.ts";
import { type Check, group } from "../check.ts";
import { expectEqual, expectFields, expectThat, show } from "../expect.ts";

const ADDRESSES = ["/api/prompts/ws/fragments/", "/api/prompts/ws/", "/ws/prompts/"];

const editing = ADDRESSES.map((address): [string, Check["run"]] => [
  `a fragment is edited over ${address}`,
  async (scene) => {
    const id = await scene.fragment("one", { description: "d", tags: ["t"] });
    const [ann, bob] = [await scene.join(id, "Ann", { address }), await scene.join(id, "Bob", { address })];
    expectFields("initial", ann.initial, {
      content: "one",
      description: "d",
      tags: ["t"],
      prompt_type: "standard",
    });
    ann.send({ action: "update", content: "two" });
    const status = await ann.next("update_status");
    expectEqual("success", status.success, true);
    expectThat(typeof status.timestamp === "string", `the status has no timestamp: ${show(status)}`);
    await bob.nextText("two");
    ann.send({ action: "update_metadata", description: "new" });
    expectFields("the metadata", await bob.next("update_metadata"), { description: "new", tags: ["t"] });
    ann.send({ action: "expand", content: `[[${id}]]` });
    expectFields("the expansion", await ann.next("expanded"), {
      expanded: `[[SELF-REFERENCE: ${id}]]`,
      warnings: [`Self-reference detected: Prompt '${id}' would create a circular reference`],
    });
  },
]);

/** The old system's addresses, and the behaviour that its clients rely on. */
export const oldAddresses = group("old-addresses", {
  ...Object.fromEntries(editing),

  "the socket is closed with 4004 on each of them, when the fragment does not exist": async (scene) => {
    const id = scene.id("missing");
    for (const address of ADDRESSES) {
      const client = await scene.json(id, `the client of ${address}`, { address });
      expectEqual(`the close on ${address}`, await client.closed(), {
        code: 4004,
        reason: `Fragment '${id}' not found`,
      });
    }
  },

  "the longer address wins, when an id begins with `fragments/`": async (scene) => {
    const plain = await scene.fragment("plain", { id: scene.id("prompt") });
    await scene.fragment("nested", { id: scene.id("prompt", "fragments/") });
    const ann = await scene.join(plain, "Ann", { address: "/api/prompts/ws/fragments/" });
    expectFields("initial", ann.initial, { id: plain, content: "plain" });
  },

  "a spelling with %2F is the same fragment": async (scene) => {
    const id = await scene.fragment("here");
    const ann = await scene.json(encodeURIComponent(id), "Ann", { address: "/ws/prompts/" });
    expectFields("initial", await ann.next("initial"), { id, content: "here" });
  },

  "nothing is answered and nothing changes, when an action is unknown or a content is null": async (
    scene,
  ) => {
    const id = await scene.fragment("kept");
    const ann = await scene.join(id, "Ann", { address: "/ws/prompts/" });
    for (const frame of [
      { action: "dance" },
      {},
      { action: "update" },
      { action: "update", content: null },
    ]) {
      ann.send(frame);
    }
    await ann.fence();
    expectEqual("what was answered", ann.unread, []);
    expectFields("the stored fragment", await scene.read(id), { content: "kept", version: 1 });
  },

  "the merged text follows the status as an update, when another was faster": async (scene) => {
    const id = await scene.fragment("one two three");
    const [old, other] = [
      await scene.join(id, "Ann", { address: "/ws/prompts/" }),
      await scene.join(id, "Bob"),
    ];
    await other.write({ action: "update", content: "ONE two three", request_id: "1" });
    await old.nextText("ONE two three");
    old.send({ action: "update", content: "one two THREE" }); // sent before that update arrived
    const status = await old.next("update_status");
    expectThat(!("content" in status), `the status of an old client has a content: ${show(status)}`);
    await old.nextText("ONE two THREE");
    const last = old.inbox.all.slice(-2).map(({ action }) => action);
    expectEqual("the last frames", last, ["update_status", "update"]);
  },

  "presence is not sent there": async (scene) => {
    const id = await scene.fragment("text");
    const old = await scene.join(id, "Ann", { address: "/ws/prompts/" });
    const [bob, cal] = await Promise.all([scene.join(id, "Bob"), scene.join(id, "Cal")]);
    bob.send({ action: "presence", state: { name: "Bob" } });
    await cal.next("presence"); // by now it would have reached the old client too
    await old.fence();
    expectEqual("what the old client was told", old.unread, []);
  },

  "the echo greets, and answers each message with its number": async (scene) => {
    const client = await scene.text("/api/ws/test", "the echo's client");
    expectEqual("the greeting", await client.next("a greeting"), "WebSocket test connection successful");
    for (const [index, received] of ["hello", '{"a":1}'].entries()) {
      const counter = index + 1;
      client.send(received);
      const answer: unknown = JSON.parse(await client.next("an answer"));
      expectFields("the answer", answer, { received, counter, message: `Message ${counter} received` });
    }
  },

  "the old REST paths make, show, list, change, expand and delete a fragment, with a slash behind or not":
    async (scene) => {
      for (const slash of ["", "/"]) {
        const id = scene.id(slash === "" ? "plain" : "slashed");
        const path = `/api/prompts/${encodePath(id)}${slash}`;
        const made = await scene.request("POST", `/api/prompts${slash}`, { body: { id, content: "one" } });
        expectEqual("the status of the creation", made.status, 200);
        expectFields("the prompt made", made.body, { id, content: "one" });
        const exists = await scene.request("GET", `/api/prompts/check_exists/${encodePath(id)}${slash}`);
        expectFields("whether it exists", exists.body, { exists: true });
        await scene.request("PUT", path, { body: { content: "two" } });
        expectFields("the prompt shown", (await scene.request("GET", path)).body, { id, content: "two" });
        const expanded = await scene.request("POST", `/api/prompts/expand${slash}`, {
          body: { content: `[[${id}]]` },
        });
        expectFields("the expansion", expanded.body, { expanded: "two" });
        const marked = await scene.request("POST", `/api/prompts/expand${slash}`, {
          body: { content: `\\[[${id}|x]] {{v}}` },
        });
        expectFields("the expansion of what was not known then", marked.body, {
          expanded: `\\[[PROMPT NOT FOUND: ${id}|x]] {{v}}`,
          warnings: [`Prompt not found: '${id}|x'`],
        });
        expectEqual("the status of the deletion", (await scene.request("DELETE", path)).status, 200);
        const gone = await scene.request("GET", path);
        expectEqual("the status when it is gone", gone.status, 404);
        expectFields("the error", gone.body, { detail: `Prompt '${id}' not found` });
      }
    },

  "the old addresses answer 426 without an upgrade": async (scene) => {
    const id = await scene.fragment("text");
    for (const path of [...ADDRESSES.map((address) => `${address}${encodePath(id)}`), "/api/ws/test"]) {
      expectEqual(`the status of ${path}`, (await scene.request("GET", path)).status, 426);
    }
  },
});
