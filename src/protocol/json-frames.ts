import * as v from "valibot";
import type { ErrorCode, Refusal } from "./errors.ts";
import { refusal } from "./errors.ts";
import type { Metadata } from "./fragment.ts";
import { describeIssues, metadataEntries } from "./fragment.ts";
import { MAX_CHANGES, MAX_REQUEST_ID_UNITS } from "./limits.ts";

/**
 * The JSON socket's frames: one JSON object each, its kind in `action`. The grammar stands in docs/PROTOCOL.md.
 * Times are ISO 8601 with offset; positions are UTF-16 code units.
 */

const requestId = v.optional(
  v.nullable(v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_REQUEST_ID_UNITS))),
);
const version = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const position = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const ChangeSchema = v.object({ from: position, to: position, insert: v.optional(v.string(), "") });
/** `[from, to)` of the base text gives way to `insert`. */
export type Change = v.InferOutput<typeof ChangeSchema>;

const schemas = {
  update: v.object({
    action: v.literal("update"),
    content: v.string(),
    base_version: v.nullish(version),
    base_request_id: requestId,
    request_id: requestId,
  }),
  edit: v.object({
    action: v.literal("edit"),
    base_version: v.nullish(version),
    base_request_id: requestId,
    changes: v.pipe(v.array(v.unknown()), v.maxLength(MAX_CHANGES), v.array(ChangeSchema)),
    request_id: requestId,
  }),
  update_metadata: v.object({
    action: v.literal("update_metadata"),
    ...metadataEntries,
    base_version: v.nullish(version),
    request_id: requestId,
  }),
  expand: v.object({ action: v.literal("expand"), content: v.nullish(v.string()), request_id: requestId }),
  presence: v.object({
    action: v.literal("presence"),
    state: v.nullable(
      v.pipe(
        v.unknown(),
        v.check((state) => !Array.isArray(state), "must be an object"), // v.object takes lists
        v.object({
          name: v.optional(v.pipe(v.string(), v.maxLength(200))),
          color: v.optional(v.pipe(v.string(), v.maxLength(64))),
          cursor: v.optional(v.unknown()),
        }),
      ),
    ),
    request_id: requestId,
  }),
  ping: v.object({ action: v.literal("ping"), request_id: requestId }),
};

export type ClientAction = keyof typeof schemas;
export type ClientFrame = { [A in ClientAction]: v.InferOutput<(typeof schemas)[A]> }[ClientAction];

export type DecodedFrame =
  | { readonly ok: true; readonly frame: ClientFrame }
  | {
      readonly ok: false;
      readonly refusal: Refusal;
      readonly requestId: string | undefined;
      /** What old clients expect no answer to: an action that is not known, a content that is null. */
      readonly silentForOldClients: boolean;
    };

/** Decodes one client frame. Never throws: what is wrong is a refusal with a sentence. */
export function decodeClientFrame(text: string): DecodedFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fault("invalid_json", "The frame is not valid JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fault("invalid_frame", "A frame is one JSON object with a field `action`.");
  }
  const { action, content, request_id: id } = value as Record<string, unknown>;
  const named = typeof id === "string" && id.length <= MAX_REQUEST_ID_UNITS ? id : undefined;
  if (typeof action !== "string") {
    return fault("invalid_frame", "The field `action` must be a string.", named, action === undefined);
  }
  if (!Object.hasOwn(schemas, action)) {
    const known = Object.keys(schemas).join(", ");
    return fault("unknown_action", `The action is not known. Known actions: ${known}.`, named, true);
  }
  const result = v.safeParse(schemas[action as ClientAction], value, { abortEarly: true });
  if (result.success) return { ok: true, frame: result.output };
  const silent = action === "update" && (content === null || content === undefined);
  return fault("invalid_frame", `${action}: ${describeIssues(result.issues)}.`, named, silent);
}

function fault(
  code: ErrorCode,
  message: string,
  requestId?: string,
  silentForOldClients = false,
): DecodedFrame {
  return { ok: false, refusal: refusal(code, message), requestId, silentForOldClients };
}

/** One other session on the fragment, as JSON clients see it. */
export interface PeerPresence {
  readonly session: string;
  readonly name?: string | undefined;
  readonly color?: string | undefined;
  readonly cursor?: unknown;
}

export type ServerFrame =
  | ({
      action: "initial";
      id: string;
      content: string;
      updated_at: string;
      version: number;
      session: string;
    } & Metadata)
  | {
      action: "update_status";
      success: true;
      timestamp: string;
      version: number;
      request_id?: string | undefined;
      /** Present when the merge gave something else than what was sent. */
      content?: string | undefined;
    }
  | { action: "update"; content: string; timestamp: string; version: number }
  /** To `?changes=1` sessions: applied to the text of `base_version` they give that of `version`. */
  | { action: "update"; changes: readonly Change[]; base_version: number; timestamp: string; version: number }
  | ({ action: "update_metadata"; timestamp: string; version: number } & Metadata)
  | {
      action: "expanded";
      content: string;
      expanded: string;
      dependencies: readonly string[];
      warnings: readonly string[];
      request_id?: string | undefined;
    }
  | { action: "presence"; peers: readonly PeerPresence[] }
  | {
      action: "error";
      code: ErrorCode;
      message: string;
      request_id?: string | undefined;
      version?: number | undefined;
      content?: string | undefined;
    }
  | { action: "pong"; request_id?: string | undefined }
  | { action: "deleted"; id: string; timestamp: string };

export function encodeServerFrame(frame: ServerFrame): string {
  return JSON.stringify(frame);
}

/** The ping that the platform answers without waking the room; every other spelling is answered by the room. */
export const PLAIN_PING = '{"action":"ping"}';
export const PLAIN_PONG = '{"action":"pong"}';
