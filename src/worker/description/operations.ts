import type { DescribeRouteOptions } from "hono-openapi";
import { FRAGMENT_ID_RULE } from "../../language/fragment-id.ts";
import { MAX_REQUEST_ID_UNITS } from "../../protocol/limits.ts";
import { accessOperations } from "./access-operations.ts";
import { EXAMPLES } from "./examples.ts";
import { pathId } from "./path-id.ts";
import { peopleOperations } from "./people-operations.ts";
import { jsonBody } from "./request-body.ts";
import { answers, describeHeaders, empty, OF_A_BODY, refuses } from "./responses.ts";
import { refTo } from "./schemas.ts";

/** Describes each operation of the REST API. The example requests work on the fragments of `EXAMPLES`. */

const shown = {
  id: EXAMPLES.fragment.id,
  content: EXAMPLES.fragment.content,
  description: "",
  tags: EXAMPLES.fragment.tags,
  prompt_type: "standard",
  eol: "lf",
  created_at: "2026-11-23T03:14:57.776+00:00",
  updated_at: "2026-11-23T03:14:57.786+00:00",
  version: 1,
  size: 21,
};

const TAG = {
  fragments: ["Fragments"],
  catalogue: ["Catalogue"],
  expansion: ["Expansion"],
  service: ["Service"],
};

const id = pathId(
  `${FRAGMENT_ID_RULE} Its slashes may be plain or \`%2F\`: both name the same fragment.`,
  EXAMPLES.fragment.id,
);

function header(name: string, description: string, lengths: { minLength?: number; maxLength?: number } = {}) {
  return { name, in: "header", description, schema: { type: "string", ...lengths } } as const;
}

const ifMatch = header(
  "If-Match",
  "Versions in quotes, or `*` for any. One of them must be current, otherwise the answer is 412. A malformed header is 400.",
);
const ifNoneMatchToWrite = header(
  "If-None-Match",
  "Versions in quotes, none of which may be current, or `*`: there must be no fragment. Otherwise the answer is 412. A malformed header is 400.",
);
const ifNoneMatch = header("If-None-Match", "Tags that the client has, or `*`: the answer is then 304.");
const idempotencyKey = header(
  "Idempotency-Key",
  "Within ten minutes, the same request with the same key is made only once, and every repetition gets the first answer. Each fragment has keys of its own: for another id, the same key is another key.",
  { minLength: 1, maxLength: MAX_REQUEST_ID_UNITS },
);

const WRITE_REFUSALS = ["invalid_header", "invalid_content", "content_too_large"] as const;

