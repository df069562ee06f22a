import * as v from "valibot";
import { MAX_DESCRIPTION_UNITS, MAX_TAG_UNITS, MAX_TAGS } from "./limits.ts";

export const PROMPT_TYPES = ["standard", "composite", "system", "user"] as const;
export type PromptType = (typeof PROMPT_TYPES)[number];

/** The line ends that a text came with. The shared text has LF; with `crlf`, JSON, REST and exports show CRLF. */
const EOLS = ["lf", "crlf"] as const;
export type Eol = (typeof EOLS)[number];

/** Why a text cannot be stored as it is: it has a NUL or a lone surrogate. Null if it can. */
export function textFault(text: string): string | null {
  if (text.includes("\0")) return "must not contain NUL (U+0000)";
  if (!text.isWellFormed()) return "must not contain lone surrogates";
  return null;
}

const storableText = v.check<string, string>(
  (text) => textFault(text) === null,
  "must not contain NUL (U+0000) or lone surrogates",
);

export const DescriptionSchema = v.pipe(
  v.string(),
  v.maxLength(MAX_DESCRIPTION_UNITS, `must have at most ${MAX_DESCRIPTION_UNITS} characters`),
  storableText,
);

export const TagSchema = v.pipe(
  v.string(),
  v.minLength(1, "must not be empty"),
  v.maxLength(MAX_TAG_UNITS, `must have at most ${MAX_TAG_UNITS} characters`),
  storableText,
);

export const TagsSchema = v.pipe(
  v.array(v.unknown()),
  v.maxLength(MAX_TAGS, `must be at most ${MAX_TAGS} tags`),
  v.array(TagSchema),
);

export const PromptTypeSchema = v.picklist(PROMPT_TYPES);

/** The schema of a read-only list. */
export const listOf = <S extends v.GenericSchema>(item: S) => v.pipe(v.array(item), v.readonly());
export const TimeSchema = v.pipe(v.string(), v.isoTimestamp(), v.description("ISO 8601 with offset."));
export const VersionSchema = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(0),
  v.description("Grows by one with each commit and never goes back."),
);
export const SizeSchema = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(0),
  v.description("Bytes of the content in UTF-8."),
);

/** Metadata in an answer. */
export const shownMetadataEntries = {
  description: v.string(),
  tags: listOf(v.string()),
  prompt_type: PromptTypeSchema,
};

/** A fragment as REST shows it: one committed revision. */
export const FragmentSchema = v.object({
  id: v.string(),
  content: v.string(),
  ...shownMetadataEntries,
  eol: v.pipe(v.picklist(EOLS), v.description("The line ends that the content came with.")),
  created_at: TimeSchema,
  updated_at: TimeSchema,
  version: VersionSchema,
  size: SizeSchema,
});
export type Fragment = Readonly<v.InferOutput<typeof FragmentSchema>>;
export type Metadata = Pick<Fragment, "description" | "tags" | "prompt_type">;

/** Metadata of a request: an absent or null field keeps, `""` and `[]` clear. */
export const metadataEntries = {
  description: v.nullish(DescriptionSchema),
  tags: v.nullish(TagsSchema),
  prompt_type: v.nullish(PromptTypeSchema),
};
const MetadataSchema = v.object(metadataEntries);

/** The fields that a request gives: absent and null ones keep what is stored. */
export function givenMetadata(fields: v.InferOutput<typeof MetadataSchema>): Partial<Metadata> {
  const { description, tags, prompt_type } = fields;
  return {
    ...(description == null ? {} : { description }),
    ...(tags == null ? {} : { tags }),
    ...(prompt_type == null ? {} : { prompt_type }),
  };
}
