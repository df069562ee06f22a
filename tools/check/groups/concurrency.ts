import { fragmentPath } from "../../server-url.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields, expectThat } from "../expect.ts";
import type { Joined } from "../scene.ts";

/** Settles when the client knows the text of this version. */
async function textAt(client: Joined, version: number): Promise<string> {
  for (;;) {
    const frame = await client.next("update");
    if ("content" in frame && frame.version >= version) return frame.content;
  }
}

/** Several people at the same moment. Nothing acknowledged is lost, and all see the same text. */
export const concurrency = group("concurrency", {
  "both changes stay, when two clients change the same version": async (scene) => {
    const id = await scene.fragment("one two three");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const from = { action: "update", base_version: 1, request_id: "1" };
    await Promise.all([
      ann.write({ ...from, content: "ONE two three" }),
      bob.write({ ...from, content: "one two THREE" }),
    ]);
    await scene.expectStored(id, "ONE two THREE");
  },

  "both changes stay, when two clients send texts without naming a version": async (scene) => {
    const id = await scene.fragment("one two three");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    await Promise.all([
      ann.write({ action: "update", content: "ONE two three", request_id: "1" }),
      bob.write({ action: "update", content: "one two THREE", request_id: "1" }),
    ]);
    await scene.expectStored(id, "ONE two THREE");
  },

  "the later sender gets the merged text, when another was faster": async (scene) => {
    const id = await scene.fragment("one two three");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const from = { action: "update", base_version: 1, request_id: "1" };
    await ann.write({ ...from, content: "ONE two three" });
    const status = await bob.write({ ...from, content: "one two THREE" });
    expectFields("the status of the later one", status, { content: "ONE two THREE", version: 3 });
    expectFields("the update to the other", await ann.next("update"), {
      content: "ONE two THREE",
      version: 3,
    });
  },

  "both insertions stay whole, when two clients insert at the same place": async (scene) => {
    const id = await scene.fragment("()");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const edit = (insert: string) => ({
      action: "edit",
      base_version: 1,
      changes: [{ from: 1, to: 1, insert }],
      request_id: "1",
    });
    await Promise.all([ann.write(edit("by Ann;")), bob.write(edit("by Bob;"))]);
    const { content } = await scene.read(id);
    const isWhole = content === "(by Ann;by Bob;)" || content === "(by Bob;by Ann;)";
    expectThat(isWhole, `expected both insertions between the brackets, got ${JSON.stringify(content)}`);
  },

  "every edit stays once and all see the same text, when five clients type at once": async (scene) => {
    const id = await scene.fragment("");
    const names = ["Ann", "Bob", "Cal", "Dee", "Eve"];
    const clients = await Promise.all(names.map((name) => scene.join(id, name)));
    const tokens = (name: string) => [1, 2, 3, 4].map((number) => `${name} ${number};`);
    const versions = await Promise.all(
      clients.map(async (client) => {
        let { version } = client.initial;
        for (const insert of tokens(client.name)) {
          const changes = [{ from: 0, to: 0, insert }];
          ({ version } = await client.write({
            action: "edit",
            base_version: version,
            changes,
            request_id: insert,
          }));
        }
        return version;
      }),
    );
    const { content, version } = await scene.read(id);
    const found = content
      .split(";")
      .slice(0, -1)
      .map((token) => `${token};`);
    expectEqual("the stored edits", found.toSorted(), names.flatMap(tokens).toSorted());
    for (const [index, client] of clients.entries()) {
      if (versions[index] === version) continue; // the last version came in its own status
      expectEqual(`the last text of ${client.name}`, await textAt(client, version), content);
    }
  },

  "every edit stays once and all documents are the same, when four Yjs clients type at once": async (
    scene,
  ) => {
    const id = await scene.fragment("");
    const names = ["Ann", "Bob", "Cal", "Dee"];
    const clients = await Promise.all(names.map((name) => scene.joinYjs(id, name)));
    const tokens = (name: string) => [1, 2, 3, 4, 5].map((number) => `${name} ${number};`);
    for (const client of clients) {
      for (const [seq, token] of tokens(client.name).entries()) {
        client.push(seq, (text) => text.insert(0, token));
      }
    }
    await Promise.all(clients.map((client) => client.saved(4)));
    const { content } = await scene.read(id);
    const found = content
      .split(";")
      .slice(0, -1)
      .map((token) => `${token};`);
    expectEqual("the stored edits", found.toSorted(), names.flatMap(tokens).toSorted());
    await Promise.all(clients.map((client) => client.hasText(content)));
  },

  "one write is made and the others get 412, when five come with the same If-Match": async (scene) => {
    const id = await scene.fragment("v1");
    const writes = [1, 2, 3, 4, 5].map(async (number) => {
      const options = { body: { content: `by ${number}` }, headers: { "If-Match": '"1"' } };
      const { status } = await scene.request("PUT", fragmentPath(id), options);
      return { number, status };
    });
    const results = await Promise.all(writes);
    const statuses = results.map(({ status }) => status).toSorted((a, b) => a - b);
    expectEqual("the statuses", statuses, [200, 412, 412, 412, 412]);
    const winner = results.find(({ status }) => status === 200);
    await scene.expectStored(id, `by ${winner?.number}`);
  },

  "a write is refused with the current text, when its base is not known": async (scene) => {
    const id = await scene.fragment("current");
    const ann = await scene.join(id, "Ann");
    const write = { action: "update", content: "other", base_version: 4_711, request_id: "1" };
    const expected = { action: "error", code: "stale_base", content: "current", version: 1 };
    expectFields("the answer", await ann.ask(write), expected);
    await scene.expectStored(id, "current");
  },
});
