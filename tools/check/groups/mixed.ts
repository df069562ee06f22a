import * as Y from "yjs";
import { fragmentPath } from "../../server-url.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields } from "../expect.ts";

/** JSON clients, Yjs clients and REST on one fragment. */
export const mixed = group("mixed", {
  "a JSON client's text reaches Yjs clients, stock ones too": async (scene) => {
    const id = await scene.fragment("one");
    const json = await scene.join(id, "Ann");
    const [own, stock] = await Promise.all([scene.joinYjs(id, "Bob"), scene.joinStock(id, "Cal")]);
    await json.write({ action: "update", content: "one two", request_id: "1" });
    await Promise.all([own.hasText("one two"), stock.hasText("one two")]);
  },

  "a Yjs client's edit reaches JSON clients, stock or not": async (scene) => {
    const id = await scene.fragment("one");
    const json = await scene.join(id, "Ann");
    const [own, stock] = await Promise.all([scene.joinYjs(id, "Bob"), scene.joinStock(id, "Cal")]);
    own.type((text) => text.insert(3, " two"));
    await json.nextText("one two");
    await stock.hasText("one two");
    stock.text.insert(7, " three");
    await json.nextText("one two three");
  },

  "a write over REST reaches JSON and Yjs clients": async (scene) => {
    const id = await scene.fragment("one two");
    const [json, yjs] = await Promise.all([scene.join(id, "Ann"), scene.joinYjs(id, "Bob")]);
    const edits = [{ old: "two", new: "2" }];
    const { status } = await scene.request("PATCH", fragmentPath(id), { body: { edits } });
    expectEqual("the status of the PATCH", status, 200);
    await Promise.all([json.nextText("one 2"), yjs.hasText("one 2")]);
  },

  "a read over REST shows what a Yjs client has typed before": async (scene) => {
    const id = await scene.fragment("");
    const yjs = await scene.joinYjs(id, "Ann");
    yjs.type((text) => text.insert(0, "typed"));
    await yjs.sync(); // the server has the edit
    await scene.expectStored(id, "typed");
  },

  "both changes stay, when a JSON and a Yjs client write at the same time": async (scene) => {
    const id = await scene.fragment("one two three");
    const [json, yjs] = await Promise.all([scene.join(id, "Ann"), scene.joinYjs(id, "Bob")]);
    yjs.push(1, (text) => {
      text.delete(8, 5);
      text.insert(8, "THREE");
    });
    const write = { action: "update", content: "ONE two three", base_version: 1, request_id: "1" };
    await Promise.all([json.write(write), yjs.saved(1)]);
    await yjs.hasText("ONE two THREE");
    await scene.expectStored(id, "ONE two THREE");
  },

  "a Yjs cursor keeps its place in the text, when REST replaces another part": async (scene) => {
    const id = await scene.fragment("one two three");
    const yjs = await scene.joinYjs(id, "Ann");
    const position = Y.createRelativePositionFromTypeIndex(yjs.doc.getText("content"), 8);
    await scene.request("PUT", fragmentPath(id), { body: { content: "one 2 three" } });
    await yjs.hasText("one 2 three");
    const index = Y.createAbsolutePositionFromRelativePosition(position, yjs.doc)?.index;
    expectEqual("where the cursor stands that was before `three`", index, 6);
  },

  "a JSON client's metadata reach a Yjs client": async (scene) => {
    const id = await scene.fragment("text");
    const [json, yjs] = await Promise.all([scene.join(id, "Ann"), scene.joinYjs(id, "Bob")]);
    await json.write({ action: "update_metadata", description: "new", tags: ["a"], request_id: "1" });
    await yjs.until(
      "the new metadata",
      (doc) => doc.getMap("metadata").get("description") === "new" && doc.getMap("tags").has("a"),
    );
  },

  "a Yjs client's metadata reach a JSON client": async (scene) => {
    const id = await scene.fragment("text", { tags: ["a"] });
    const [json, yjs] = await Promise.all([scene.join(id, "Ann"), scene.joinYjs(id, "Bob")]);
    yjs.type((_text, doc) => {
      doc.getMap("tags").set("b", 9);
      doc.getMap("metadata").set("description", "new");
    });
    expectFields("what the JSON client is told", await json.next("update_metadata"), {
      description: "new",
      tags: ["a", "b"],
    });
  },
});
