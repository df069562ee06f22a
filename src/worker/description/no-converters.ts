/**
 * What hono-openapi finds in place of its converters (`[alias]` in wrangler.toml). They load a converter for every
 * schema library, and a bundle then holds all that happen to be installed: 750 KiB of zod, for one. Our operations name
 * schemas by reference, and schemas.ts makes those, so none of them is ever called.
 */
export function loadVendor(): never {
  throw new Error(
    "There is no converter in this bundle: name the schema by reference, and give it to describeSchemas.",
  );
}

export const toJsonSchema = loadVendor;
export const toOpenAPISchema = loadVendor;
