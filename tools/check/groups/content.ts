import { MAX_CONTENT_BYTES } from "../../../src/protocol/limits.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields, expectThat } from "../expect.ts";
import type { Scene } from "../scene.ts";

/** Sends a text over a JSON socket, and expects it on every interface. */
async function expectKept(scene: Scene, text: string): Promise<void> {
  const id = await scene.fragment("");
  const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
  await ann.write({ action: "update", content: text, request_id: "1" });
  expectFields("the update to another client", await bob.next("update"), { content: text });
  await scene.expectStored(id, text);
  const { initial } = await scene.join(id, "a newcomer");
  expectFields("initial of a newcomer", initial, { content: text });
}

/** Texts come back as they went in; edits; the meaning of an acknowledgement. */
export const content = group("content", {
  "blanks and line ends at both ends are kept": (scene) =>
    expectKept(scene, "\n\n  \t Hello \n there \t \n\n"),

  "characters of all scripts are kept": (scene) =>
    expectKept(scene, "Grüße 😀👩‍👩‍👧 שלום مرحبا 你好 e\u0301 \u200b\ufeff \u0001\u007f"),

  "line ends of CRLF are kept": (scene) => expectKept(scene, "one\r\ntwo\r\n\r\nthree"),

  "markup and quotes are kept": (scene) => expectKept(scene, '<b>&amp;</b> "\\" $x {{y}} [[ ]] %20 \\n'),

  "an empty text is kept": async (scene) => {
    const id = await scene.fragment("not empty");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    await ann.write({ action: "update", content: "", request_id: "1" });
    expectFields("the update to another client", await bob.next("update"), { content: "" });
    await scene.expectStored(id, "");
  },

  "a text of 1 MiB is taken, and one byte more is refused and changes nothing": async (scene) => {
    const id = await scene.fragment("");
    const ann = await scene.join(id, "Ann");
    const most = "x".repeat(MAX_CONTENT_BYTES);
    await ann.write({ action: "update", content: most, request_id: "1" });
    const answer = await ann.ask({ action: "update", content: `${most}x`, request_id: "2" });
    expectFields("the answer to the larger text", answer, { action: "error", code: "content_too_large" });
    expectEqual("the stored bytes", (await scene.read(id)).size, MAX_CONTENT_BYTES);
  },

  "each write makes the next version, and a version names one text": async (scene) => {
    const id = await scene.fragment("v1");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    for (const number of [2, 3, 4]) {
      const text = `v${number}`;
      const { version } = await ann.write({ action: "update", content: text, request_id: text });
      expectEqual("the version of the status", version, number);
      expectFields("the update to another client", await bob.nextText(text), { version: number });
      const { content, version: stored } = await scene.read(id);
      expectEqual("the stored version and text", [stored, content], [number, text]);
    }
  },

  "an edit changes its positions, counted in UTF-16 code units": async (scene) => {
    const id = await scene.fragment("a 😀 b");
    const [ann, bob] = await Promise.all([scene.join(id, "Ann"), scene.join(id, "Bob")]);
    const changes = [
      { from: 0, to: 1, insert: "A" },
      { from: 5, to: 6, insert: "B!" },
    ];
    await ann.write({ action: "edit", base_version: ann.initial.version, changes, request_id: "1" });
    await bob.nextText("A 😀 B!");
    await scene.expectStored(id, "A 😀 B!");
  },

  "an edit is refused and changes nothing, when it splits a character": async (scene) => {
    const id = await scene.fragment("a 😀 b");
    const ann = await scene.join(id, "Ann");
    const changes = [{ from: 3, to: 3, insert: "x" }];
    const answer = await ann.ask({ action: "edit", base_version: 1, changes, request_id: "1" });
    expectFields("the answer", answer, { action: "error", code: "invalid_position" });
    await scene.expectStored(id, "a 😀 b");
  },

  "a client gets the changes and not the text, when it has asked for changes": async (scene) => {
    const id = await scene.fragment("one two three");
    const ann = await scene.join(id, "Ann");
    const bob = await scene.join(id, "Bob", { query: "?changes=1" });
    await ann.write({ action: "update", content: "one 2 three", request_id: "1" });
    const update = await bob.next("update");
    expectThat("changes" in update, `Bob asked for changes and was told ${JSON.stringify(update)}`);
    expectFields("the update", update, { base_version: 1, version: 2 });
    let text = "one two three";
    for (const { from, to, insert } of update.changes.toReversed()) {
      text = `${text.slice(0, from)}${insert}${text.slice(to)}`;
    }
    expectEqual("the text that the changes make", text, "one 2 three");
  },

  "a request is answered again and not made again, when a client repeats it after a reconnect": async (
    scene,
  ) => {
    const id = await scene.fragment("");
    const query = "?client=e2e";
    const edit = {
      action: "edit",
      base_version: 1,
      changes: [{ from: 0, to: 0, insert: "once;" }],
      request_id: "the same",
    };
    const ann = await scene.join(id, "Ann", { query });
    const first = await ann.write(edit);
    ann.drop();
    const again = await scene.join(id, "Ann, back again", { query });
    const second = await again.write(edit);
    expectEqual("the version of the second answer", second.version, first.version);
    await scene.expectStored(id, "once;");
  },

  "a newcomer reads the acknowledged text, when all others are gone": async (scene) => {
    const id = await scene.fragment("");
    const ann = await scene.join(id, "Ann");
    const { version } = await ann.write({ action: "update", content: "durable", request_id: "1" });
    ann.drop();
    const { initial } = await scene.join(id, "the newcomer");
    expectFields("initial", initial, { content: "durable", version });
  },

  "NUL and half characters are refused and change nothing": async (scene) => {
    const id = await scene.fragment("kept");
    const ann = await scene.join(id, "Ann");
    for (const [request_id, text] of Object.entries({ nul: "a\0b", half: "a\ud83db" })) {
      const answer = await ann.ask({ action: "update", content: text, request_id });
      expectFields(`the answer to ${request_id}`, answer, { action: "error", code: "invalid_content" });
    }
    await scene.expectStored(id, "kept");
  },
});
