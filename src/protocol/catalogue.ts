import * as v from "valibot";
import {
  listOf,
  PROMPT_TYPES,
  SizeSchema,
  shownMetadataEntries,
  TimeSchema,
  VersionSchema,
} from "./fragment.ts";
import { MAX_DEPENDENTS, MAX_QUERY_UNITS, MAX_REBUILD_IDS, MAX_TAG_UNITS, MAX_TAGS } from "./limits.ts";
import { PageSizeSchema } from "./page-size.ts";

/** Queries to the catalogue of a workspace, and its answers: lists, searches, folders, tags, dependents. */

/** How a list is sorted; `-` is descending. `relevance` needs a query, and is the default with one. */
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

const searchText = v.pipe(
  v.string(),
  v.maxLength(MAX_QUERY_UNITS, `must have at most ${MAX_QUERY_UNITS} characters`),
  v.description(
    "Words that all must occur, each as the beginning of a word of the id, description, tags or content; anywhere in scripts that write no spaces. Case and accents do not count, nor do variants of letters.",
  ),
);
const wantedTags = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(MAX_TAG_UNITS, `must have at most ${MAX_TAG_UNITS} characters`))),
  v.maxLength(MAX_TAGS, `must be at most ${MAX_TAGS} tags`),
  v.description("May be given several times: a fragment must have all of them."),
);
const since = v.pipe(
  v.string(),
  v.isoTimestamp("must be a time in ISO 8601 with offset"),
  v.description("Changed then or later. ISO 8601 with offset; in an address a `+` is `%2B`."),
);
const sort = v.pipe(
  v.picklist(SORTS),
  v.description(
    "`-` is descending. `relevance` needs a query, and is the default with one; without a query it is `-updated_at`.",
  ),
);

/** The query of `GET /v1/fragments`, each value as the address has it. */
export const ListQuerySchema = v.object({
  query: v.optional(searchText),
  tag: v.optional(wantedTags),
  prefix: v.optional(v.pipe(v.string(), v.description("A folder: the ids that begin with it and a slash."))),
  type: v.optional(v.picklist(PROMPT_TYPES)),
  updated_since: v.optional(since),
  sort: v.optional(sort),
  cursor: v.optional(
    v.pipe(v.string(), v.description("`next_cursor` of the page before, asked for with the same query.")),
  ),
  limit: PageSizeSchema,
});
export type ListQuery = v.InferOutput<typeof ListQuerySchema>;

/** The query of `GET /v1/folders`. */
export const FoldersQuerySchema = v.object({
  prefix: v.optional(v.pipe(v.string(), v.description("A folder; empty: the top.")), ""),
});

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const TextRangeSchema = v.pipe(
  v.object({ from: count, to: count }),
  v.description("A part of a text, in UTF-16 code units."),
);
export type TextRange = Readonly<v.InferOutput<typeof TextRangeSchema>>;

/** The fields of a fragment in lists and events. */
const listedEntries = {
  id: v.string(),
  ...shownMetadataEntries,
  created_at: TimeSchema,
  updated_at: TimeSchema,
  version: VersionSchema,
  size: SizeSchema,
  includes: v.pipe(count, v.description("The number of distinct fragments that its text includes.")),
  included_by: v.pipe(count, v.description("The number of other fragments that include it.")),
};

/** A fragment in a list: its full text is on its own address. */
export const FragmentSummarySchema = v.object({
  ...listedEntries,
  excerpt: v.pipe(
    v.string(),
    v.description("A few words of the content: around what was found, else its beginning."),
  ),
  highlights: v.pipe(
    v.object({
      id: listOf(TextRangeSchema),
      description: listOf(TextRangeSchema),
      excerpt: listOf(TextRangeSchema),
    }),
    v.description("Where the words of the query stand; without a query nothing."),
  ),
});
export type FragmentSummary = Readonly<v.InferOutput<typeof FragmentSummarySchema>>;

export const FragmentPageSchema = v.object({
  fragments: listOf(FragmentSummarySchema),
  total: v.pipe(count, v.description("The number of fragments on all pages.")),
  next_cursor: v.pipe(v.nullable(v.string()), v.description("Null on the last page.")),
});
export type FragmentPage = Readonly<v.InferOutput<typeof FragmentPageSchema>>;

