/** The page for people, as a browser without JavaScript would get it. */
import type { OpenAPIV3_1 } from "openapi-types";
import { describe, expect, test } from "vitest";
import { describeSockets } from "../../src/worker/description/asyncapi.ts";
import { renderDocs } from "../../src/worker/description/docs-page.ts";
import { operations } from "../../src/worker/description/operations.ts";
import { call } from "./closed-server.ts";
import { request } from "./connect.ts";

interface Page {
  readonly ids: readonly string[];
  /** What it links to or loads. */
  readonly targets: readonly string[];
  readonly elements: ReadonlySet<string>;
  readonly text: string;
}

async function readPage(html: string): Promise<Page> {
  const [ids, targets, elements]: [string[], string[], Set<string>] = [[], [], new Set()];
  let text = "";
  const rewriter = new HTMLRewriter()
    .on("*", {
      element(element) {
        elements.add(element.tagName);
        const id = element.getAttribute("id");
        if (id !== null) ids.push(id);
        for (const name of ["href", "src", "action", "srcset", "data"]) {
          const target = element.getAttribute(name);
          if (target !== null) targets.push(target);
        }
      },
    })
    .onDocument({
      text(chunk) {
        text += chunk.text;
      },
    });
  await rewriter.transform(new Response(html)).text();
  return { ids, targets, elements, text };
}

describe("/", () => {
  const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

  test("[API-10] a browser gets a page that says what the server is, and whose links lead somewhere", async () => {
    const answer = await request("GET", "/", undefined, { Accept: BROWSER });
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "text/html; charset=UTF-8"]);
    expect(answer.headers.get("Vary")).toContain("Accept");
    expect(answer.headers.get("Content-Security-Policy")).toMatch(/^default-src 'none'.*style-src 'nonce-/);
    const { targets, elements, text } = await readPage(await answer.text());
    expect(text).toContain("curl http://localhost/v1/expansions/team/greeting");
    expect(elements.has("script")).toBe(false);
    expect(targets).toContain("/docs");
    for (const target of targets)
      expect([target, (await request("GET", target)).status]).toEqual([target, 200]);
  });

  test("[API-10] its commands bring a key, when the server is closed", async () => {
    const answer = await call("GET", "/", { headers: { Accept: BROWSER } });
    const { text } = await readPage(await answer.text());
    expect(text).toContain("This server is closed.");
    const commands = text.replaceAll("&quot;", '"').match(/^.*(?:curl|npx wscat) .*$/gm) ?? [];
    expect(commands).toHaveLength(4);
    for (const command of commands) expect(command).toContain('-H "Authorization: Bearer $KEY" ');
    const open = await readPage(await (await request("GET", "/", undefined, { Accept: BROWSER })).text());
    expect(open.text).not.toMatch(/closed|Bearer/);
  });

  test.each([undefined, "*/*", "application/json", "application/*"])(
    "[API-10] a program gets the addresses of the descriptions, when it accepts %s",
    async (accept) => {
      const answer = await request("GET", "/", undefined, accept === undefined ? {} : { Accept: accept });
      const addresses = await answer.json<Record<string, string>>();
      expect(addresses).toMatchObject({ name: "Prompt Manager", openapi: "http://localhost/openapi.json" });
      for (const address of Object.values(addresses).filter((one) => one.startsWith("http")))
        expect([address, (await request("GET", new URL(address).pathname)).status]).toEqual([address, 200]);
    },
  );

  test("[API-10] other methods are refused, and HEAD is answered", async () => {
    expect((await request("HEAD", "/", undefined, { Accept: BROWSER })).status).toBe(200);
    const answer = await request("POST", "/");
    expect([answer.status, answer.headers.get("Allow")]).toEqual([405, "GET"]);
  });

  test("[API-10] /docs/ is /docs", async () => {
    const withoutNonces = (html: string) => html.replaceAll(/nonce="[^"]+"/g, "");
    const [page, same] = await Promise.all(
      ["/docs", "/docs/"].map(async (path) => withoutNonces(await (await request("GET", path)).text())),
    );
    expect(page).toContain("<h1>");
    expect(same).toBe(page);
  });
});

describe("/docs", () => {
  test("[API-7] the page shows every operation, socket and schema, when it is asked for", async () => {
    const answer = await request("GET", "/docs");
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "text/html; charset=UTF-8"]);
    const { ids, text } = await readPage(await answer.text());
    const wanted = [...Object.keys(operations), "jsonSocket", "yjsSocket", "events", "schema-Fragment"];
    expect(ids).toEqual(expect.arrayContaining(wanted));
    expect(new Set(ids).size).toBe(ids.length);
    for (const part of ["/v1/fragments/{id}", "/v1/sync/{id}", "Idempotency-Key", "idempotency_key_reused"])
      expect(text).toContain(part);
    expect(text).toContain("4410: "); // close codes
    expect(text).toContain("body: 8 MiB");
    expect(text).toContain("curl -X PATCH http://localhost/v1/fragments/team/greeting");
  });

  test("[API-7] the page needs no script and no other address, and its policy allows none", async () => {
    const answer = await request("GET", "/docs");
    const policy = answer.headers.get("Content-Security-Policy") ?? "";
    const html = await answer.text();
    const { targets, elements, ids } = await readPage(html);
    expect(targets.length).toBeGreaterThan(30);
    const own = ["/openapi.json", "/asyncapi.json", ...ids.map((id) => `#${id}`)];
    expect(targets.filter((target) => !own.includes(target))).toEqual([]);
    for (const name of ["script", "link", "img", "iframe"]) expect(elements).not.toContain(name);
    expect(html).not.toMatch(/url\(|@import| on\w+=/);
    expect(policy).toContain("default-src 'none'");
    const [, nonce] = /style-src 'nonce-([^']+)'/.exec(policy) ?? [];
    expect(html).toContain(`<style nonce="${nonce}">`);
  });

  test("[API-7] markup in a description is shown as text", async () => {
    const evil = `<script>alert("1")</script>'`;
    const document: OpenAPIV3_1.Document = {
      openapi: "3.1.0",
      info: { title: evil, version: evil, description: `## ${evil}\n\n- ${evil}\n\n\`${evil}\`` },
      tags: [{ name: evil, description: evil }],
      paths: {
        [`/${evil}`]: {
          put: {
            operationId: evil,
            tags: [evil],
            summary: evil,
            description: evil,
            parameters: [{ name: evil, in: "query", description: evil, schema: { type: "string" } }],
            requestBody: {
              content: {
                "application/json": { schema: {}, examples: { a: { summary: evil, value: evil } } },
              },
            },
            responses: { 200: { description: evil, content: { [evil]: {} } } },
          },
        },
      },
      components: { schemas: { [evil]: { properties: { [evil]: { enum: [evil], description: evil } } } } },
    };
    const url = new URL("http://localhost/docs");
    const html = String(await renderDocs(document, describeSockets(url), evil, evil));
    const { elements, text } = await readPage(html);
    expect(elements).not.toContain("script");
    expect(html).not.toContain(evil);
    expect(text).toContain("alert(");
  });
});
