import * as Y from "yjs";
import { SUBPROTOCOL } from "../../../src/protocol/yjs-frames.ts";
import { fragmentPath } from "../../server-url.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields, expectThat } from "../expect.ts";

/** The Yjs socket: the stock provider, and our own subprotocol. */
export const yjs = group("yjs", {
  "a stock provider gets the text and its metadata, when it connects": async (scene) => {
    const id = await scene.fragment("Hello 😀\n", { description: "a greeting", tags: ["a"] });
    const ann = await scene.joinStock(id, "Ann");
    expectEqual("its text", ann.text.toString(), "Hello 😀\n");
    expectEqual("its description", ann.doc.getMap("metadata").get("description"), "a greeting");
    expectEqual("its tags", [...ann.doc.getMap("tags").keys()], ["a"]);
  },

  "two stock providers come to the same text, when both type": async (scene) => {
    const id = await scene.fragment("()");
    const [ann, bob] = await Promise.all([scene.joinStock(id, "Ann"), scene.joinStock(id, "Bob")]);
    ann.text.insert(0, "by Ann");
    bob.text.insert(2, "by Bob");
    await Promise.all([ann.hasText("by Ann()by Bob"), bob.hasText("by Ann()by Bob")]);
  },

  "a stock provider makes the fragment, when it comes with create=1": async (scene) => {
    const id = scene.id("new");
    const ann = await scene.joinStock(id, "Ann", { create: "1" });
    ann.text.insert(0, "typed");
    const bob = await scene.joinStock(id, "Bob");
    await bob.hasText("typed");
  },

  "a stock provider gives up with 4404, when the fragment does not exist": async (scene) => {
    const ann = scene.stock(scene.id("missing"), "Ann");
    expectEqual("the code on which it gave up", await ann.gaveUp(), 4404);
  },

  "a stock provider gives up with 4410, when the fragment is deleted": async (scene) => {
    const id = await scene.fragment("text");
    const ann = await scene.joinStock(id, "Ann");
    await scene.request("DELETE", fragmentPath(id));
    expectEqual("the code on which it gave up", await ann.gaveUp(), 4410);
  },

  "the others get an edit and its author does not, when one types": async (scene) => {
    const id = await scene.fragment("");
    const [ann, bob] = await Promise.all([scene.joinYjs(id, "Ann"), scene.joinYjs(id, "Bob")]);
    ann.type((text) => text.insert(0, "typed"));
    await bob.hasText("typed");
    await ann.sync();
    const echoes = ann.inbox.unread.filter(({ kind }) => kind === "update");
    expectEqual("how many updates its author got", echoes.length, 0);
  },

  "the subprotocol is agreed to, and a client without it gets no frame of it": async (scene) => {
    const id = await scene.fragment("");
    const [own, plain] = await Promise.all([
      scene.yjs(id, "Ann"),
      scene.yjs(id, "Bob", { isOwnClient: false }),
    ]);
    expectEqual("the subprotocol of a client that offers it", own.subprotocol, SUBPROTOCOL);
    expectEqual("the subprotocol of a client that does not", plain.subprotocol, "");
    await plain.sync();
    plain.type((text) => text.insert(0, "typed"));
    await plain.sync();
    plain.sendRaw(Uint8Array.of(0, 2, 200));
    await plain.closed();
    const foreign = plain.inbox.all.filter(({ kind }) => ["saved", "notice", "foreign"].includes(kind));
    expectEqual("frames of the subprotocol", foreign, []);
  },

  "saved names the version that holds it, when a push is durable": async (scene) => {
    const id = await scene.fragment("");
    const ann = await scene.joinYjs(id, "Ann");
    ann.push(7, (text) => text.insert(0, "pushed"));
    expectEqual("saved", await ann.saved(7), { kind: "saved", seq: 7, revision: 2 });
    expectFields("the stored fragment", await scene.read(id), { content: "pushed", version: 2 });
  },

  "all pushes are saved in the end, when many come at once": async (scene) => {
    const id = await scene.fragment("");
    const ann = await scene.joinYjs(id, "Ann");
    for (let seq = 0; seq < 30; seq++) ann.push(seq, (text) => text.insert(text.length, `${seq};`));
    const { revision } = await ann.saved(29);
    const { content, version } = await scene.read(id);
    expectEqual("the stored text", content, ann.text);
    expectThat(revision <= version, `saved says revision ${revision}, and the version is ${version}`);
  },

  "the rest is asked for and nothing is lost, when an edit builds on one that the server lacks": async (
    scene,
  ) => {
    const id = await scene.fragment("");
    const ann = await scene.joinYjs(id, "Ann");
    await ann.next("step1"); // the client answers it by itself
    ann.edit((text) => text.insert(0, "never sent;"));
    ann.push(1, (text) => text.insert(text.length, "sent;"));
    await ann.next("step1");
    await ann.saved(1);
    await scene.expectStored(id, "never sent;sent;");
  },

  "edits made while away are taken, when a client comes back": async (scene) => {
    const id = await scene.fragment("one");
    const away = await scene.joinYjs(id, "Ann");
    away.drop();
    const bob = await scene.joinYjs(id, "Bob");
    bob.push(1, (text) => text.insert(3, " by Bob"));
    await bob.saved(1);
    away.edit((text) => text.insert(0, "by Ann "));
    const back = await scene.joinYjs(id, "Ann, back again", away.doc);
    await Promise.all([back.hasText("by Ann one by Bob"), bob.hasText("by Ann one by Bob")]);
    await scene.expectStored(id, "by Ann one by Bob");
  },

  "the socket is closed with 4400 after a notice and nothing changes, when a frame is malformed": async (
    scene,
  ) => {
    const id = await scene.fragment("kept");
    const [ann, bob] = await Promise.all([scene.joinYjs(id, "Ann"), scene.joinYjs(id, "Bob")]);
    ann.sendRaw(Uint8Array.of(0, 2, 200));
    expectFields("the notice", await ann.next("notice"), { code: "malformed_update" });
    expectEqual("the code that closed the socket", (await ann.closed()).code, 4400);
    bob.push(1, (text) => text.insert(4, "!"));
    await bob.saved(1);
    await scene.expectStored(id, "kept!");
  },

  "the socket is closed with 4409 and nothing changes, when a client writes in another's name": async (
    scene,
  ) => {
    const id = await scene.fragment("");
    const [ann, forger] = await Promise.all([scene.joinYjs(id, "Ann"), scene.joinYjs(id, "the forger")]);
    ann.push(1, (text) => text.insert(0, "by Ann;"));
    forger.push(1, (text) => text.insert(0, "by the forger;"));
    await Promise.all([ann.saved(1), forger.saved(1)]);
    await forger.sync();
    const { content } = await scene.read(id);
    const copy = new Y.Doc();
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(forger.doc));
    const known = Y.encodeStateVector(copy);
    copy.clientID = ann.doc.clientID;
    copy.getText("content").insert(0, "forged;");
    forger.pushUpdate(2, Y.encodeStateAsUpdate(copy, known));
    expectFields("the notice", await forger.next("notice"), { code: "forged_update" });
    expectEqual("the code that closed the socket", (await forger.closed()).code, 4409);
    await scene.expectStored(id, content);
  },
});
