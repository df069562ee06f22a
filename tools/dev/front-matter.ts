/**
 * A fragment as a markdown file: YAML metadata between two `---` lines, then the text.
 *
 * Blank lines after the front matter and line ends after the last line belong to the file, not to the text: they would
 * show up in every text that includes this one. Everything else stays as it is.
 */
import * as v from "valibot";
import { parse as parseYaml, YAMLParseError } from "yaml";
import {
  DescriptionSchema,
  type Metadata,
  PromptTypeSchema,
  TagsSchema,
} from "../../src/protocol/fragment.ts";
import { describeIssues } from "../../src/protocol/issues.ts";

export interface FragmentFile extends Metadata {
  readonly content: string;
}

export type FragmentFileResult =
  | { readonly ok: true; readonly file: FragmentFile }
  | { readonly ok: false; readonly reason: string };

const ENTRIES = {
  description: v.optional(DescriptionSchema, ""),
  tags: v.optional(TagsSchema, []),
  prompt_type: v.optional(PromptTypeSchema, "standard"),
};

/** Strict, so that a misspelt key is an error instead of a lost tag. */
const FrontMatterSchema = v.strictObject(ENTRIES, (issue) =>
  issue.expected === "never"
    ? `is not known. Known keys: ${Object.keys(ENTRIES).join(", ")}.`
    : issue.message,
);

const OPENING_LINE = /^\uFEFF?---[ \t]*\r?\n/;
const CLOSING_LINE = /^---[ \t]*(?:\r?\n|$)/m;

/** Parses a file. Without front matter the whole file is text, with the metadata of a new fragment. */
export function parseFragmentFile(source: string): FragmentFileResult {
  const opening = OPENING_LINE.exec(source);
  if (opening === null) return readMetadata({}, source.replace(/^\uFEFF/, ""));

  const body = source.slice(opening[0].length);
  const closing = CLOSING_LINE.exec(body);
  if (closing === null) return { ok: false, reason: 'the front matter is not closed by a line "---"' };
  let metadata: unknown;
  try {
    metadata = parseYaml(body.slice(0, closing.index), { logLevel: "error" });
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    return { ok: false, reason: `the front matter is not valid YAML: ${error.message}` };
  }
  // Empty front matter is not a mistake. YAML reads it as null.
  return readMetadata(metadata ?? {}, body.slice(closing.index + closing[0].length));
}

function readMetadata(metadata: unknown, text: string): FragmentFileResult {
  const parsed = v.safeParse(FrontMatterSchema, metadata);
  if (!parsed.success)
    return { ok: false, reason: `the front matter is wrong: ${describeIssues(parsed.issues)}` };
  const content = text.replace(/^(?:[ \t]*\r?\n)+/, "").replace(/[\r\n]+$/, "");
  return { ok: true, file: { ...parsed.output, content } };
}
