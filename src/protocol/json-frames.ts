import * as v from "valibot";
import { ROLES } from "./access.ts";
import { ERROR_CODES, type ErrorCode, type Refused, refusal, refused } from "./errors.ts";
import { ExpansionSchema, expansionEntries, WarningSchema } from "./expansion.ts";
import { listOf, metadataEntries, shownMetadataEntries, TimeSchema, VersionSchema } from "./fragment.ts";
import { parseInput } from "./issues.ts";
import {
  MAX_CHANGES,
  MAX_CREDENTIAL_UNITS,
  MAX_PRESENCE_COLOR_UNITS,
  MAX_PRESENCE_NAME_UNITS,
  MAX_REQUEST_ID_UNITS,
} from "./limits.ts";

/**
 * The JSON socket's frames: one JSON object each, its kind in `action`. The grammar stands in docs/PROTOCOL.md.
 * Times are ISO 8601 with offset; positions are UTF-16 code units.
 */

const requestId = v.optional(
  v.nullable(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(MAX_REQUEST_ID_UNITS),
      // The log keeps UTF-8, so a lone surrogate would make it another id after a restart.
      v.check((id) => id.isWellFormed(), "must not contain lone surrogates"),
    ),
  ),
);
const version = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const position = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Makes the schema of an object: one that refuses unknown fields, or one that ignores them. */
type MakeObject = <const E extends v.ObjectEntries>(
  entries: E,
) => v.GenericSchema<v.InferInput<v.ObjectSchema<E, undefined>>, v.InferOutput<v.ObjectSchema<E, undefined>>>;

/**
 * The frames of clients, by action.
 *
 * @param expandEntries the fields of `expand` that say how
 */
function clientFrames<const E extends v.ObjectEntries>(object: MakeObject, expandEntries: E) {
  const change = object({ from: position, to: position, insert: v.optional(v.string(), "") });
  const presence = object({
    name: v.optional(v.pipe(v.string(), v.maxLength(MAX_PRESENCE_NAME_UNITS))),
    color: v.optional(v.pipe(v.string(), v.maxLength(MAX_PRESENCE_COLOR_UNITS))),
    cursor: v.optional(v.unknown()),
  });
  return {
    update: object({
      action: v.literal("update"),
      content: v.string(),
      base_version: v.nullish(version),
      base_request_id: requestId,
      request_id: requestId,
    }),
    edit: object({
      action: v.literal("edit"),
      base_version: v.nullish(version),
      base_request_id: requestId,
      changes: v.pipe(v.array(v.unknown()), v.maxLength(MAX_CHANGES), v.array(change)),
      request_id: requestId,
    }),
    update_metadata: object({
      action: v.literal("update_metadata"),
      ...metadataEntries,
      base_version: v.nullish(version),
      request_id: requestId,
    }),
    expand: object({
      action: v.literal("expand"),
      content: v.nullish(v.string()),
      ...expandEntries,
      request_id: requestId,
    }),
    presence: object({
      action: v.literal("presence"),
      state: v.nullable(
        v.pipe(
          v.unknown(),
          v.check((state) => !Array.isArray(state), "must be an object"), // schemas of objects take lists
          presence,
        ),
      ),
      request_id: requestId,
    }),
    authenticate: object({
      action: v.literal("authenticate"),
      token: v.pipe(v.string(), v.maxLength(MAX_CREDENTIAL_UNITS)),
      request_id: requestId,
    }),
    ping: object({ action: v.literal("ping"), request_id: requestId }),
  };
}

export const clientFrameSchemas = clientFrames(v.strictObject, expansionEntries);
/**
 * For the old paths: the old system ignored unknown fields, and had one way to expand. Its clients have no token to renew.
 */
const { authenticate: _, ...oldClientFrameSchemas } = clientFrames(v.object, {});

/** `insert` replaces `[from, to)` of the base text. */
export type Change = FrameOf<"edit">["changes"][number];
/** The frame of one action. */
export type FrameOf<A extends ClientAction> = v.InferOutput<(typeof clientFrameSchemas)[A]>;

export type ClientAction = keyof typeof clientFrameSchemas;
export type ClientFrame = { [A in ClientAction]: FrameOf<A> }[ClientAction];

export type DecodedFrame =
  | { readonly ok: true; readonly value: ClientFrame }
  | (Refused & {
      readonly requestId: string | undefined;
      /** Old clients expect no answer to a frame without a known action, or with a content that is null. */
      readonly silentForOldClients: boolean;
    });

/**
 * Decodes one client frame. Never throws: a faulty frame is a refusal, whose sentence says what is wrong.
 *
 * @param isOldClient the frame came over one of the old paths, where unknown fields are ignored
 */
