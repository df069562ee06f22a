/// <reference types="vite/types/importMeta.d.ts" />
/** Prompts full of brackets and braces that are not ours, stored in a workspace that has nothing else. */
import { describe, expect, test } from "vitest";
import { freshId, joinJson, request } from "./connect.ts";

describe("prompts of other languages", () => {
  const prompts = import.meta.glob<string>("../contract/prompts/*.md", {
    query: "?raw",
    import: "default",
    eager: true,
  });

  test("[EXP-19] there are a dozen of them, and one has CRLF line ends", () => {
    expect(Object.keys(prompts).length).toBeGreaterThanOrEqual(12);
    expect(Object.values(prompts).filter((text) => text.includes("\r\n"))).toHaveLength(1);
  });

  test.each(Object.entries(prompts))(
    "[EXP-19] %s comes out to the byte as it was stored, over every address of /v1",
    async (_, content) => {
      const id = freshId();
      const stored = await request("PUT", `/v1/fragments/${id}`, { content });
      expect(stored.status).toBe(201);
      const bytes = new TextEncoder().encode(content);
      const asText = await request("GET", `/v1/expansions/${id}`, undefined, { Accept: "text/plain" });
      expect(new Uint8Array(await asText.arrayBuffer())).toEqual(bytes);
      const asJson = await request("GET", `/v1/expansions/${id}`);
      expect(await asJson.json()).toMatchObject({ expanded: content, dependencies: [] });
      const posted = await request("POST", "/v1/expand", { content });
      expect(await posted.json()).toMatchObject({ expanded: content });
      const client = await joinJson(id);
      client.send({ action: "expand" });
      expect(await client.next("expanded")).toMatchObject({ content, expanded: content });
    },
  );
});