/** `GET /v1/tags` */
export const TagCountsSchema = v.object({
  tags: v.pipe(listOf(v.object({ tag: v.string(), count })), v.description("Most used first.")),
});
export type TagCounts = Readonly<v.InferOutput<typeof TagCountsSchema>>;

/** `GET /v1/folders?prefix=`: the folders directly inside a folder. */
export const FolderCountsSchema = v.object({
  folders: listOf(
    v.object({ path: v.string(), count: v.pipe(count, v.description("Fragments in it, at any depth.")) }),
  ),
});
export type FolderCounts = Readonly<v.InferOutput<typeof FolderCountsSchema>>;

/** `GET /v1/dependents/{id}` */
export const DependentsSchema = v.object({
  id: v.string(),
  direct: v.pipe(listOf(v.string()), v.description("The fragments that include it, sorted.")),
  indirect: v.pipe(listOf(v.string()), v.description("Those that do so through others, sorted.")),
  truncated: v.pipe(
    v.boolean(),
    v.description(`Whether there are more than the ${MAX_DEPENDENTS} of each kind that are named.`),
  ),
});
export type Dependents = Readonly<v.InferOutput<typeof DependentsSchema>>;

/** `GET` and `POST /v1/catalogue/rebuild` */
export const RebuildStatusSchema = v.object({
  state: v.picklist(["never", "running", "done"]),
  done: v.pipe(count, v.description("Fragments asked so far.")),
  total: v.pipe(count, v.description("Fragments to ask.")),
  repaired: v.pipe(count, v.description("Entries that were missing or wrong.")),
  started_at: v.nullable(TimeSchema),
  finished_at: v.nullable(TimeSchema),
  complete: v.pipe(
    v.boolean(),
    v.description("Whether an id that the catalogue does not know is taken for one that no fragment has."),
  ),
});
export type RebuildStatus = Readonly<v.InferOutput<typeof RebuildStatusSchema>>;

/** `POST /v1/catalogue/rebuild` */
export const RebuildSchema = v.strictObject({
  ids: v.optional(
    v.pipe(
      v.array(v.string()),
      v.maxLength(MAX_REBUILD_IDS, `must be at most ${MAX_REBUILD_IDS} ids`),
      v.description(
        "Ids that the catalogue may have lost every trace of. They are asked besides the ids that it knows.",
      ),
    ),
    [],
  ),
  complete: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        "Says that there are no fragments besides those of `ids` and those that the catalogue knows. Once the rebuild is done, the server answers for an unknown id without asking for it.",
      ),
    ),
    false,
  ),
});

/** A session that has a fragment open, as its presence names it. */
export const EditorSchema = v.object({
  session: v.string(),
  name: v.nullable(v.string()),
  color: v.nullable(v.string()),
});
export type Editor = Readonly<v.InferOutput<typeof EditorSchema>>;

/** The sessions that have a fragment open. */
export interface OpenSessions {
  /** All of them, named or not. */
  readonly sessions: number;
  /** Those that show a presence; if there are very many, only the first. */
  readonly editors: readonly Editor[];
}

export const NO_OPEN_SESSIONS: OpenSessions = { sessions: 0, editors: [] };

/**
 * The events of `/v1/events`. Those with a `seq` are kept, and a listener can resume after them; others are only live.
 */
export const catalogueEventSchemas = {
  created: v.object({ event: v.literal("created"), seq: count, fragment: v.object(listedEntries) }),
  changed: v.object({ event: v.literal("changed"), seq: count, fragment: v.object(listedEntries) }),
  deleted: v.object({ event: v.literal("deleted"), seq: count, id: v.string(), version: VersionSchema }),
  renamed: v.object({ event: v.literal("renamed"), seq: count, from: v.string(), to: v.string() }),
  /** A change whose text is not in the catalogue yet. */
  typing: v.object({
    event: v.literal("typing"),
    id: v.string(),
    version: VersionSchema,
    updated_at: TimeSchema,
  }),
  /** The sessions that have the fragment open. */
  editors: v.object({
    event: v.literal("editors"),
    id: v.string(),
    editors: listOf(EditorSchema),
    sessions: count,
  }),
};
type EventSchemas = typeof catalogueEventSchemas;
export type CatalogueEvent = {
  [E in keyof EventSchemas]: Readonly<v.InferOutput<EventSchemas[E]>>;
}[keyof EventSchemas];
