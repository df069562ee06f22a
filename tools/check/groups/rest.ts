import { encodePath, fragmentPath } from "../../server-url.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields, expectThat } from "../expect.ts";

/** Fragments as a REST resource. */
export const rest = group("rest", {
  "the server is healthy, and its own pages may call it": async (scene) => {
    const { body } = await scene.request("GET", "/healthz");
    expectEqual("the health", body, { status: "ok" });
    const headers = { Origin: scene.server.url };
    const answer = await scene.request("GET", fragmentPath(await scene.fragment("text")), { headers });
    expectEqual("the allowed origin", answer.headers.get("access-control-allow-origin"), headers.Origin);
    const exposed = answer.headers.get("access-control-expose-headers") ?? "";
    expectThat(/etag/i.test(exposed), `pages may not read the ETag, only "${exposed}"`);
  },

  "POST makes a fragment, and answers 409 when it exists": async (scene) => {
    const id = scene.id();
    const body = { id, content: "Hello", description: "d", tags: ["a"], prompt_type: "user" };
    const made = await scene.request("POST", "/v1/fragments", { body });
    expectEqual("the status", made.status, 201);
    expectEqual("Location", made.headers.get("location"), fragmentPath(id));
    expectEqual("ETag", made.headers.get("etag"), '"1"');
    expectFields("the fragment", made.body, { ...body, version: 1, eol: "lf", size: 5 });
    const again = await scene.request("POST", "/v1/fragments", { body: { id, content: "other" } });
    expectEqual("the status of the second", again.status, 409);
    expectFields("the problem", again.body, { code: "already_exists" });
    await scene.expectStored(id, "Hello");
  },

  "GET answers with the version as ETag, and 304 when that is known": async (scene) => {
    const id = await scene.fragment("text");
    const answer = await scene.request("GET", fragmentPath(id));
    expectEqual("ETag", answer.headers.get("etag"), '"1"');
    const known = await scene.request("GET", fragmentPath(id), { headers: { "If-None-Match": '"1"' } });
    expectEqual("the status for the known version", known.status, 304);
    const old = await scene.request("GET", fragmentPath(id), { headers: { "If-None-Match": '"7"' } });
    expectEqual("the status for another version", old.status, 200);
  },

  "PUT makes with 201 and replaces with 200, and metadata that are not sent stay": async (scene) => {
    const id = scene.id();
    const first = await scene.request("PUT", fragmentPath(id), { body: { content: "one", tags: ["a"] } });
    expectEqual("the status of the first", first.status, 201);
    const second = await scene.request("PUT", fragmentPath(id), { body: { content: "two" } });
    expectEqual("the status of the second", second.status, 200);
    expectFields("the fragment", second.body, { content: "two", tags: ["a"], version: 2 });
    expectEqual("ETag", second.headers.get("etag"), '"2"');
  },

  "PATCH changes what is named, and makes no version when nothing changes": async (scene) => {
    const id = await scene.fragment("text", { description: "d", tags: ["a"] });
    const body = { description: "new", tags: null };
    const changed = await scene.request("PATCH", fragmentPath(id), { body });
    expectFields("the fragment", changed.body, {
      content: "text",
      description: "new",
      tags: ["a"],
      version: 2,
    });
    const same = await scene.request("PATCH", fragmentPath(id), { body });
    expectFields("the fragment, when nothing changes", same.body, { version: 2 });
  },

  "the edits of a PATCH are made in order, and none when one does not match once": async (scene) => {
    const id = await scene.fragment("a b c");
    const edits = [
      { old: "a", new: "b b" },
      { old: "b b b", new: "x" },
    ];
    const made = await scene.request("PATCH", fragmentPath(id), { body: { edits } });
    expectFields("the fragment", made.body, { content: "x c" });
    const twice = [
      { old: "x", new: "c" },
      { old: "c", new: "d" },
    ];
    const refused = await scene.request("PATCH", fragmentPath(id), { body: { edits: twice } });
    expectEqual("the status", refused.status, 409);
    expectFields("the problem", refused.body, { code: "no_single_match" });
    await scene.expectStored(id, "x c");
  },

  "PUT, PATCH and DELETE are refused with 412 and change nothing, when If-Match names an old version": async (
    scene,
  ) => {
    const id = await scene.fragment("one");
    await scene.request("PUT", fragmentPath(id), { body: { content: "two" } });
    const headers = { "If-Match": '"1"' };
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const body = method === "DELETE" ? undefined : { content: "three" };
      const answer = await scene.request(method, fragmentPath(id), { body, headers });
      expectEqual(`the status of ${method}`, answer.status, 412);
      expectFields(`the problem of ${method}`, answer.body, { code: "version_mismatch" });
    }
    expectFields("the stored fragment", await scene.read(id), { content: "two", version: 2 });
  },

  "a write is made, when If-Match names the current version": async (scene) => {
    const id = await scene.fragment("one");
    const options = { body: { content: "two" }, headers: { "If-Match": '"7", "1"' } };
    expectEqual("the status", (await scene.request("PUT", fragmentPath(id), options)).status, 200);
    await scene.expectStored(id, "two");
  },

  "a deleted fragment is 404, and its versions go on when it is made again": async (scene) => {
    const id = await scene.fragment("old", { tags: ["old"] });
    expectEqual("the status of DELETE", (await scene.request("DELETE", fragmentPath(id))).status, 204);
    expectEqual("the status of GET", (await scene.request("GET", fragmentPath(id))).status, 404);
    expectEqual(
      "the status of a second DELETE",
      (await scene.request("DELETE", fragmentPath(id))).status,
      404,
    );
    const again = await scene.request("PUT", fragmentPath(id), { body: { content: "new" } });
    expectEqual("the status of PUT", again.status, 201);
    const { version, tags } = await scene.read(id);
    expectThat(version > 1, `the version began again at ${version}`);
    expectEqual("the tags", tags, []);
  },

  "other spellings of an id lead to the same fragment": async (scene) => {
    const id = await scene.fragment("here", { id: scene.id("Café_menu") });
    const folder = id.slice(0, id.lastIndexOf("/"));
    const spellings = {
      "%2F": encodeURIComponent(id),
      "a space": encodePath(id).replace("_menu", "%20menu"),
      NFD: `${folder}/${encodeURIComponent("Cafe\u0301_menu")}`,
    };
    for (const [spelling, path] of Object.entries(spellings)) {
      const { status, body } = await scene.request("GET", `/v1/fragments/${path}`);
      expectEqual(`the status with ${spelling}`, status, 200);
      expectFields(`the fragment with ${spelling}`, body, { id, content: "here" });
    }
  },
});
