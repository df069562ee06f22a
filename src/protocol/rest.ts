import * as v from "valibot";
import { FRAGMENT_ID_RULE } from "../language/fragment-id.ts";
import { ERROR_CODES } from "./errors.ts";
import { expansionEntries, WarningSchema } from "./expansion.ts";
import { listOf, metadataEntries, VersionSchema } from "./fragment.ts";
import { MAX_CONTENT_BYTES, MAX_SUBSTITUTIONS } from "./limits.ts";

/**
 * The bodies of the REST API. A request may have no other fields. The size and the characters of a content are checked
 * when it is written.
 */

const ContentSchema = v.pipe(
  v.string(),
  v.description(`At most ${MAX_CONTENT_BYTES} bytes of UTF-8; no NUL, no lone surrogate.`),
);

/** POST /v1/fragments */
export const CreateSchema = v.strictObject({
  id: v.pipe(v.string(), v.description(FRAGMENT_ID_RULE)),
  content: v.optional(ContentSchema, ""),
  ...metadataEntries,
});

const baseVersion = v.nullish(
  v.pipe(
    v.number(),
    v.safeInteger(),
    v.minValue(0),
    v.description(
      "The version that the write was made from. The write is merged with what was committed since.",
    ),
  ),
);

/** PUT /v1/fragments/{id}: absent or null metadata stay as they are. */
export const PutSchema = v.strictObject({
  content: ContentSchema,
  ...metadataEntries,
  base_version: baseVersion,
});

/** Replaces `old`, which must stand in the text exactly once, by `new`. */
export const SubstitutionSchema = v.strictObject({
  old: v.pipe(
    v.string(),
    v.minLength(1, "must not be empty"),
    v.description("Must stand exactly once in the text as the edits before it left it."),
  ),
  new: v.string(),
});

/** PATCH /v1/fragments/{id}: a new content, or edits of it in order, and metadata. */
export const PatchSchema = v.pipe(
  v.strictObject({
    content: v.nullish(ContentSchema),
    edits: v.nullish(
      v.pipe(
        v.array(SubstitutionSchema),
        v.minLength(1),
        v.maxLength(MAX_SUBSTITUTIONS),
        v.description("Made in order; not together with `content`."),
      ),
    ),
    ...metadataEntries,
    base_version: baseVersion,
  }),
  v.check(({ content, edits }) => content == null || edits == null, "content and edits exclude each other"),
);

/** POST /v1/renames */
export const RenameSchema = v.strictObject({
  from: v.pipe(v.string(), v.description("The fragment's id.")),
  to: v.pipe(v.string(), v.description("The new id, which no fragment may have.")),
});

/** POST /v1/expand: `id` says which fragment the content is the text of. */
export const ExpandSchema = v.strictObject({
  content: ContentSchema,
  id: v.nullish(
    v.pipe(
      v.string(),
      v.description("The fragment whose text it is: an inclusion of it is a self-reference."),
    ),
  ),
  ...expansionEntries,
});

/** An error (RFC 9457). */
export const ProblemSchema = v.object({
  type: v.literal("about:blank"),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  code: v.picklist(ERROR_CODES),
  request_id: v.pipe(v.string(), v.description("Names the request in the server's log.")),
  version: v.optional(v.pipe(VersionSchema, v.description("With `stale_base`: the current version."))),
  content: v.optional(v.pipe(v.string(), v.description("With `stale_base`: the current content."))),
  warnings: v.optional(
    v.pipe(listOf(WarningSchema), v.description("With `unresolved_inclusions`: what could not be resolved.")),
  ),
});
