import * as v from "valibot";
import { metadataEntries } from "./fragment.ts";
import { MAX_SUBSTITUTIONS } from "./limits.ts";

/** The bodies of the REST API. Sizes and characters of a content are checked where it is written. */

/** POST /v1/fragments */
export const CreateSchema = v.object({
  id: v.string(),
  content: v.optional(v.string(), ""),
  ...metadataEntries,
});

/** The version that a write was made on: it is merged with what was committed since. */
const baseVersion = v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));

/** PUT /v1/fragments/{id}: absent or null metadata stay as they are. */
export const PutSchema = v.object({ content: v.string(), ...metadataEntries, base_version: baseVersion });

/** Replaces `old`, which must stand in the text exactly once, by `new`. */
export const SubstitutionSchema = v.object({
  old: v.pipe(v.string(), v.minLength(1, "must not be empty")),
  new: v.string(),
});

/** PATCH /v1/fragments/{id}: a new content, or edits of it in order, and metadata. */
export const PatchSchema = v.pipe(
  v.object({
    content: v.nullish(v.string()),
    edits: v.nullish(v.pipe(v.array(SubstitutionSchema), v.minLength(1), v.maxLength(MAX_SUBSTITUTIONS))),
    ...metadataEntries,
    base_version: baseVersion,
  }),
  v.check(({ content, edits }) => content == null || edits == null, "content and edits exclude each other"),
);

/** POST /v1/expand: `id` says which fragment the content is the text of. */
export const ExpandSchema = v.object({ content: v.string(), id: v.nullish(v.string()) });

/** The answer of both addresses of expansion. */
export interface ExpansionResult {
  readonly expanded: string;
  readonly dependencies: readonly string[];
  readonly warnings: readonly string[];
}
