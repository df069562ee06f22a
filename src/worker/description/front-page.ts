import { html, raw } from "hono/html";
import { DOCS_STYLE } from "./docs-style.ts";
import { EXAMPLES } from "./examples.ts";
import type { Html } from "./render-description.ts";

/** The addresses for a program that knows only the server's own. */
export function describeServer({ origin }: URL) {
  return {
    name: "Prompt Manager",
    openapi: `${origin}/openapi.json`,
    asyncapi: `${origin}/asyncapi.json`,
    docs: `${origin}/docs`,
    fragments: `${origin}/v1/fragments`,
  };
}

/**
 * The page for a person who opens the server's address in a browser. Like the page of the API it stands alone: no
 * script, and nothing that is loaded from anywhere.
 *
 * @param isClosed whether the commands need a key
 * @param nonce of the style, which the page's policy names
 */
export function renderFrontPage({ origin, host, protocol }: URL, isClosed: boolean, nonce: string): Html {
  const { included, fragment } = EXAMPLES;
  const header = isClosed ? '-H "Authorization: Bearer $KEY" ' : "";
  const put = (id: string, content: string) =>
    `curl ${header}-X PUT ${origin}/v1/fragments/${id} -d '${JSON.stringify({ content })}'`;
  const sockets = `${protocol === "https:" ? "wss:" : "ws:"}//${host}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Prompt Manager</title>
<style nonce="${nonce}">${raw(DOCS_STYLE)}</style>
</head>
<body>
<header>
<h1>Prompt Manager</h1>
<p>This server keeps fragments: short markdown texts with a description and tags, which include each other with
<code>[[name]]</code>. Many people and programs edit the same fragment at the same time.</p>
</header>
<main>
<h2>Try it</h2>
${isClosed ? html`<p>This server is closed. An admin makes a key for you; put it into the variable <code>KEY</code>.</p>` : ""}
<p>Write two fragments, one of which includes the other, and read it as a model would get it:</p>
<pre>${put(included.id, included.content)}
${put(fragment.id, fragment.content)}
curl ${header}${origin}/v1/expansions/${fragment.id}</pre>
<p>Edit one over a WebSocket. What others write comes in while you are connected:</p>
<pre>npx wscat ${header}-c '${sockets}/v1/ws/${fragment.id}'
&gt; {"action": "update", "content": "Good morning, [[${included.id}]]!"}</pre>
<p>An editor with a y-websocket provider connects to <code>${sockets}/v1/sync</code>; its room is the id of the fragment.</p>
<h2>Addresses</h2>
<table><tbody>
<tr><td><a href="/docs">/docs</a></td><td>Every operation, socket and limit, with examples.</td></tr>
<tr><td><a href="/v1/fragments">/v1/fragments</a></td><td>All fragments, page by page.</td></tr>
<tr><td><a href="/openapi.json">/openapi.json</a></td><td>The REST API for generators and tools.</td></tr>
<tr><td><a href="/asyncapi.json">/asyncapi.json</a></td><td>The sockets and events, for generators and tools.</td></tr>
<tr><td><a href="/sign-in">/sign-in</a></td><td>Sign in with an invitation, or see who is signed in.</td></tr>
<tr><td><a href="/healthz">/healthz</a></td><td>Whether the server runs.</td></tr>
</tbody></table>
</main>
</body>
</html>`;
}
