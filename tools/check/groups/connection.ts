import { MAX_CONTENT_BYTES } from "../../../src/protocol/limits.ts";
import { fragmentPath } from "../../server-url.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields, expectThat } from "../expect.ts";

/** JSON sockets: joining, updates to others, and sessions that go on when others leave, stall or break. */
export const connection = group("connection", {
  "a client gets the whole fragment first, when it connects": async (scene) => {
    const id = await scene.fragment("Hello", { description: "a greeting", tags: ["a", "b"] });
    const { initial } = await scene.join(id, "Ann");
    expectFields("initial", initial, {
      id,
      content: "Hello",
      description: "a greeting",
      tags: ["a", "b"],
      prompt_type: "standard",
      version: 1,
    });
    expectThat(
      !Number.isNaN(Date.parse(initial.updated_at)),
      `updated_at is not a time: ${initial.updated_at}`,
    );
  },

  "each client gets a session id of its own, when two connect": async (scene) => {
    const id = await scene.fragment("text");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const sessions = [ann.initial.session, bob.initial.session];
    const areIds = sessions.every((session) => typeof session === "string" && session !== "");
    expectThat(areIds && sessions[0] !== sessions[1], `the session ids are ${sessions.join(" and ")}`);
  },

  "all others are told the new text, when one client sends it": async (scene) => {
    const id = await scene.fragment("one");
    const ann = await scene.join(id, "Ann");
    const [bob, cal] = await Promise.all([scene.join(id, "Bob"), scene.join(id, "Cal")]);
    const { version } = await ann.write({ action: "update", content: "two", request_id: "1" });
    expectEqual("the version of the new text", version, 2);
    for (const other of [bob, cal]) {
      expectFields(`the update to ${other.name}`, await other.next("update"), { content: "two", version });
    }
  },

  "the sender is told that its text is stored and not its own text, when it sends one": async (scene) => {
    const id = await scene.fragment("one");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const status = await ann.write({ action: "update", content: "two", request_id: "1" });
    expectFields("the status", status, { success: true, request_id: "1", version: 2 });
    await bob.nextText("two"); // by now it would have reached the others too
    await ann.fence();
    expectEqual("what else the sender was told", ann.unread, []);
  },

  "clients of another fragment are told nothing, when a text changes": async (scene) => {
    const [id, otherId] = [
      await scene.fragment("one"),
      await scene.fragment("kept", { id: scene.id("other") }),
    ];
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const stranger = await scene.join(otherId, "the stranger");
    ann.send({ action: "update", content: "two" });
    await bob.nextText("two");
    await stranger.fence();
    expectEqual("what the stranger was told", stranger.unread, []);
  },

  "the others go on, when a client says goodbye": async (scene) => {
    const id = await scene.fragment("one");
    const leaver = await scene.join(id, "the leaver");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    leaver.leave();
    expectEqual("the code of the answered goodbye", (await leaver.closed()).code, 1000);
    await ann.write({ action: "update", content: "two", request_id: "1" });
    await bob.nextText("two");
  },

  "the others go on, when a client's connection breaks": async (scene) => {
    const id = await scene.fragment("one");
    const failing = await scene.join(id, "the failing client");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    failing.send({ action: "presence", state: { name: "failing" } });
    await Promise.all([ann.next("presence"), bob.next("presence")]);
    failing.sendRaw('{"action": "update", "content": ');
    failing.drop();
    await ann.next("presence"); // its cursor is gone: the server has noticed
    await ann.write({ action: "update", content: "two", request_id: "1" });
    await bob.nextText("two");
    await scene.expectStored(id, "two");
  },

  "the others get each text and the client gets the last one later, when it stops reading": async (scene) => {
    const id = await scene.fragment("");
    const stalled = await scene.join(id, "the stalled client");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    stalled.stopReading();
    // Together more than the limit of one text, and more than a socket buffers by default.
    const filling = "x".repeat(MAX_CONTENT_BYTES / 4);
    for (let part = 1; part <= 8; part++) {
      await ann.write({ action: "update", content: `${part}${filling}`, request_id: `${part}` });
      await bob.nextText(`${part}${filling}`);
    }
    stalled.readAgain();
    await stalled.nextText(`8${filling}`);
  },

  "a client finds what it missed, when it comes back": async (scene) => {
    const id = await scene.fragment("one");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    ann.leave();
    await ann.closed();
    await bob.write({ action: "update", content: "two", request_id: "1" });
    const { initial } = await scene.join(id, "Ann, back again");
    expectFields("initial", initial, { content: "two", version: 2 });
  },

  "a pong comes back, when a client pings": async (scene) => {
    const id = await scene.fragment("text");
    const ann = await scene.join(id, "Ann");
    ann.sendRaw('{"action":"ping"}');
    expectEqual("the answer", await ann.next("pong"), { action: "pong" });
    ann.send({ action: "ping", request_id: "named" });
    expectEqual("the answer", await ann.next("pong"), { action: "pong", request_id: "named" });
  },

  "the socket is closed with 4004 and nothing is made, when the fragment does not exist": async (scene) => {
    const id = scene.id("missing");
    const ann = await scene.json(id, "Ann");
    expectEqual("the close", await ann.closed(), { code: 4004, reason: `Fragment '${id}' not found` });
    expectEqual("the status of a GET", (await scene.request("GET", fragmentPath(id))).status, 404);
  },

  "an empty fragment is made, when a client connects with create=1": async (scene) => {
    const id = scene.id("new");
    const { initial } = await scene.join(id, "Ann", { query: "?create=1" });
    expectFields("initial", initial, { id, content: "", description: "", tags: [], version: 1 });
    await scene.expectStored(id, "");
  },

  "every client is told and closed with 4410, when the fragment is deleted": async (scene) => {
    const id = await scene.fragment("text");
    const clients = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    // workerd keeps the connection of a socket that never sent anything open for ten more seconds (November 2026).
    await Promise.all(clients.map((client) => client.fence()));
    const { status } = await scene.request("DELETE", fragmentPath(id));
    expectEqual("the status of the DELETE", status, 204);
    for (const client of clients) {
      expectFields(`the last frame to ${client.name}`, await client.next("deleted"), { id });
      expectEqual(`the code that closed ${client.name}`, (await client.closed()).code, 4410);
    }
  },
});
