/** A remembered request belongs to the one who sent it: nobody else is answered with its result. */
import { describe, expect, test } from "vitest";
import { restClient, socketClient } from "../../src/core/fragment/request-client.ts";
import type { Access, Principal } from "../../src/protocol/access.ts";
import { ANONYMOUS } from "../../src/protocol/access.ts";
import { userAccess } from "../support/open-access.ts";
import { RoomScene } from "../support/room-scene.ts";

const principal = (id: string): Principal => ({ id, name: null, color: null });

describe("the name under which requests are remembered", () => {
  const ids = ["anonymous", "anonymous:s1", "user:ann", "user:bob", "key:1", 'user:","', "user:\u0001"];
  const names = [
    null,
    "",
    "s1",
    "s2",
    "user:ann",
    "\u0001",
    "\u0001s1",
    '\u0001["s1"]',
    '["user:ann"]',
    '","',
  ];

  test("[SESSION-11] differs for any two owners, whatever names clients choose", () => {
    const owners = new Map<string, string>();
    const claim = (name: string, owner: unknown) => {
      const text = JSON.stringify(owner);
      expect(owners.get(name) ?? text, JSON.stringify(name)).toBe(text);
      owners.set(name, text);
    };
    for (const id of ids) {
      const isAnonymous = id.startsWith("anonymous");
      claim(restClient(principal(id)), ["REST", isAnonymous ? "anonymous" : id]);
      for (const name of names) {
        if (name === "") continue; // read as none
        for (const session of ["s1", "s2", '["s1"]']) {
          const ownSession = name === null ? session : null;
          claim(socketClient(principal(id), name, session), [
            isAnonymous ? "anonymous" : id,
            name,
            ownSession,
          ]);
        }
      }
    }
  });

  test("[SESSION-11] is that which earlier releases have stored, when an anonymous client chose one", () => {
    expect(socketClient(principal("anonymous:s"), "alice", "s")).toBe("alice");
    expect(restClient(ANONYMOUS)).toBe("");
  });
});

describe("a request of somebody else", () => {
  const ANN = userAccess("ann");
  const write = (content: string) => ({ action: "update", content, base_version: 1, request_id: "r" });

  /** Two sessions send the same request one after the other. */
  function repeated(one: Partial<Access>, other: Partial<Access>, names: readonly (string | null)[]) {
    const room = new RoomScene("text");
    const [first, second] = [
      room.json("first", { access: { ...ANN, ...one }, clientName: names[0] ?? null }),
      room.json("second", { access: { ...ANN, ...other }, clientName: names[1] ?? null }),
    ];
    first.send(write("text of the first"));
    room.rest();
    second.told();
    second.send({ action: "update_metadata", description: "of the second", request_id: "r" });
    room.rest();
    return { room, answer: second.told()[0] };
  }

  test("[SESSION-11] is carried out, when two users chose the same client name", () => {
    const { answer, room } = repeated({}, { principal: { ...ANN.principal, id: "user:bob" } }, [
      "tab",
      "tab",
    ]);
    expect(answer).toMatchObject({ action: "update_status" });
    expect(room.host.room.committed.metadata.description).toBe("of the second");
  });

  test("[SESSION-11] is carried out, when a client names itself after another's session", () => {
    const room = new RoomScene("text");
    const anonymous = { ...ANN, principal: ANONYMOUS, grants: [] };
    const victim = room.json("victim", { access: anonymous });
    victim.send(write("text of the victim"));
    room.rest();
    const thief = room.json("thief", { access: anonymous, clientName: victim.session.record.id });
    thief.send({ action: "update_metadata", description: "x", request_id: "r" });
    room.rest();
    expect(thief.told()).toMatchObject([{ action: "update_status" }]);
  });

  test("[SESSION-11] is no base, when somebody else names it", () => {
    const room = new RoomScene("text");
    const ann = room.json("ann", { access: ANN, clientName: "tab" });
    const bob = room.json("bob", { access: userAccess("bob"), clientName: "tab" });
    ann.send(write("text of Ann"));
    room.rest();
    bob.told();
    bob.send({
      action: "edit",
      base_request_id: "r",
      changes: [{ from: 0, to: 4, insert: "x" }],
      request_id: "b",
    });
    room.rest();
    expect(bob.told()).toMatchObject([{ action: "error", code: "stale_base", request_id: "b" }]);
  });

  test("[SESSION-11] is answered again, when the same user sends it under the same name from another session", () => {
    const room = new RoomScene("text");
    const ann = room.json("ann", { access: ANN, clientName: "tab" });
    ann.send(write("text of Ann"));
    room.rest();
    const again = room.json("again", { access: ANN, clientName: "tab" });
    again.send(write("text of Ann"));
    room.rest();
    expect(again.told()).toMatchObject([{ action: "update_status", version: 2, request_id: "r" }]);
    expect(room.revision).toBe(2);
  });
});
