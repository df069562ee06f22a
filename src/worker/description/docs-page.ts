import { html, raw } from "hono/html";
import type { OpenAPIV3_1 } from "openapi-types";
import type { SocketDescription } from "./asyncapi.ts";
import { DOCS_STYLE } from "./docs-style.ts";
import { type Html, renderDescription, renderInline } from "./render-description.ts";
import { boundsOf, renderSchema, renderType } from "./schema-table.ts";
import type { JsonSchema } from "./schemas.ts";

/**
 * Both descriptions as a page for people. It stands alone: no script, and nothing that is loaded from anywhere.
 *
 * @param origin of this server, for the commands to try
 * @param nonce of the style, which the page's policy names
 */
export function renderDocs(
  rest: OpenAPIV3_1.Document,
  sockets: SocketDescription,
  origin: string,
  nonce: string,
): Html {
  const groups = (rest.tags ?? []).map(({ name, description = "" }) => {
    const operations = operationsOf(rest).filter(({ operation }) => operation.tags?.includes(name));
    return { name, description, operations };
  });
  const schemas = {
    ...(rest.components?.schemas as Record<string, JsonSchema>),
    ...sockets.components.schemas,
  };
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${rest.info.title}: API</title>
<style nonce="${nonce}">${raw(DOCS_STYLE)}</style>
</head>
<body>
<header>
<h1>${rest.info.title}: API</h1>
<p>For programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI ${rest.openapi}) and
<a href="/asyncapi.json">/asyncapi.json</a> (AsyncAPI ${sockets.asyncapi}).</p>
<nav>
${groups.map(({ name, operations }) =>
  renderIndex(
    name,
    operations.map(({ operation, method, path }) => ({
      anchor: operation.operationId ?? "",
      method,
      path,
      summary: operation.summary ?? "",
    })),
  ),
)}
${renderIndex(
  "Sockets",
  Object.entries(sockets.channels).map(([id, { address, title }]) => ({
    anchor: id,
    method: "WS",
    path: address,
    summary: title,
  })),
)}
</nav>
</header>
<main>
${renderDescription(rest.info.description ?? "")}
${groups.map(
  ({ name, description, operations }) =>
    html`<h2>${name}</h2><p>${description}</p>${operations.map((one) => renderOperation(one, origin))}`,
)}
<h2>Sockets</h2>
${renderDescription(sockets.info.description)}
${Object.entries(sockets.channels).map(([id, channel]) => renderChannel(id, channel, sockets))}
<h2>Schemas</h2>
${Object.entries(schemas).map(
  ([name, schema]) => html`<section id="schema-${name}"><h3>${name}</h3>${renderSchema(schema)}</section>`,
)}
</main>
</body>
</html>`;
}

interface IndexEntry {
  readonly anchor: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
}

function renderIndex(group: string, entries: readonly IndexEntry[]): Html {
  const items = entries.map(
    ({ anchor, method, path, summary }) =>
      html`<li><a href="#${anchor}"><b>${method}</b> ${path}</a> ${summary}</li>`,
  );
  return html`<div><p>${group}</p><ul>${items}</ul></div>`;
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenAPIV3_1.OperationObject;
}

function operationsOf(rest: OpenAPIV3_1.Document): Operation[] {
  return Object.entries(rest.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods ?? {}).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation: operation as OpenAPIV3_1.OperationObject, // our paths have nothing else
    })),
  );
}

function renderOperation(one: Operation, origin: string): Html {
  const { method, path, operation } = one;
  const { operationId, summary = "", description = "", responses = {} } = operation;
  const parameters = parametersOf(operation);
  const body = operation.requestBody as OpenAPIV3_1.RequestBodyObject | undefined;
  const media = body?.content["application/json"];
  const examples = Object.values(media?.examples ?? {}) as OpenAPIV3_1.ExampleObject[];
  return html`<section id="${operationId}">
<h3><b>${method}</b> <code>${path}</code></h3>
<p><strong>${summary}.</strong> ${renderInline(description)}</p>
${parameters.length === 0 ? "" : html`<h4>Parameters</h4><table><tbody>${parameters.map(renderParameter)}</tbody></table>`}
${media === undefined ? "" : html`<h4>Body</h4><p>${renderType(media.schema as JsonSchema)}</p>`}
<h4>Answers</h4>
<table><tbody>${Object.entries(responses).map(([status, response]) =>
    renderResponse(status, response as OpenAPIV3_1.ResponseObject),
  )}</tbody></table>
<h4>Try it</h4>
${examples.length === 0 ? renderCommand(origin, one) : ""}
${examples.map(({ summary: what, value }) => html`<p>${what}:</p>${renderCommand(origin, one, value)}`)}
</section>`;
}

function parametersOf({ parameters = [] }: OpenAPIV3_1.OperationObject) {
  return parameters as OpenAPIV3_1.ParameterObject[]; // ours are never references
}

function renderParameter({
  name,
  in: place,
  required,
  description = "",
  schema = {},
}: OpenAPIV3_1.ParameterObject) {
  return html`<tr><td><code>${name}</code> <small>${place}${required === true ? "" : ", optional"}</small></td>
<td>${renderType(schema as JsonSchema)}</td><td>${renderInline(description)} ${boundsOf(schema as JsonSchema)}</td></tr>`;
}

function renderResponse(
  status: string,
  { description, content = {}, headers = {} }: OpenAPIV3_1.ResponseObject,
): Html {
  const forms = Object.entries(content).map(
    ([type, { schema }]) => html`<code>${type}</code> ${renderType((schema ?? {}) as JsonSchema)}<br>`,
  );
  const names = Object.keys(headers).map((name) => html` <code>${name}</code>`);
  return html`<tr><td>${status}</td><td>${renderInline(description)}</td><td>${forms}${names}</td></tr>`;
}

function renderCommand(origin: string, { method, path, operation }: Operation, body?: unknown): Html {
  let address = path;
  for (const { name, example } of parametersOf(operation))
    address = address.replace(`{${name}}`, String(example ?? ""));
  const how = method === "GET" ? "" : ` -X ${method}`;
  const data =
    body === undefined ? "" : ` \\\n  -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  return html`<pre>curl${how} ${origin}${address}${data}</pre>`;
}

function renderChannel(
  id: string,
  channel: SocketDescription["channels"][string],
  sockets: SocketDescription,
): Html {
  const rows = Object.keys(channel.messages).map((name) => {
    const { summary = "", payload } = sockets.components.messages[name] ?? { payload: {} };
    const shown = payload.$ref === undefined ? name : renderType(payload);
    return html`<tr><td>${shown}</td><td>${directionOf(name, id, sockets)}</td><td>${renderInline(summary)}</td></tr>`;
  });
  return html`<section id="${id}">
<h3><b>WS</b> <code>${channel.address}</code></h3>
<p>${renderInline(channel.description)}</p>
<h4>Query</h4>
${renderSchema(channel.bindings.ws.query)}
<h4>Messages</h4>
<table><tbody>${rows}</tbody></table>
</section>`;
}

/** The senders of a message: client, server or both. */
function directionOf(message: string, channel: string, { operations }: SocketDescription): string {
  const senders = Object.values(operations)
    .filter(({ messages }) =>
      messages.some(({ $ref }) => $ref === `#/channels/${channel}/messages/${message}`),
    )
    .map(({ action }) => (action === "receive" ? "client" : "server"));
  return senders.join(", ");
}
