import * as v from "valibot";
import { IDENTITY_USER_PREFIX, ROLES } from "./access.ts";
import { listOf, TimeSchema } from "./fragment.ts";
import {
  DEFAULT_TOKEN_SECONDS,
  MAX_IDENTITY_SUBJECT_UNITS,
  MAX_KEY_NAME_UNITS,
  MAX_PRESENCE_COLOR_UNITS,
  MAX_TOKEN_SECONDS,
  MAX_USER_ID_UNITS,
  MAX_USER_NAME_UNITS,
  MIN_TOKEN_SECONDS,
} from "./limits.ts";
import { PageSizeSchema } from "./page-size.ts";
import { GivenPrefixesSchema, PrefixesSchema } from "./prefixes.ts";

/** The bodies and answers of `/v1/keys`, `/v1/tokens` and `/v1/users`. */

export const RoleSchema = v.picklist(ROLES);

/** A text on one line that people see as it is: no controls, no invisible characters, no space at its ends. */
export const shownText = (maxUnits: number) =>
  v.pipe(
    v.string(),
    v.minLength(1, "must not be empty"),
    v.maxLength(maxUnits, `must have at most ${maxUnits} characters`),
    v.regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, "must not contain invisible characters"),
    v.check((text) => text.trim() === text, "must not begin or end with a space"),
  );

/** The id of any user. Both spellings of a letter with an accent are one id. */
export const UserIdSchema = v.pipe(
  shownText(IDENTITY_USER_PREFIX.length + MAX_IDENTITY_SUBJECT_UNITS),
  v.transform((id) => id.normalize("NFC")),
);

/** The id of a user for whom a token or an invitation is made: not one of the users of an identity provider. */
export const NewUserIdSchema = v.pipe(
  UserIdSchema,
  v.maxLength(MAX_USER_ID_UNITS, `must have at most ${MAX_USER_ID_UNITS} characters`),
  v.check(
    (id) => !id.startsWith(IDENTITY_USER_PREFIX),
    `must not begin with "${IDENTITY_USER_PREFIX}", as the users of an identity provider do`,
  ),
  v.description("As your own system has it."),
);

const DaySchema = v.nullable(v.pipe(v.string(), v.isoDate()));

/** `next_cursor` of the page before: the number of a key, or the id of a user, encoded. */
const cursorOf = (pattern: RegExp) =>
  v.optional(
    v.pipe(
      v.string(),
      v.regex(pattern, "must be the `next_cursor` of a page"),
      v.description("`next_cursor` of the page before."),
    ),
  );

/** The query of `GET /v1/keys`. */
export const KeysQuerySchema = v.object({ cursor: cursorOf(/^\d{1,15}$/), limit: PageSizeSchema });
export type KeysQuery = v.InferOutput<typeof KeysQuerySchema>;

/** The query of `GET /v1/users`. */
export const UsersQuerySchema = v.object({ cursor: cursorOf(/^[\w-]{1,1000}$/), limit: PageSizeSchema });
export type UsersQuery = v.InferOutput<typeof UsersQuerySchema>;

/** POST /v1/keys */
export const KeyCreateSchema = v.strictObject({
  name: shownText(MAX_KEY_NAME_UNITS),
  role: RoleSchema,
  prefixes: v.optional(GivenPrefixesSchema),
  expires_at: v.nullish(
    v.pipe(
      v.string(),
      v.isoTimestamp("must be a time in ISO 8601 with offset"),
      v.description("When it ends; absent or null: never. ISO 8601 with offset."),
    ),
  ),
});
export type KeyCreate = v.InferOutput<typeof KeyCreateSchema>;

/** PATCH /v1/keys/{id}: what is absent stays. */
export const KeyPatchSchema = v.strictObject({
  name: v.optional(shownText(MAX_KEY_NAME_UNITS)),
  role: v.optional(RoleSchema),
  prefixes: v.optional(GivenPrefixesSchema),
});
export type KeyPatch = v.InferOutput<typeof KeyPatchSchema>;

