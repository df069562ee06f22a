/**
 * Replaces the converters of hono-openapi (`[alias]` in wrangler.toml). They would load a converter for every schema
 * library, and the bundle would hold those that happen to be installed: 750 KiB of zod, for one. Our operations name
 * schemas by reference, and schemas.ts makes these, so no converter is ever called.
 */
export function loadVendor(): never {
  throw new Error(
    "There is no converter in this bundle: name the schema by reference, and give it to describeSchemas.",
  );
}

export const toJsonSchema = loadVendor;
export const toOpenAPISchema = loadVendor;
