import { describe, expect, test } from "vitest";
import { createFragment, joinJson, connectJson, joinYjs } from "./connect.ts";

describe("json socket", () => {
  test("[JSON-1] initial comes first", async () => {
    const fragment = await createFragment("hello");
    const client = await connectJson(fragment.id);
    const initial = await client.next("initial");
    expect(initial).toMatchObject({ content: "hello", version: 1 });
    const yjs = await joinYjs(fragment.id);
    expect(yjs.text).toBe("hello");
    yjs.push(1, yjs.edit((t) => t.insert(5, " world")));
    const saved = await yjs.saved(1);
    expect(saved.revision).toBe(2);
    expect(await client.next("update")).toMatchObject({content: "hello world"});
  });
});
