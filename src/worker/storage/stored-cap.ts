import * as v from "valibot";
import { type Cap, ROLES } from "../../protocol/access.ts";

/** A right in the columns `role` and `prefixes`, which is JSON, or null for all fragments. */

const CapSchema = v.object({
  role: v.picklist(ROLES),
  prefixes: v.nullable(v.pipe(v.string(), v.parseJson(), v.array(v.string()))),
});

export function readCap(row: Record<string, SqlStorageValue>): Cap {
  return v.parse(CapSchema, row);
}

export function writePrefixes(prefixes: Cap["prefixes"]): string | null {
  return prefixes === null ? null : JSON.stringify(prefixes);
}
