import { toJsonSchemaDefs } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { VariablesSchema } from "../../protocol/expansion.ts";

/** A JSON Schema in a description. */
export type JsonSchema = ReturnType<typeof toJsonSchemaDefs>[string];

/** The dialect of OpenAPI 3.1, and that of AsyncAPI 3.0. */
export type Dialect = "draft-2020-12" | "draft-07";

export function refTo(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/**
 * Converts schemas to JSON Schemas that refer to each other as `refTo` does. A check that JSON Schema cannot express is
 * left out; the schema's description states it in words.
 */
export function describeSchemas<N extends string>(
  schemas: Readonly<Record<N, v.GenericSchema>>,
  dialect: Dialect,
): Record<N, JsonSchema> {
  return toJsonSchemaDefs(schemas, {
    target: dialect,
    errorMode: "ignore",
    overrideRef: ({ referenceId }) => refTo(referenceId).$ref,
    overrideSchema: ({ valibotSchema }) => (isValues(valibotSchema) ? STRINGS_BY_NAME : undefined),
    // A number in an address: the checks after the transformation are those of a number.
    overrideAction: ({ valibotAction }) => (isToNumber(valibotAction) ? { type: "integer" } : undefined),
  });
}

const STRINGS_BY_NAME = { type: "object", additionalProperties: { type: "string" } } as const;

/** The schema of values by name is a function of ours (protocol/expansion.ts). */
function isValues(schema: v.GenericSchema): boolean {
  const [first] = VariablesSchema.pipe;
  return schema === first;
}

function isToNumber(action: { readonly type: string }): boolean {
  return action.type === "transform" && (action as { operation?: unknown }).operation === Number;
}
