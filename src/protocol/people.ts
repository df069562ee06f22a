import * as v from "valibot";
import { listOf, TimeSchema } from "./fragment.ts";
import {
  INVITATION_DEFAULT_SECONDS,
  INVITATION_MAX_SECONDS,
  INVITATION_MIN_SECONDS,
  MAX_USER_NAME_UNITS,
} from "./limits.ts";
import { GivenPrefixesSchema, PrefixesSchema } from "./prefixes.ts";
import { NewUserIdSchema, RoleSchema, shownText, UserIdSchema } from "./principals.ts";

/** The bodies and answers of `/v1/invitations`, `/v1/sessions` and `/v1/me`. */

/** POST /v1/invitations */
export const InvitationCreateSchema = v.strictObject({
  user: v.strictObject({
    id: v.optional(
      v.pipe(
        NewUserIdSchema,
        v.description("Absent: a new one. With the id of a user who is known, the link is for that user."),
      ),
    ),
    name: v.pipe(shownText(MAX_USER_NAME_UNITS), v.description("What others see.")),
  }),
  role: RoleSchema,
  prefixes: v.optional(GivenPrefixesSchema),
  expires_in_seconds: v.optional(
    v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(INVITATION_MIN_SECONDS),
      v.maxValue(INVITATION_MAX_SECONDS),
    ),
    INVITATION_DEFAULT_SECONDS,
  ),
});

const invitationEntries = {
  id: v.string(),
  user: v.object({ id: v.string(), name: v.string() }),
  role: RoleSchema,
  prefixes: PrefixesSchema,
  created_at: TimeSchema,
  created_by: v.pipe(v.string(), v.description("The principal that made it, such as `key:…` or `user:…`.")),
  expires_at: TimeSchema,
};

export const InvitationSchema = v.object(invitationEntries);
export type Invitation = Readonly<v.InferOutput<typeof InvitationSchema>>;

/** The answer of POST /v1/invitations, the only one with the link. */
export const NewInvitationSchema = v.object({
  link: v.pipe(
    v.string(),
    v.url(),
    v.description("Signs its user in once. It is shown only now; whoever has it can use it."),
  ),
  ...invitationEntries,
});

export const InvitationListSchema = v.object({
  invitations: v.pipe(listOf(InvitationSchema), v.description("The oldest first.")),
});

/** The query of `/v1/sessions`. */
export const SessionsQuerySchema = v.object({
  user: v.optional(v.pipe(UserIdSchema, v.description("The id of another user. For admins."))),
});

export const BrowserSessionSchema = v.object({
  id: v.string(),
  browser: v.pipe(v.string(), v.description('As it calls itself, in a few words: "Firefox on Linux".')),
  created_at: TimeSchema,
  last_seen_at: v.pipe(TimeSchema, v.description("Exact to the hour.")),
  expires_at: TimeSchema,
  current: v.pipe(v.boolean(), v.description("Whether it is the one of this request.")),
});
export type BrowserSession = Readonly<v.InferOutput<typeof BrowserSessionSchema>>;

export const BrowserSessionListSchema = v.object({
  sessions: v.pipe(listOf(BrowserSessionSchema), v.description("The newest first.")),
});

/** GET /v1/me */
export const MeSchema = v.object({
  workspace: v.string(),
  principal: v.object({
    id: v.pipe(v.string(), v.description("`key:ID`, `user:ID`, or `anonymous`.")),
    name: v.nullable(v.string()),
    color: v.nullable(v.string()),
  }),
  role: RoleSchema,
  prefixes: PrefixesSchema,
  expires_at: v.pipe(v.nullable(TimeSchema), v.description("Null: it has no end of its own.")),
  session: v.pipe(
    v.nullable(v.string()),
    v.description("The id of the browser session; null if there is none."),
  ),
});
export type Me = Readonly<v.InferOutput<typeof MeSchema>>;
