import * as v from "valibot";
import type * as Y from "yjs";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import {
  DescriptionSchema,
  type Eol,
  type Metadata,
  PromptTypeSchema,
  TagSchema,
  TagsSchema,
} from "../../protocol/fragment.ts";
import { describeIssues } from "../../protocol/issues.ts";
import { MAX_TAGS } from "../../protocol/limits.ts";
import { ROOTS } from "./roots.ts";

/**
 * The metadata in the document: a map of the single fields, where the later write of a field wins, and a map with one
 * key for each tag, so that tags added by two people at once both stay. The value of a tag is its rank in the list
 * (`true` counts as 0); tags of equal rank are in alphabetical order.
 */
export interface SharedMetadata extends Metadata {
  readonly eol: Eol;
}

/** A write of metadata; absent fields keep their value. */
export interface MetadataChange {
  readonly description?: string | undefined;
  readonly prompt_type?: Metadata["prompt_type"] | undefined;
  readonly eol?: Eol | undefined;
  /** `keep`: tags that must be there, in this relative order. `remove`: tags that must go. All others stay. */
  readonly tags?: { readonly keep: readonly string[]; readonly remove: readonly string[] } | undefined;
}

const EolSchema = v.picklist(["lf", "crlf"]);
/** The values of fields that nobody has written yet. */
const UNWRITTEN = { description: "", prompt_type: "standard", eol: "lf" } as const;
const FieldsSchema = v.strictObject({
  description: v.optional(DescriptionSchema, UNWRITTEN.description),
  prompt_type: v.optional(PromptTypeSchema, UNWRITTEN.prompt_type),
  eol: v.optional(EolSchema, UNWRITTEN.eol),
});
const RankSchema = v.union([v.literal(true), v.pipe(v.number(), v.finite())]);

/** Reads and validates the metadata: a peer can have written anything. */
export function readMetadata(doc: Y.Doc): Result<SharedMetadata> {
  const { fields, tags } = mapsOf(doc);
  const parsedFields = v.safeParse(FieldsSchema, Object.fromEntries(fields.entries()));
  if (!parsedFields.success) return fault(parsedFields.issues);
  const ranks = readRanks(tags);
  if (ranks === null)
    return refused(refusal("invalid_metadata", "tags: each key is a tag, its value a rank or true."));
  const inOrder = [...ranks].sort(([a, rankA], [b, rankB]) => rankA - rankB || (a < b ? -1 : 1));
  const parsedTags = v.safeParse(
    TagsSchema,
    inOrder.map(([tag]) => tag),
  );
  if (!parsedTags.success) return fault(parsedTags.issues);
  return done({ ...parsedFields.output, tags: parsedTags.output });
}

/**
 * Reads the metadata that a log with a damaged row has left. Invalid values are left out, and so are tags beyond
 * `MAX_TAGS`.
 */
export function salvageMetadata(doc: Y.Doc): SharedMetadata {
  const { fields, tags } = mapsOf(doc);
  const given = Object.fromEntries(fields.entries());
  const parse = <S extends v.GenericSchema>(schema: S, value: unknown, other: v.InferOutput<S>) =>
    v.is(schema, value) ? value : other;
  const names = [...tags.keys()].filter((tag) => v.is(TagSchema, tag)).sort();
  return {
    description: parse(DescriptionSchema, given["description"], UNWRITTEN.description),
    prompt_type: parse(PromptTypeSchema, given["prompt_type"], UNWRITTEN.prompt_type),
    eol: parse(EolSchema, given["eol"], UNWRITTEN.eol),
    tags: names.slice(0, MAX_TAGS),
  };
}

export function writeMetadata(doc: Y.Doc, change: MetadataChange): void {
  const { fields, tags } = mapsOf(doc);
  for (const key of ["description", "prompt_type", "eol"] as const) {
    const value = change[key];
    if (value !== undefined && (fields.get(key) ?? UNWRITTEN[key]) !== value) fields.set(key, value);
  }
  if (change.tags === undefined) return;
  for (const tag of change.tags.remove) tags.delete(tag);
  const ranks = readRanks(tags) ?? new Map<string, number>();
  // Ranks need no change if those of the known tags ascend, and the new tags come after all known ones.
  const isInOrder = change.tags.keep.every((tag, at, keep) => {
    const rank = ranks.get(tag);
    const before = keep[at - 1];
    if (rank === undefined || before === undefined) return true;
    return (ranks.get(before) ?? Number.POSITIVE_INFINITY) < rank;
  });
  let last = isInOrder ? Math.max(0, ...ranks.values()) : 0;
  for (const tag of change.tags.keep) {
    if (isInOrder && ranks.has(tag)) continue;
    last += 1;
    if (ranks.get(tag) !== last) tags.set(tag, last);
  }
}

function mapsOf(doc: Y.Doc): { readonly fields: Y.Map<unknown>; readonly tags: Y.Map<unknown> } {
  return { fields: doc.getMap(ROOTS.metadata), tags: doc.getMap(ROOTS.tags) };
}

/** The rank of each tag; null if a peer wrote anything else there. */
function readRanks(tags: Y.Map<unknown>): Map<string, number> | null {
  const ranks = new Map<string, number>();
  for (const [tag, value] of tags.entries()) {
    if (!v.is(RankSchema, value)) return null;
    ranks.set(tag, value === true ? 0 : value);
  }
  return ranks;
}

export function sameMetadata(a: SharedMetadata, b: SharedMetadata): boolean {
  return (
    a.description === b.description &&
    a.prompt_type === b.prompt_type &&
    a.eol === b.eol &&
    sameTags(a.tags, b.tags)
  );
}

export function sameTags(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((tag, index) => tag === b[index]);
}

function fault(issues: readonly v.BaseIssue<unknown>[]): Result<never> {
  return refused(refusal("invalid_metadata", `${describeIssues(issues)}.`));
}
