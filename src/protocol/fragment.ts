import * as v from "valibot";
import { MAX_DESCRIPTION_UNITS, MAX_TAG_UNITS, MAX_TAGS } from "./limits.ts";

export const PROMPT_TYPES = ["standard", "composite", "system", "user"] as const;
export type PromptType = (typeof PROMPT_TYPES)[number];

/** Line ends as the text came: the shared text has LF, `crlf` gives them back in JSON, REST and export. */
export type Eol = "lf" | "crlf";

export interface Metadata {
  readonly description: string;
  readonly tags: readonly string[];
  readonly prompt_type: PromptType;
}

/** A fragment as REST and the JSON socket show it: one committed revision. */
export interface Fragment extends Metadata {
  readonly id: string;
  readonly content: string;
  readonly eol: Eol;
  /** ISO 8601 with offset. */
  readonly created_at: string;
  readonly updated_at: string;
  /** The revision: grows by one with each commit, never goes back. */
  readonly version: number;
  /** Bytes of the content in UTF-8. */
  readonly size: number;
}

/** Text that can be stored as it is: no NUL, no lone surrogate. Says what is wrong, or null. */
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

/** One sentence for a failed parse: where, and what was expected. */
export function describeIssues(issues: readonly v.BaseIssue<unknown>[]): string {
  const [first] = issues;
  if (first === undefined) return "invalid";
  const path = v.getDotPath(first as v.BaseIssue<unknown>);
  return path === null ? first.message : `${path}: ${first.message}`;
}
