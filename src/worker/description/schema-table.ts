import { html } from "hono/html";
import { type Html, renderInline } from "./render-description.ts";
import type { JsonSchema } from "./schemas.ts";

/** The fields of an object as a table; of anything else, its type. */
export function renderSchema(schema: JsonSchema): Html {
  const fields = Object.entries(schema.properties ?? {}) as [string, JsonSchema][]; // none is `true` or `false`
  if (fields.length === 0) return html`<p>${renderType(schema)}</p>`;
  const rows = fields.map(
    ([name, field]) => html`<tr>
  <td><code>${name}</code>${schema.required?.includes(name) ? "" : html` <small>optional</small>`}</td>
  <td>${renderType(field)}</td>
  <td>${renderInline(descriptionOf(field))} ${boundsOf(field)}</td>
</tr>`,
  );
  return html`<table><tbody>${rows}</tbody></table>`;
}

/** The type of a value, in words. A named schema is a link to its table. */
export function renderType(schema: JsonSchema): (Html | string)[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    return [html`<a href="${schemaAnchor(name)}">${name}</a>`];
  }
  if (schema.const !== undefined) return [html`<code>${JSON.stringify(schema.const)}</code>`];
  if (schema.enum !== undefined)
    return alternatives(schema.enum.map((value) => [html`<code>${String(value)}</code>`]));
  if (schema.anyOf !== undefined)
    return alternatives(schema.anyOf.map((one) => renderType(one as JsonSchema)));
  if (schema.type === "array") return ["list of ", ...renderType((schema.items ?? {}) as JsonSchema)];
  if (schema.type === "object" && schema.properties !== undefined) {
    const fields = Object.entries(schema.properties as Record<string, JsonSchema>);
    return [
      "{ ",
      ...fields.flatMap(([name, field], at) => [at === 0 ? "" : ", ", `${name}: `, ...renderType(field)]),
      " }",
    ];
  }
  return [typeof schema.type === "string" ? (schema.format ?? schema.type) : "anything"];
}

function schemaAnchor(name: string): string {
  return `#schema-${name}`;
}

function alternatives(types: readonly (Html | string)[][]): (Html | string)[] {
  return types.flatMap((type, at) => (at === 0 ? type : [" or ", ...type]));
}

function descriptionOf(schema: JsonSchema): string {
  const inner = (schema.anyOf ?? []) as JsonSchema[];
  return schema.description ?? inner.find((one) => one.description !== undefined)?.description ?? "";
}

/** The limits that a schema sets, also if the value may be null, and for the items of a list. */
export function boundsOf(schema: JsonSchema): string {
  const bounds: string[] = [];
  const { minLength, maxLength, maxItems, maximum, default: fallback } = schema;
  if (maxLength !== undefined) bounds.push(`${minLength ?? 0} to ${maxLength} characters`);
  else if (minLength !== undefined) bounds.push(`at least ${minLength} characters`);
  if (maxItems !== undefined) bounds.push(`at most ${maxItems}`);
  if (maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER) bounds.push(`at most ${maximum}`);
  if (fallback !== undefined) bounds.push(`${JSON.stringify(fallback)} if absent`);
  if (typeof schema.items === "object") bounds.push(boundsOf(schema.items as JsonSchema));
  for (const one of (schema.anyOf ?? []) as JsonSchema[]) bounds.push(boundsOf(one));
  const told = bounds.filter((bound) => bound !== "").map((bound) => bound.replace(/[()]/g, ""));
  return told.length === 0 ? "" : `(${told.join("; ")})`;
}
