import { MAX_TAGS } from "../../../src/protocol/limits.ts";
import { fragmentPath } from "../../server-url.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields } from "../expect.ts";

/** Description, tags and type. */
export const metadata = group("metadata", {
  "the sender gets a status and the others all fields, when a client changes metadata": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const fields = { description: "new", tags: ["x", "y"], prompt_type: "system" };
    const { version } = await ann.write({ action: "update_metadata", ...fields, request_id: "1" });
    expectFields("what another client is told", await bob.next("update_metadata"), { ...fields, version });
    await ann.fence();
    expectEqual("what else the sender was told", ann.unread, []);
    expectFields("the stored fragment", await scene.read(id), { ...fields, content: "text", version });
  },

  "fields that are absent or null stay, when others are changed": async (scene) => {
    const id = await scene.fragment("text", { description: "old", tags: ["a"], prompt_type: "user" });
    const ann = await scene.join(id, "Ann");
    await ann.write({ action: "update_metadata", description: "new", tags: null, request_id: "1" });
    expectFields("the stored fragment", await scene.read(id), {
      description: "new",
      tags: ["a"],
      prompt_type: "user",
      content: "text",
    });
  },

  "a field is cleared, when an empty value is sent": async (scene) => {
    const id = await scene.fragment("text", { description: "old", tags: ["a", "b"] });
    const ann = await scene.join(id, "Ann");
    await ann.write({ action: "update_metadata", description: "", tags: [], request_id: "1" });
    expectFields("the stored fragment", await scene.read(id), { description: "", tags: [] });
  },

  "all tags stay in their order, when many are sent": async (scene) => {
    const tags = Array.from({ length: MAX_TAGS }, (_, index) => `tag ${(index * 7) % MAX_TAGS} é`);
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    await ann.write({ action: "update_metadata", tags, request_id: "1" });
    expectFields("what another client is told", await bob.next("update_metadata"), { tags });
    expectEqual("the stored tags", (await scene.read(id)).tags, tags);
  },

  "both tags stay, when two clients add one to the same list": async (scene) => {
    const id = await scene.fragment("text", { tags: ["old"] });
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const from = { action: "update_metadata", base_version: 1, request_id: "1" };
    await Promise.all([
      ann.write({ ...from, tags: ["old", "ann"] }),
      bob.write({ ...from, tags: ["old", "bob"] }),
    ]);
    expectEqual("the stored tags", (await scene.read(id)).tags.toSorted(), ["ann", "bob", "old"]);
  },

  "both fields stay, when two clients change one each": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    await Promise.all([
      ann.write({ action: "update_metadata", description: "by Ann", request_id: "1" }),
      bob.write({ action: "update_metadata", prompt_type: "composite", request_id: "1" }),
    ]);
    const expected = { description: "by Ann", prompt_type: "composite" };
    expectFields("the stored fragment", await scene.read(id), expected);
  },

  "too many tags and an unknown type are refused and change nothing": async (scene) => {
    const id = await scene.fragment("text", { tags: ["kept"] });
    const ann = await scene.join(id, "Ann");
    const tags = Array.from({ length: MAX_TAGS + 1 }, (_, index) => `${index}`);
    const tooMany = await ann.ask({ action: "update_metadata", tags, request_id: "1" });
    expectFields("the answer to too many tags", tooMany, { action: "error", code: "invalid_frame" });
    const unknown = await ann.ask({ action: "update_metadata", prompt_type: "odd", request_id: "2" });
    expectFields("the answer to an unknown type", unknown, { action: "error", code: "invalid_frame" });
    expectFields("the stored fragment", await scene.read(id), {
      tags: ["kept"],
      prompt_type: "standard",
      version: 1,
    });
  },

  "a client is told the new metadata, when REST changes them": async (scene) => {
    const id = await scene.fragment("text");
    const ann = await scene.join(id, "Ann");
    const { status } = await scene.request("PATCH", fragmentPath(id), { body: { tags: ["by rest"] } });
    expectEqual("the status of the PATCH", status, 200);
    expectFields("what the client is told", await ann.next("update_metadata"), { tags: ["by rest"] });
  },
});
