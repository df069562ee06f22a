import type { OpenAPIV3_1 } from "openapi-types";

/** The id at the end of an operation's path. */
export function pathId(description: string, example: string): OpenAPIV3_1.ParameterObject {
  return {
    name: "id",
    in: "path",
    required: true,
    description,
    schema: { type: "string", minLength: 1 },
    example,
  };
}
