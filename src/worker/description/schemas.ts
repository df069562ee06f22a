import { toJsonSchemaDefs } from "@valibot/to-json-schema";
import type * as v from "valibot";

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
    // A number in an address: the checks after the transformation are those of a number.
    overrideAction: ({ valibotAction }) => (isToNumber(valibotAction) ? { type: "integer" } : undefined),
  });
}

function isToNumber(action: { readonly type: string }): boolean {
  return action.type === "transform" && (action as { operation?: unknown }).operation === Number;
}
