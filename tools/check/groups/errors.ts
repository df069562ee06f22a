import { fragmentPath } from "../../server-url.ts";
import { type Check, group } from "../check.ts";
import { expectEqual, expectFields, expectThat, show } from "../expect.ts";

/** Expects that a bad frame gives its sender one error, and has no other effect. */
function expectRefused(frame: string | Uint8Array, code: string): Check["run"] {
  return async (scene) => {
    const id = await scene.fragment("kept");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    ann.sendRaw(frame);
    const { message, ...rest } = await ann.next("error");
    expectEqual("the error", rest, { action: "error", code });
    expectThat(
      typeof message === "string" && message.length > 0,
      `the error has no message: ${show(message)}`,
    );
    await ann.write({ action: "update", content: "afterwards", request_id: "1" });
    await bob.nextText("afterwards");
    expectEqual("what else the other client was told", bob.unread, []);
  };
}

/** Mistakes are answered with a code and a sentence, and affect nobody else. */
export const errors = group("errors", {
  "a client gets an error and stays connected, when its frame is not JSON": expectRefused(
    "{",
    "invalid_json",
  ),

  "a client gets an error and stays connected, when its frame is not an object": expectRefused(
    '["update"]',
    "invalid_frame",
  ),

  "a client gets an error and stays connected, when its frame is binary": expectRefused(
    Uint8Array.of(1, 2, 3),
    "invalid_frame",
  ),

  "a client gets an error and stays connected, when the action is not known": expectRefused(
    '{"action":"dance"}',
    "unknown_action",
  ),

  "a client gets an error and stays connected, when a field has another type": expectRefused(
    '{"action":"update","content":5}',
    "invalid_frame",
  ),

  "the error names the request, when the bad frame does": async (scene) => {
    const ann = await scene.join(await scene.fragment("kept"), "Ann");
    const answer = await ann.ask({ action: "edit", changes: [], request_id: "my request" });
    expectFields("the answer", answer, { action: "error", code: "invalid_frame", request_id: "my request" });
  },

  "a JSON socket is closed with 4004 and a Yjs socket with 4404, when the fragment does not exist": async (
    scene,
  ) => {
    const id = scene.id("missing");
    const [json, yjs] = await Promise.all([scene.json(id, "Ann"), scene.yjs(id, "Bob")]);
    const reason = `Fragment '${id}' not found`;
    expectEqual("the close of the JSON socket", await json.closed(), { code: 4004, reason });
    expectEqual("the close of the Yjs socket", await yjs.closed(), { code: 4404, reason });
  },

  "a bad id is refused with its rule: 4400 on a socket, 400 in REST": async (scene) => {
    const ann = await scene.json("bad..id.", "Ann");
    const { code, reason } = await ann.closed();
    expectEqual("the code that closed the socket", code, 4400);
    expectThat(reason.length > 0, "the close has no reason");
    const { status, body } = await scene.request("GET", "/v1/fragments/a//b");
    expectEqual("the status", status, 400);
    expectFields("the problem", body, { code: "invalid_id" });
  },

  "a problem has its code, a sentence and a request id, when a fragment is missing in REST": async (
    scene,
  ) => {
    const { status, headers, body } = await scene.request("GET", fragmentPath(scene.id("missing")));
    expectEqual("the status", status, 404);
    expectEqual("the content type", headers.get("content-type"), "application/problem+json");
    expectFields("the problem", body, { status: 404, code: "not_found" });
    const { detail, request_id } = body as Record<string, unknown>; // an object, as checked above
    for (const text of [detail, request_id]) {
      expectThat(typeof text === "string" && text !== "", `detail or request_id is missing: ${show(body)}`);
    }
  },

  "a body that is wrong is refused with 400 and changes nothing": async (scene) => {
    const id = await scene.fragment("kept");
    for (const body of [
      [],
      { content: 5 },
      { content: "new", tags: "none" },
      { content: "new", tags: [""] },
    ]) {
      const answer = await scene.request("PUT", fragmentPath(id), { body });
      expectEqual(`the status for ${show(body)}`, answer.status, 400);
      expectFields(`the problem for ${show(body)}`, answer.body, { code: "invalid_body" });
    }
    expectFields("the stored fragment", await scene.read(id), { content: "kept", version: 1 });
  },

  "an unknown address is 404, a method that is not there 405, a socket's address without upgrade 426": async (
    scene,
  ) => {
    const unknown = await scene.request("GET", "/v1/nothing-is-here");
    expectEqual("the status of an unknown address", unknown.status, 404);
    const wrong = await scene.request("POST", fragmentPath(scene.id()), { body: {} });
    expectEqual("the status of a method that is not there", wrong.status, 405);
    expectThat((wrong.headers.get("allow") ?? "").includes("PUT"), "Allow does not name PUT");
    const plain = await scene.request("GET", `/v1/ws/${scene.id()}`);
    expectEqual("the status of a socket's address", plain.status, 426);
  },
});
