/** The old system's expansions, over each address that expands. */
import { describe, expect, test } from "vitest";
import contract from "../contract/expansion.json" with { type: "json" };
import { connectOld, joinJson, request } from "./connect.ts";

interface Answer {
  readonly expanded: string;
  readonly dependencies: readonly string[];
  readonly warnings: readonly (string | { readonly message: string })[];
}

/** Expands this content, as the text of the fragment `root` if there is one. */
type Expand = (content: string, root: string | null) => Promise<Answer>;

/** A fragment that nothing includes stands for no root at all. */
const ALONE = "contract/alone";

const ADDRESSES: Readonly<Record<string, Expand>> = {
  "POST /v1/expand": async (content, root) => {
    const body = { content, unresolved: "marker", ...(root === null ? {} : { id: root }) };
    return (await request("POST", "/v1/expand", body)).json();
  },
  "GET /v1/expansions/{id}": async (content, root) => {
    const stored = await request("PUT", `/v1/fragments/${root ?? ALONE}`, { content });
    expect([200, 201]).toContain(stored.status);
    return (await request("GET", `/v1/expansions/${root ?? ALONE}?unresolved=marker`)).json();
  },
  "/v1/ws/{id}": async (content, root) => {
    const client = await joinJson(root ?? ALONE);
    client.send({ action: "expand", content, unresolved: "marker" });
    const answer = await client.next("expanded");
    client.close();
    return answer;
  },
  "POST /api/prompts/expand": async (content, root) => {
    const body = root === null ? { content } : { content, prompt_id: root };
    return (await request("POST", "/api/prompts/expand", body)).json();
  },
  "GET /api/prompts/{id}/render": async (content, root) => {
    await request("PUT", `/v1/fragments/${root ?? ALONE}`, { content });
    const answer = await request("GET", `/api/prompts/${root ?? ALONE}/render`);
    const { rendered, ...rest } = await answer.json<Omit<Answer, "expanded"> & { rendered: string }>();
    return { expanded: rendered, ...rest };
  },
  "/ws/prompts/{id}": (content, root) => expandOnOldSocket(`/ws/prompts/${root ?? ALONE}`, content),
  "/api/prompts/ws/fragments/{id}": (content, root) =>
    expandOnOldSocket(`/api/prompts/ws/fragments/${root ?? ALONE}`, content),
};

async function expandOnOldSocket(path: string, content: string): Promise<Answer> {
  const client = await connectOld(path);
  await client.next("initial");
  client.send({ action: "expand", content });
  const answer = await client.next("expanded");
  client.close();
  return answer;
}

describe("the old system's expansions", () => {
  test.each(Object.entries(ADDRESSES))(
    "[JSON-17] [REST-14] %s answers each case to the byte, on /v1 when it is asked for `marker`",
    async (address, expand) => {
      const isOld = !address.includes("/v1/");
      await request("PUT", `/v1/fragments/${ALONE}`, { content: "" });
      for (const { content, root, expanded, dependencies, warnings } of contract.cases) {
        for (const [id, text] of Object.entries(contract.fragments))
          await request("PUT", `/v1/fragments/${id}`, { content: text });
        const answer = await expand(content, root);
        expect(answer.expanded, content).toBe(expanded);
        expect([...answer.dependencies].sort(), content).toEqual([...dependencies].sort());
        const shown = isOld ? warnings : warnings.map((message) => expect.objectContaining({ message }));
        expect(answer.warnings, content).toEqual(shown);
      }
    },
  );
});
