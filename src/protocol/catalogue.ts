import * as v from "valibot";
import { type Metadata, PROMPT_TYPES } from "./fragment.ts";
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, MAX_QUERY_UNITS, MAX_TAG_UNITS, MAX_TAGS } from "./limits.ts";

/** What the catalogue of a workspace answers: lists, searches, folders, tags, who includes whom. */

/** How a list is sorted; `-` is descending. `relevance` needs a query, and is what a query has without `sort`. */
export const SORTS = [
  "id",
  "-id",
  "updated_at",
  "-updated_at",
  "created_at",
  "-created_at",
  "relevance",
] as const;
export type Sort = (typeof SORTS)[number];

const pageSize = v.pipe(
  v.string(),
  v.regex(/^\d{1,4}$/, "must be a whole number"),
  v.transform(Number),
  v.minValue(1, "must be at least 1"),
  v.maxValue(MAX_PAGE_SIZE, `must be at most ${MAX_PAGE_SIZE}`),
);

/** The query of `GET /v1/fragments`, each value as the address has it. */
export const ListQuerySchema = v.object({
  /** Words that all must occur, each as the beginning of a word of the id, description, tags or content. */
  query: v.optional(
    v.pipe(v.string(), v.maxLength(MAX_QUERY_UNITS, `must have at most ${MAX_QUERY_UNITS} characters`)),
  ),
  /** May be given several times: all of them must be there. */
  tag: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(MAX_TAG_UNITS))), v.maxLength(MAX_TAGS))),
  /** A folder: ids that begin with it and a slash. */
  prefix: v.optional(v.string()),
  type: v.optional(v.picklist(PROMPT_TYPES)),
  /** ISO 8601 with offset: changed then or later. */
  updated_since: v.optional(v.pipe(v.string(), v.isoTimestamp("must be a time in ISO 8601 with offset"))),
  sort: v.optional(v.picklist(SORTS)),
  /** `next_cursor` of the page before, asked for with the same query. */
  cursor: v.optional(v.string()),
  limit: v.optional(pageSize, String(DEFAULT_PAGE_SIZE)),
});
export type ListQuery = v.InferOutput<typeof ListQuerySchema>;

/** The query of `GET /v1/folders`. */
export const FoldersQuerySchema = v.object({ prefix: v.optional(v.string(), "") });

/** A part of a text, in UTF-16 code units. */
export interface TextRange {
  readonly from: number;
  readonly to: number;
}

/** A fragment in a list: its full text is on its own address. */
export interface FragmentSummary extends Metadata {
  readonly id: string;
  /** ISO 8601 with offset. */
  readonly created_at: string;
  readonly updated_at: string;
  readonly version: number;
  /** Bytes of the content in UTF-8. */
  readonly size: number;
  /** How many distinct fragments its text includes, and in how many others it is included. */
  readonly includes: number;
  readonly included_by: number;
  /** A few words of the content: around what was found, else its beginning. */
  readonly excerpt: string;
  /** Where the words of the query stand; without a query nothing. */
  readonly highlights: {
    readonly id: readonly TextRange[];
    readonly description: readonly TextRange[];
    readonly excerpt: readonly TextRange[];
  };
}

export interface FragmentPage {
  readonly fragments: readonly FragmentSummary[];
  /** How many there are over all pages. */
  readonly total: number;
  /** Null on the last page. */
  readonly next_cursor: string | null;
}

/** `GET /v1/tags`, most used first. */
export interface TagCounts {
  readonly tags: readonly { readonly tag: string; readonly count: number }[];
}

/** `GET /v1/folders?prefix=`: the folders directly within one, and how many fragments each holds at any depth. */
export interface FolderCounts {
  readonly folders: readonly { readonly path: string; readonly count: number }[];
}

/** `GET /v1/dependents/{id}`: the fragments that include it, directly and through others, each sorted. */
export interface Dependents {
  readonly id: string;
  readonly direct: readonly string[];
  readonly indirect: readonly string[];
}

/** `GET` and `POST /v1/catalogue/rebuild`. */
export interface RebuildStatus {
  readonly state: "never" | "running" | "done";
  /** Fragments asked so far, of how many. */
  readonly done: number;
  readonly total: number;
  /** Entries that were missing or wrong. */
  readonly repaired: number;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

/** `POST /v1/catalogue/rebuild`: ids that the catalogue may have lost every trace of. */
export const RebuildSchema = v.object({ ids: v.optional(v.array(v.string()), []) });

/** One event of `/v1/events`. Those with a `seq` are kept and can be resumed from; the others are only told live. */
export type CatalogueEvent =
  | {
      readonly event: "created" | "changed";
      readonly seq: number;
      readonly fragment: Omit<FragmentSummary, "excerpt" | "highlights">;
    }
  | { readonly event: "deleted"; readonly seq: number; readonly id: string; readonly version: number }
  | { readonly event: "renamed"; readonly seq: number; readonly from: string; readonly to: string }
  /** A change whose text is not in the catalogue yet. */
  | { readonly event: "typing"; readonly id: string; readonly version: number; readonly updated_at: string }
  /** Who has the fragment open; nobody is an empty list. */
  | {
      readonly event: "editors";
      readonly id: string;
      readonly editors: readonly Editor[];
      readonly sessions: number;
    };

/** Somebody who has a fragment open, as their presence names them. */
export interface Editor {
  readonly session: string;
  readonly name: string | null;
  readonly color: string | null;
}