export const operations = {
  listFragments: {
    summary: "List and search fragments",
    description:
      "Fields and counts, with an excerpt and the places of the words of the query. The full text of a fragment is at its own address. A blank parameter counts as absent.",
    tags: TAG.catalogue,
    responses: {
      ...answers(200, "One page of the list.", "FragmentPage"),
      ...refuses(),
    },
  },
  createFragment: {
    summary: "Make a fragment",
    tags: TAG.fragments,
    parameters: [idempotencyKey],
    requestBody: jsonBody("FragmentCreate", {
      farewell: { summary: "A fragment that includes another one", value: EXAMPLES.created },
    }),
    responses: {
      ...answers(201, "Made, and durable.", "Fragment", { headers: ["ETag", "Location"], example: shown }),
      ...refuses(...WRITE_REFUSALS, "invalid_id", "already_exists", ...OF_A_BODY, "idempotency_key_reused"),
    },
  },
  getFragment: {
    summary: "Read a fragment",
    description: "With every edit that arrived before the request. `HEAD` gives the headers alone.",
    tags: TAG.fragments,
    parameters: [id, ifNoneMatch],
    responses: {
      ...answers(200, "The committed fragment.", "Fragment", { headers: ["ETag"], example: shown }),
      ...empty(304, "The client has this version.", ["ETag"]),
      ...refuses("invalid_id", "not_found"),
    },
  },
  putFragment: {
    summary: "Make or replace a fragment",
    description:
      "Open editors get the difference. Metadata that are absent or null stay. With `base_version` the content is an edit of that version, and merged with what was committed since; `If-Match` is looked at first.",
    tags: TAG.fragments,
    parameters: [id, ifMatch, ifNoneMatchToWrite, idempotencyKey],
    requestBody: jsonBody("FragmentPut", {
      whole: { summary: "The whole text", value: { content: "Good morning, [[team/name]]!" } },
    }),
    responses: {
      ...answers(200, "Replaced or merged, and durable: the fragment as it is now.", "Fragment", {
        headers: ["ETag"],
        example: shown,
      }),
      ...answers(201, "Made, and durable.", "Fragment", { headers: ["ETag", "Location"] }),
      ...refuses(
        ...WRITE_REFUSALS,
        "invalid_id",
        "invalid_metadata",
        "not_found",
        "stale_base",
        "version_mismatch",
        ...OF_A_BODY,
        "idempotency_key_reused",
      ),
    },
  },
  patchFragment: {
    summary: "Change a part of a fragment",
    description:
      "Absent and null fields stay. `edits` replace pieces of the text. Each piece must occur in it exactly once; with `base_version`, in the text of that version.",
    tags: TAG.fragments,
    parameters: [id, ifMatch, ifNoneMatchToWrite, idempotencyKey],
    requestBody: jsonBody("FragmentPatch", {
      edit: { summary: "One edit", value: { edits: [{ old: "Hello", new: "Good morning" }] } },
      metadata: {
        summary: "Metadata only",
        value: { description: "How we begin", tags: ["greeting", "short"], prompt_type: "composite" },
      },
      based: {
        summary: "A text made on an earlier version",
        value: { content: "Hello there, [[team/name]]!", base_version: 1 },
      },
    }),
    responses: {
      ...answers(200, "Changed or merged, and durable: the fragment as it is now.", "Fragment", {
        headers: ["ETag"],
        example: shown,
      }),
      ...refuses(
        ...WRITE_REFUSALS,
        "invalid_id",
        "invalid_metadata",
        "not_found",
        "no_single_match",
        "stale_base",
        "version_mismatch",
        ...OF_A_BODY,
        "idempotency_key_reused",
      ),
    },
  },
  deleteFragment: {
    summary: "Delete a fragment",
    description: "Every open session is told and closed.",
    tags: TAG.fragments,
    parameters: [id, ifMatch, ifNoneMatchToWrite],
    responses: {
      ...empty(204, "Deleted."),
      ...refuses("invalid_header", "invalid_id", "not_found", "version_mismatch"),
    },
  },
  renameFragment: {
    summary: "Give a fragment another id",
    description:
      "Text, metadata and `created_at` move, and the version begins anew. Open sessions are closed as by a deletion. Texts that include the old id are not changed; `listDependents` names them.",
    tags: TAG.fragments,
    parameters: [idempotencyKey],
    requestBody: jsonBody("Rename", {
      greeting: { summary: "To another name", value: { from: EXAMPLES.fragment.id, to: "team/welcome" } },
    }),
    responses: {
      ...answers(201, "Renamed, and durable: the fragment under its new id.", "Fragment", {
        headers: ["ETag", "Location"],
      }),
      ...refuses(
        "invalid_header",
        "invalid_id",
        "not_found",
        "already_exists",
        ...OF_A_BODY,
        "idempotency_key_reused",
      ),
    },
  },
  listTags: {
    summary: "Count the fragments of each tag",
    tags: TAG.catalogue,
    responses: { ...answers(200, "All tags in use.", "TagCounts"), ...refuses() },
  },
  listFolders: {
    summary: "Count the fragments of each folder",
    tags: TAG.catalogue,
    responses: {
      ...answers(200, "The folders directly within one.", "FolderCounts"),
      ...refuses(),
    },
  },
  listDependents: {
    summary: "List the fragments that include one",
    description: "The id need not exist: its dependents are then the texts that name it.",
    tags: TAG.catalogue,
    parameters: [{ ...id, example: EXAMPLES.included.id }],
    responses: { ...answers(200, "Its dependents.", "Dependents"), ...refuses("invalid_id") },
  },
  getCatalogueRebuild: {
    summary: "Read the progress of the catalogue's rebuild",
    tags: TAG.catalogue,
    responses: { ...answers(200, "The last rebuild.", "RebuildStatus"), ...refuses() },
  },
  startCatalogueRebuild: {
    summary: "Rebuild the catalogue from the fragments",
    description: "If one is running, it goes on and asks the given ids too. Lists are answered meanwhile.",
    tags: TAG.catalogue,
    requestBody: {
      ...jsonBody("Rebuild", { all: { summary: "All that the catalogue knows", value: {} } }),
      required: false,
    },
    responses: {
      ...answers(202, "Begun.", "RebuildStatus"),
      ...refuses("invalid_id", ...OF_A_BODY),
    },
  },
  streamEvents: {
    summary: "Follow changes of the fragments",
    description:
      "Server-sent events until the client ends them; over a WebSocket the same events come as frames (`/asyncapi.json`). `HEAD` gives the headers alone.",
    tags: TAG.catalogue,
    parameters: [
      header("Last-Event-ID", "The last event that the client knows. It gets the changes since then."),
      {
        name: "last_event_id",
        in: "query",
        description: "The same for clients that cannot set a header.",
        schema: { type: "string" },
      },
    ],
    responses: {
      200: {
        description: "Events whose data is JSON.",
        content: { "text/event-stream": { schema: { type: "string" } } },
      },
      ...refuses(),
    },
  },
  expandText: {
    summary: "Expand a text that is not stored",
    tags: TAG.expansion,
    requestBody: jsonBody("Expand", {
      text: { summary: "A text with an inclusion", value: { content: "Dear [[team/name]]" } },
    }),
    responses: {
      ...answers(200, "The text with its inclusions resolved.", "Expansion", {
        example: {
          expanded: "Dear world",
          dependencies: ["team/name"],
          warnings: [],
          variables: { filled: [], left: [] },
        },
      }),
      ...refuses("invalid_content", "invalid_id", "content_too_large", ...OF_A_BODY, "unresolved_inclusions"),
    },
  },
  getExpansion: {
    summary: "Expand a fragment",
    description:
      "JSON, or the expanded text alone if `Accept` prefers `text/plain`. The tag changes when any fragment that the text includes, at any depth, gets another version, appears or disappears.",
    tags: TAG.expansion,
    parameters: [
      id,
      ifNoneMatch,
      {
        name: "var.*",
        in: "query",
        description:
          "`var.city=Lisbon` fills `{{city}}` and `{{ city }}`. Any number of variables may be given.",
        schema: { type: "string" },
      },
    ],
    responses: {
      200: {
        description: "The text with its inclusions resolved.",
        headers: describeHeaders(["ETag", "Vary", "X-Prompt-Warnings"]),
        content: {
          "application/json": { schema: refTo("Expansion") },
          "text/plain": { schema: { type: "string" }, example: "Hello, world!" },
        },
      },
      ...empty(304, "The client has this expansion in this form.", ["ETag", "Vary"]),
      ...refuses("invalid_id", "not_found", "content_too_large", "unresolved_inclusions"),
    },
  },
  ...accessOperations,
  ...peopleOperations,
  getHealth: {
    summary: "Check that the service runs",
    tags: TAG.service,
    responses: {
      200: {
        description: "It runs. No fragment is asked.",
        content: {
          "application/json": {
            schema: {
              type: "object",
              properties: { status: { type: "string", const: "ok" } },
              required: ["status"],
            },
          },
        },
      },
    },
  },
} as const satisfies Record<string, DescribeRouteOptions>;

export type OperationId = keyof typeof operations;