export function decodeClientFrame(text: string, isOldClient: boolean): DecodedFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fault("invalid_json", "The frame is not valid JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fault("invalid_frame", "A frame must be one JSON object with a field `action`.");
  }
  const { action, content, request_id: id } = value as Record<string, unknown>;
  const named = typeof id === "string" && id.length <= MAX_REQUEST_ID_UNITS ? id : undefined;
  if (typeof action !== "string") {
    return fault("invalid_frame", "The field `action` must be a string.", named, true);
  }
  const schemas: Partial<Record<string, v.GenericSchema<unknown, ClientFrame>>> = isOldClient
    ? oldClientFrameSchemas
    : clientFrameSchemas;
  const schema = Object.hasOwn(schemas, action) ? schemas[action] : undefined;
  if (schema === undefined) {
    const known = Object.keys(schemas).join(", ");
    return fault("unknown_action", `The action is not known. Known actions: ${known}.`, named, true);
  }
  const result = parseInput(schema, value, "invalid_frame", `${action}: `);
  if (result.ok) return result;
  const silentForOldClients = action === "update" && (content === null || content === undefined);
  return { ...result, requestId: named, silentForOldClients };
}

function fault(
  code: ErrorCode,
  message: string,
  requestId?: string,
  silentForOldClients = false,
): DecodedFrame {
  return { ...refused(refusal(code, message)), requestId, silentForOldClients };
}

const PeerPresenceSchema = v.object({
  session: v.string(),
  name: v.optional(v.string()),
  color: v.optional(v.string()),
  cursor: v.optional(v.unknown()),
});
/** One other session on the fragment, as JSON clients see them. */
export type PeerPresence = Readonly<v.InferOutput<typeof PeerPresenceSchema>>;

const echoedRequestId = v.optional(v.string());
const shownChange = v.pipe(
  v.object({ from: position, to: position, insert: v.string() }),
  v.description("`insert` replaces the units from `from` to `to` of the base."),
);

/** The frames of the server. */
export const serverFrameSchemas = {
  initial: v.object({
    action: v.literal("initial"),
    id: v.string(),
    content: v.string(),
    ...shownMetadataEntries,
    is_composite: v.optional(
      v.pipe(v.boolean(), v.description("On the old paths: the text includes other fragments.")),
    ),
    updated_at: TimeSchema,
    version: VersionSchema,
    session: v.pipe(v.string(), v.description("This connection's id.")),
  }),
  update_status: v.object({
    action: v.literal("update_status"),
    success: v.literal(true),
    timestamp: TimeSchema,
    version: VersionSchema,
    request_id: echoedRequestId,
    content: v.optional(
      v.pipe(
        v.string(),
        v.description("Present when the merge made another text than the one that was sent."),
      ),
    ),
    changes: v.optional(
      v.pipe(
        listOf(shownChange),
        v.description(
          "To `?changes=1` sessions, instead of `content`: from what was sent to the version's text.",
        ),
      ),
    ),
    more: v.optional(
      v.pipe(
        v.literal(true),
        v.description(
          "The version also holds later writes of yours. Their statuses follow, and the last one has the text.",
        ),
      ),
    ),
  }),
  updateText: v.object({
    action: v.literal("update"),
    content: v.string(),
    timestamp: TimeSchema,
    version: VersionSchema,
  }),
  /** To `?changes=1` sessions: applied to the text of `base_version` they give that of `version`. */
  updateChanges: v.object({
    action: v.literal("update"),
    changes: listOf(shownChange),
    base_version: VersionSchema,
    timestamp: TimeSchema,
    version: VersionSchema,
  }),
  update_metadata: v.object({
    action: v.literal("update_metadata"),
    timestamp: TimeSchema,
    version: VersionSchema,
    ...shownMetadataEntries,
  }),
  expanded: v.object({
    action: v.literal("expanded"),
    content: v.string(),
    expanded: v.string(),
    dependencies: listOf(v.string()),
    warnings: listOf(
      v.union([
        WarningSchema,
        v.pipe(v.string(), v.description("On the old paths: the old system's sentence.")),
      ]),
    ),
    variables: v.optional(ExpansionSchema.entries.variables),
    map: ExpansionSchema.entries.map,
    request_id: echoedRequestId,
  }),
  presence: v.object({ action: v.literal("presence"), peers: listOf(PeerPresenceSchema) }),
  error: v.object({
    action: v.literal("error"),
    code: v.picklist(ERROR_CODES),
    message: v.string(),
    request_id: echoedRequestId,
    version: v.optional(VersionSchema),
    content: v.optional(v.string()),
    warnings: v.optional(
      v.pipe(
        listOf(WarningSchema),
        v.description("With `unresolved_inclusions`: what could not be resolved."),
      ),
    ),
    retry_after: v.optional(
      v.pipe(v.number(), v.description("Seconds after which it makes sense to try again.")),
    ),
  }),
  access: v.object({
    action: v.literal("access"),
    role: v.picklist(ROLES),
    expires_at: v.nullable(TimeSchema),
    request_id: echoedRequestId,
  }),
  pong: v.object({ action: v.literal("pong"), request_id: echoedRequestId }),
  deleted: v.object({ action: v.literal("deleted"), id: v.string(), timestamp: TimeSchema }),
};
type ServerFrameSchemas = typeof serverFrameSchemas;
export type ServerFrame = {
  [F in keyof ServerFrameSchemas]: v.InferOutput<ServerFrameSchemas[F]>;
}[keyof ServerFrameSchemas];

export function encodeServerFrame(frame: ServerFrame): string {
  return JSON.stringify(frame);
}

/** The ping that the platform answers without waking the room; every other spelling is answered by the room. */
export const PLAIN_PING = '{"action":"ping"}';
export const PLAIN_PONG = '{"action":"pong"}';
