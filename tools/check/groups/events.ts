import type { FragmentId } from "../../../src/language/fragment-id.ts";
import { authorization } from "../../access/credential.ts";
import { fragmentPath } from "../../server-url.ts";
import { group } from "../check.ts";
import { CheckFailure, expectEqual, expectThat } from "../expect.ts";
import type { Scene } from "../scene.ts";
import type { TextClient } from "../text-client.ts";

/** The fields of an event of `/v1/events` that the checks look at. */
interface Told {
  readonly event: string;
  readonly seq?: number;
  readonly id?: string;
  readonly fragment?: { readonly id: string; readonly version: number };
  readonly editors?: readonly { readonly name: string | null }[];
  readonly sessions?: number;
}

/** The events that listeners get. */
export const events = group("events", {
  "a listener is told of a creation, a change and a deletion": async (scene) => {
    const listener = await scene.text("/v1/events", "Ann");
    const id = await scene.fragment("text");
    expectEqual("the version created", (await next(listener, "created", id)).fragment?.version, 1);
    await scene.request("PATCH", fragmentPath(id), { body: { description: "new" } });
    expectEqual("the version changed", (await next(listener, "changed", id)).fragment?.version, 2);
    await scene.request("DELETE", fragmentPath(id));
    await next(listener, "deleted", id);
  },

  "a listener gets what it missed, when it reconnects": async (scene) => {
    const first = await scene.text("/v1/events", "Ann");
    const { seq } = await next(first, "created", await scene.fragment("one", { id: scene.id("one") }));
    first.drop();
    const missed = await scene.fragment("two", { id: scene.id("two") });
    const again = await scene.text(`/v1/events?last_event_id=${seq}`, "Ann, again,");
    await next(again, "created", missed);
  },

  "a listener is told which sessions have a fragment open": async (scene) => {
    const listener = await scene.text("/v1/events", "Ann");
    const id = await scene.fragment("text");
    const editor = await scene.join(id, "Bob");
    editor.send({ action: "presence", state: { name: "Bob" } });
    for (;;) {
      const { editors } = await next(listener, "editors", id);
      if (editors?.some(({ name }) => name === "Bob") === true) break;
    }
    editor.drop();
    while ((await next(listener, "editors", id)).sessions !== 0);
  },

  "server-sent events bring the same, numbered": async (scene) => {
    const listener = await scene.text("/v1/events", "Ann");
    const id = await scene.fragment("text");
    const { seq = 0 } = await next(listener, "created", id);
    const text = await readStream(scene, { "Last-Event-ID": String(seq - 1) }, `"id":"${id}"`);
    const event = text.split("\n\n").find((one) => one.includes(`"id":"${id}"`)) ?? "";
    expectThat(
      event.includes(`event: created\nid: ${seq}\ndata: {`),
      `the event is ${JSON.stringify(event)}`,
    );
  },
});

/** The next event of this kind about this fragment. Skips all others, which may come from other checks. */
async function next(listener: TextClient, kind: string, id: FragmentId): Promise<Told> {
  for (;;) {
    const told = JSON.parse(await listener.next(`"${kind}" of ${id}`)) as Told; // the checks compare each field that they use
    if (told.event === kind && (told.fragment?.id ?? told.id) === id) return told;
  }
}

/** Reads the stream up to the end of the event that contains the text. */
async function readStream(scene: Scene, headers: Record<string, string>, wanted: string): Promise<string> {
  const { signal } = scene.deadline;
  const reading = async () => {
    const response = await fetch(`${scene.server.url}/v1/events`, {
      headers: { ...authorization(scene.server.credential), ...headers },
      signal,
    });
    expectEqual("the content type", response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const at = text.indexOf(wanted);
      if (at !== -1 && text.includes("\n\n", at)) return text;
    }
    throw new CheckFailure("the stream of events ended");
  };
  return scene.deadline.wait(reading(), () => `an event with ${wanted}`);
}