const keyEntries = {
  id: v.string(),
  name: v.string(),
  role: RoleSchema,
  prefixes: PrefixesSchema,
  created_at: TimeSchema,
  created_by: v.pipe(v.string(), v.description("The principal that made it, such as `key:…` or `user:…`.")),
  expires_at: v.nullable(TimeSchema),
  last_used: v.pipe(DaySchema, v.description("The day (UTC); null: never.")),
};

export const KeySchema = v.object(keyEntries);
export type Key = Readonly<v.InferOutput<typeof KeySchema>>;

/** The answer of POST /v1/keys, the only one with the key itself. */
export const NewKeySchema = v.object({
  key: v.pipe(v.string(), v.description("The key itself. It is shown only now.")),
  ...keyEntries,
});
export type NewKey = Readonly<v.InferOutput<typeof NewKeySchema>>;

const nextCursor = v.pipe(v.nullable(v.string()), v.description("Null on the last page."));

export const KeyPageSchema = v.object({ keys: listOf(KeySchema), next_cursor: nextCursor });
export type KeyPage = Readonly<v.InferOutput<typeof KeyPageSchema>>;

/** POST /v1/tokens */
export const TokenCreateSchema = v.pipe(
  v.strictObject({
    user: v.strictObject({
      id: NewUserIdSchema,
      name: v.nullish(v.pipe(shownText(MAX_USER_NAME_UNITS), v.description("What others see."))),
      color: v.nullish(v.pipe(shownText(MAX_PRESENCE_COLOR_UNITS), v.description("A CSS colour."))),
    }),
    role: v.optional(
      v.pipe(RoleSchema, v.description("Absent: `editor`, or the caller's own if it is lower.")),
    ),
    prefixes: v.optional(GivenPrefixesSchema),
    fragment: v.optional(v.pipe(v.string(), v.description("The id of the only fragment that it is for."))),
    ttl_seconds: v.optional(
      v.pipe(v.number(), v.safeInteger(), v.minValue(MIN_TOKEN_SECONDS), v.maxValue(MAX_TOKEN_SECONDS)),
      DEFAULT_TOKEN_SECONDS,
    ),
  }),
  v.check(
    ({ prefixes, fragment }) => prefixes === undefined || fragment === undefined,
    "prefixes and fragment exclude each other",
  ),
);
export type TokenCreate = v.InferOutput<typeof TokenCreateSchema>;

/** The answer of POST /v1/tokens. */
export const TokenSchema = v.object({
  token: v.string(),
  id: v.pipe(v.string(), v.description("Its `jti`, by which it can be ended.")),
  user: v.object({ id: v.string(), name: v.nullable(v.string()), color: v.nullable(v.string()) }),
  role: RoleSchema,
  prefixes: PrefixesSchema,
  expires_at: TimeSchema,
});

/** PUT /v1/users/{id} */
export const UserPutSchema = v.strictObject({
  role: v.pipe(
    v.nullable(RoleSchema),
    v.description("The most that the user may do, whatever its token says; null: as the token says."),
  ),
  name: v.nullish(shownText(MAX_USER_NAME_UNITS)),
});
export type UserPut = v.InferOutput<typeof UserPutSchema>;

export const UserSchema = v.object({
  id: v.string(),
  name: v.nullable(v.string()),
  role: v.pipe(
    v.nullable(RoleSchema),
    v.description("The most that the user may do; null: as its token says."),
  ),
  blocked: v.boolean(),
  last_seen: v.pipe(DaySchema, v.description("The day (UTC); null: never.")),
});
export type User = Readonly<v.InferOutput<typeof UserSchema>>;

export const UserPageSchema = v.object({ users: listOf(UserSchema), next_cursor: nextCursor });
export type UserPage = Readonly<v.InferOutput<typeof UserPageSchema>>;
