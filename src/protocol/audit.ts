import * as v from "valibot";
import { ERROR_CODES, type ErrorCode } from "./errors.ts";
import { listOf, TimeSchema } from "./fragment.ts";
import { PageSizeSchema } from "./page-size.ts";

/** The audit log of a workspace: who did what, on which id, when, from where, with which result. It has no content. */

export const AUDIT_ACTIONS = [
  "key_made",
  "key_changed",
  "key_revoked",
  "token_minted",
  "token_revoked",
  "user_changed",
  "user_removed",
  "invitation_made",
  "invitation_used",
  "invitation_revoked",
  "signed_in",
  "signed_out",
  "session_ended",
  "fragment_deleted",
  "fragment_renamed",
  "catalogue_rebuilt",
  /** A request or a socket that was refused with 401, 403 or 429. */
  "refused",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** `done`, or the code of the refusal. */
export type AuditResult = "done" | ErrorCode;

/** The query of `GET /v1/audit`, each value as the address has it. */
export const AuditQuerySchema = v.object({
  principal: v.optional(v.pipe(v.string(), v.description("Who acted: `user:ID`, `key:ID` or `anonymous`."))),
  action: v.optional(v.pipe(v.picklist(AUDIT_ACTIONS), v.description("What was done."))),
  id: v.optional(
    v.pipe(v.string(), v.description("On what: the id of a fragment, key, user or invitation.")),
  ),
  since: v.optional(
    v.pipe(
      v.string(),
      v.isoTimestamp("must be a time in ISO 8601 with offset"),
      v.description("Then or later. ISO 8601 with offset; in an address a `+` is `%2B`."),
    ),
  ),
  cursor: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,15}$/, "must be the `next_cursor` of a page"),
      v.description("`next_cursor` of the page before, asked for with the same query."),
    ),
  ),
  limit: PageSizeSchema,
});
export type AuditQuery = v.InferOutput<typeof AuditQuerySchema>;

export const AuditEntrySchema = v.object({
  time: TimeSchema,
  action: v.picklist(AUDIT_ACTIONS),
  principal: v.pipe(v.nullable(v.string()), v.description("Who acted; null: several, or not known.")),
  via: v.pipe(
    v.nullable(v.string()),
    v.description("The key that the principal's token was made with, as `key:ID`."),
  ),
  id: v.pipe(
    v.nullable(v.string()),
    v.description("The fragment, key, user or invitation; of several refusals the first one's."),
  ),
  detail: v.pipe(v.nullable(v.string()), v.description("A few words, such as a fragment's new id.")),
  address: v.pipe(
    v.nullable(v.string()),
    v.description("The caller's IP address, as Cloudflare or a proxy gives it; null if none did."),
  ),
  result: v.pipe(v.picklist(["done", ...ERROR_CODES]), v.description("`done`, or the code of the refusal.")),
  count: v.pipe(
    v.number(),
    v.safeInteger(),
    v.minValue(1),
    v.description("How often, where one entry stands for the repetitions within a minute."),
  ),
});
export type AuditEntry = Readonly<v.InferOutput<typeof AuditEntrySchema>>;

export const AuditPageSchema = v.object({
  entries: v.pipe(listOf(AuditEntrySchema), v.description("The newest first.")),
  next_cursor: v.pipe(
    v.nullable(v.string()),
    v.description(
      "Null on the last page. With a filter, a page may have fewer entries than asked for, or none, before the last.",
    ),
  ),
});
export type AuditPage = Readonly<v.InferOutput<typeof AuditPageSchema>>;
