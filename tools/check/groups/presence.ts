import * as Y from "yjs";
import { MAX_PRESENCE_BYTES } from "../../../src/protocol/limits.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields } from "../expect.ts";
import type { YjsClient } from "../yjs-client.ts";

/** A state as stock editors write it: the cursor in relative positions. */
function yjsState(client: YjsClient, name: string, index: number): object {
  const text = client.doc.getText("content");
  const position = Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, index));
  return { user: { name, color: "#123456" }, cursor: { anchor: position, head: position } };
}

/** The position of a cursor of an awareness state in this client's text; null if it has none. */
function cursorIndex(client: YjsClient, state: string): number | null {
  const { cursor } = JSON.parse(state) as { cursor?: { anchor?: unknown } }; // the result is checked
  if (cursor?.anchor === undefined) return null;
  const position = Y.createRelativePositionFromJSON(cursor.anchor);
  return Y.createAbsolutePositionFromRelativePosition(position, client.doc)?.index ?? null;
}

/** Presence: names and cursors. */
export const presence = group("presence", {
  "the other JSON clients see a presence and its sender gets no copy, when it is shown": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const state = { name: "Ann", color: "#f00", cursor: { anchor: 1, head: 3 } };
    ann.send({ action: "presence", state });
    expectEqual("the peers that Bob is told of", (await bob.next("presence")).peers, [
      { session: ann.initial.session, ...state },
    ]);
    await ann.fence();
    expectEqual("what the teller was told", ann.unread, []);
  },

  "a newcomer learns who is there": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    ann.send({ action: "presence", state: { name: "Ann", cursor: 2 } });
    await bob.next("presence");
    const newcomer = await scene.join(id, "the newcomer");
    expectEqual("the peers that the newcomer is told of", (await newcomer.next("presence")).peers, [
      { session: ann.initial.session, name: "Ann", cursor: 2 },
    ]);
  },

  "a peer leaves the list, when it removes its presence": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    ann.send({ action: "presence", state: { name: "Ann" } });
    await bob.next("presence");
    ann.send({ action: "presence", state: null });
    expectEqual("the peers that are left", (await bob.next("presence")).peers, []);
  },

  "a peer leaves the list, when its socket breaks": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    ann.send({ action: "presence", state: { name: "Ann" } });
    await bob.next("presence");
    ann.drop();
    expectEqual("the peers that are left", (await bob.next("presence")).peers, []);
  },

  "a cursor stands at the same place for Yjs clients, when a JSON client shows it": async (scene) => {
    const id = await scene.fragment("hello world");
    const [json, yjs] = await Promise.all([scene.join(id, "Ann"), scene.joinYjs(id, "Bob")]);
    json.send({ action: "presence", state: { name: "Ann", color: "red", cursor: 6 } });
    const { entries } = await yjs.next("awareness");
    const [entry] = entries;
    expectFields("the state of the JSON client", JSON.parse(entry?.state ?? "null"), {
      user: { name: "Ann", color: "red" },
    });
    expectEqual("where its cursor stands", cursorIndex(yjs, entry?.state ?? "{}"), 6);
  },

  "a cursor stands at the same place for JSON clients, when a Yjs client shows it": async (scene) => {
    const id = await scene.fragment("hello world");
    const [json, yjs] = await Promise.all([scene.join(id, "Ann"), scene.joinYjs(id, "Bob")]);
    yjs.show(yjsState(yjs, "Bob", 6));
    const { peers } = await json.next("presence");
    expectEqual("how many peers are shown", peers.length, 1);
    expectFields("the peer", peers[0], { name: "Bob", color: "#123456", cursor: { anchor: 6, head: 6 } });
  },

  "a cursor is gone for all, when the socket of a Yjs client fails": async (scene) => {
    const id = await scene.fragment("text");
    const [json, yjs, other] = await Promise.all([
      scene.join(id, "Ann"),
      scene.joinYjs(id, "Bob"),
      scene.joinYjs(id, "Cal"),
    ]);
    yjs.show({ user: { name: "Bob" } });
    await Promise.all([json.next("presence"), other.awarenessOf(yjs.doc.clientID)]);
    yjs.drop();
    expectEqual("the peers of the JSON client", (await json.next("presence")).peers, []);
    const { state } = await other.awarenessOf(yjs.doc.clientID);
    expectEqual("its state for the Yjs client", state, "null");
  },

  "two stock providers see each other, and no longer when one leaves": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.joinStock(id, "Ann"), scene.joinStock(id, "Bob")]);
    ann.provider.awareness.setLocalStateField("user", { name: "Ann" });
    bob.provider.awareness.setLocalStateField("user", { name: "Bob" });
    const shows = (name: string) => (others: ReadonlyMap<number, Readonly<Record<string, unknown>>>) =>
      [...others.values()].some(({ user }) => JSON.stringify(user) === JSON.stringify({ name }));
    await Promise.all([ann.seesOthers("Bob", shows("Bob")), bob.seesOthers("Ann", shows("Ann"))]);
    ann.drop();
    await bob.seesOthers("that Ann has left", (others) => !others.has(ann.doc.clientID));
  },

  "a client keeps its cursor and its socket, when another one claims its client id": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.joinYjs(id, "Ann"), scene.joinYjs(id, "Bob")]);
    ann.show({ user: { name: "Ann" } });
    await bob.awarenessOf(ann.doc.clientID);
    const thief = await scene.joinYjs(id, "the thief");
    thief.sendAwareness([
      { client: ann.doc.clientID, clock: 99, state: JSON.stringify({ user: { name: "the thief" } }) },
    ]);
    expectFields("the notice", await thief.next("notice"), { code: "client_id_taken" });
    ann.show({ user: { name: "Ann, later" } });
    await bob.inbox.next(
      "Ann's later state",
      (frame) =>
        frame.kind === "awareness" && frame.entries.some(({ state }) => state.includes("Ann, later")),
    );
    const stolen = bob.inbox.all.filter((frame) => JSON.stringify(frame).includes("the thief"));
    expectEqual("what Bob was told in Ann's name", stolen, []);
  },

  "a client cannot change the cursor of another": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob, cal] = await Promise.all([
      scene.joinYjs(id, "Ann"),
      scene.joinYjs(id, "Bob"),
      scene.joinYjs(id, "Cal"),
    ]);
    ann.show({ user: { name: "Ann" } });
    bob.show({ user: { name: "Bob" } });
    await Promise.all([cal.awarenessOf(ann.doc.clientID), bob.awarenessOf(ann.doc.clientID)]);
    bob.sendAwareness([
      { client: ann.doc.clientID, clock: 99, state: JSON.stringify({ user: { name: "forged" } }) },
      { client: bob.doc.clientID, clock: 99, state: JSON.stringify({ user: { name: "Bob, later" } }) },
    ]);
    const told = (state: string) => state.includes("Bob, later");
    await cal.inbox.next(
      "Bob's later state",
      (frame) => frame.kind === "awareness" && frame.entries.some(({ state }) => told(state)),
    );
    const forged = cal.inbox.all.filter((frame) => JSON.stringify(frame).includes("forged"));
    expectEqual("what Cal was told in Ann's name", forged, []);
  },

  "a state is refused and its client stays, when it is too large": async (scene) => {
    const id = await scene.fragment("text");
    const ann = await scene.join(id, "Ann");
    const cursor = "x".repeat(MAX_PRESENCE_BYTES);
    const answer = await ann.ask({ action: "presence", state: { cursor }, request_id: "1" });
    expectFields("the answer", answer, { action: "error", code: "presence_too_large" });
    await ann.fence();
  },
});
