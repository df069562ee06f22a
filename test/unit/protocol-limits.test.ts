/** PROTOCOL.md's table of limits against the numbers that are enforced, so that neither can move alone. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FRAGMENT_ID_RULE } from "../../src/language/fragment-id.ts";
import * as limits from "../../src/protocol/limits.ts";

const PAGE = readFileSync(new URL("../../docs/PROTOCOL.md", import.meta.url), "utf8");

/** Which row of the table names a limit, and how. A limit that is new does not compile without its row. */
const WRITTEN: Readonly<Record<keyof typeof limits, readonly [row: string, ...amounts: string[]]>> = {
  MAX_CONTENT_BYTES: ["content", mebibytes(limits.MAX_CONTENT_BYTES)],
  MAX_DESCRIPTION_UNITS: ["description", units(limits.MAX_DESCRIPTION_UNITS)],
  MAX_TAGS: ["tags", grouped(limits.MAX_TAGS)],
  MAX_TAG_UNITS: ["tags", `1 to ${units(limits.MAX_TAG_UNITS)}`],
  MAX_FRAME_BYTES: ["frame on a socket", mebibytes(limits.MAX_FRAME_BYTES)],
  MAX_UPDATE_ITEMS: ["structs and new deletes in one Yjs update", grouped(limits.MAX_UPDATE_ITEMS)],
  MAX_UPDATE_DELETES: ["deletes that one Yjs update names, old ones too", grouped(limits.MAX_UPDATE_DELETES)],
  MAX_DELETED_UNITS: ["new deleted text in one Yjs update", `${limits.MAX_DELETED_UNITS / 2 ** 20} Mi units`],
  MAX_HELD_BYTES: [
    "updates that wait for owners of client ids",
    mebibytes(limits.MAX_HELD_BYTES),
    mebibytes(limits.MAX_FRAME_BYTES),
  ],
  ASK_OWNER_AFTER_MS: [
    "wait before an owner is asked · is asked again · its silence · its answer",
    `${limits.ASK_OWNER_AFTER_MS} ms`,
  ],
  ASK_OWNER_AGAIN_MS: [
    "wait before an owner is asked · is asked again · its silence · its answer",
    `${limits.ASK_OWNER_AGAIN_MS / 1_000} s`,
  ],
  OWNER_SILENCE_MS: [
    "wait before an owner is asked · is asked again · its silence · its answer",
    `${limits.OWNER_SILENCE_MS / 1_000} s`,
  ],
  OWNER_ANSWER_MS: [
    "wait before an owner is asked · is asked again · its silence · its answer",
    `${limits.OWNER_ANSWER_MS / 1_000} s`,
  ],
  CLIENT_ID_REST_MS: ["rest of a client id", `${limits.CLIENT_ID_REST_MS / 1_000} s`],
  MAX_RESERVED_CLIENT_IDS: [
    "client ids kept for their last principals",
    grouped(limits.MAX_RESERVED_CLIENT_IDS),
  ],
  MAX_BODY_BYTES: ["body of a request", mebibytes(limits.MAX_BODY_BYTES)],
  MAX_REQUEST_ID_UNITS: ["request id, client name, idempotency key", units(limits.MAX_REQUEST_ID_UNITS)],
  MAX_CLIENT_NAME_UNITS: ["request id, client name, idempotency key", units(limits.MAX_CLIENT_NAME_UNITS)],
  MAX_CHANGES: ["changes in one `edit`", grouped(limits.MAX_CHANGES)],
  MAX_SUBSTITUTIONS: ["`edits` in one PATCH", grouped(limits.MAX_SUBSTITUTIONS)],
  MAX_PRESENCE_BYTES: ["presence state", `${grouped(limits.MAX_PRESENCE_BYTES)} bytes`],
  MAX_PRESENCE_NAME_UNITS: ["presence state", `name ${units(limits.MAX_PRESENCE_NAME_UNITS)}`],
  MAX_PRESENCE_COLOR_UNITS: ["presence state", `color ${limits.MAX_PRESENCE_COLOR_UNITS}`],
  MAX_REMEMBERED_REBASE_UNITS: ["merge remembered for a session", units(limits.MAX_REMEMBERED_REBASE_UNITS)],
  MAX_ACCESS_UNITS: ["access of a session", units(limits.MAX_ACCESS_UNITS)],
  MAX_REMEMBERED_TEXTS: ["texts remembered as bases for a session", grouped(limits.MAX_REMEMBERED_TEXTS)],
  REBASE_HORIZON_MS: [
    "age of a base, and of a remembered request",
    `${limits.REBASE_HORIZON_MS / 60_000} minutes`,
  ],
  MAX_PAST_BYTES: ["past kept for bases", mebibytes(limits.MAX_PAST_BYTES)],
  PRESENCE_EXPIRY_MS: ["silence of a stock awareness", `${limits.PRESENCE_EXPIRY_MS / 1_000} s`],
  MAX_CLOSE_REASON_BYTES: ["close reason", `${limits.MAX_CLOSE_REASON_BYTES} bytes`],
  MAX_SESSIONS: ["sessions on one fragment", grouped(limits.MAX_SESSIONS)],
  REFUSAL_PAUSE_MS: ["pause before a stock provider's refusal", `${limits.REFUSAL_PAUSE_MS / 1_000} s`],
  MAX_HELD_SOCKETS: ["sockets that wait for it in one isolate", grouped(limits.MAX_HELD_SOCKETS)],
  OLD_HANDSHAKE_DELAY_MS: ["delay of an old client's handshake", `${limits.OLD_HANDSHAKE_DELAY_MS} ms`],
  DEFAULT_PAGE_SIZE: ["fragments on a page", grouped(limits.DEFAULT_PAGE_SIZE)],
  MAX_PAGE_SIZE: ["fragments on a page", `at most ${limits.MAX_PAGE_SIZE}`],
  MAX_QUERY_UNITS: ["search text", units(limits.MAX_QUERY_UNITS)],
  MAX_REBUILD_IDS: ["ids given to a rebuild", grouped(limits.MAX_REBUILD_IDS)],
  EVENTS_PAUSE_MS: ["events told to a WebSocket at a time", `${limits.EVENTS_PAUSE_MS} ms`],
  MAX_EVENTS_BATCH_UNITS: ["events told to a WebSocket at a time", units(limits.MAX_EVENTS_BATCH_UNITS)],
  MAX_DEPENDENTS: ["dependents named, direct and indirect ones each", grouped(limits.MAX_DEPENDENTS)],
  MAX_KEYS: ["keys of a workspace", grouped(limits.MAX_KEYS)],
  MAX_KEY_NAME_UNITS: ["name of a key, of a user", units(limits.MAX_KEY_NAME_UNITS)],
  MAX_USER_NAME_UNITS: ["name of a key, of a user", units(limits.MAX_USER_NAME_UNITS)],
  MAX_USER_ID_UNITS: ["id of a user", units(limits.MAX_USER_ID_UNITS)],
  MAX_PREFIXES: ["prefixes of a key or token", grouped(limits.MAX_PREFIXES)],
  MAX_PREFIXES_UNITS: ["prefixes of a key or token", units(limits.MAX_PREFIXES_UNITS)],
  MIN_TOKEN_SECONDS: ["life of a token", `${limits.MIN_TOKEN_SECONDS} s`],
  DEFAULT_TOKEN_SECONDS: ["life of a token", `${grouped(limits.DEFAULT_TOKEN_SECONDS)} s`],
  MAX_TOKEN_SECONDS: ["life of a token", `${grouped(limits.MAX_TOKEN_SECONDS)} s`],
  OPERATOR_TOKEN_SECONDS: ["life of the operator's token", `${limits.OPERATOR_TOKEN_SECONDS} s`],
  CLOCK_LEEWAY_MS: ["clock of a machine that signs", `${limits.CLOCK_LEEWAY_MS / 1_000} s`],
  MAX_CREDENTIAL_UNITS: ["key or token as it is sent", units(limits.MAX_CREDENTIAL_UNITS)],
  MAX_SESSION_MS: [
    "life of a session that stands on a key, a user or a token",
    `${limits.MAX_SESSION_MS / 3_600_000} hours`,
  ],
  ACCESS_NOTICE_MS: ["notice before an access ends", `${limits.ACCESS_NOTICE_MS / 1_000} s`],
  MAX_CLOSURE_BYTES: ["texts of one expansion", mebibytes(limits.MAX_CLOSURE_BYTES)],
  MAX_VARIABLES: ["values of variables in a request", grouped(limits.MAX_VARIABLES)],
  MAX_SHOWN_WARNINGS: ["warnings listed in one answer", grouped(limits.MAX_SHOWN_WARNINGS)],
  SESSION_FRAME_MS: ["what one session sends", `${1_000 / limits.SESSION_FRAME_MS} frames`],
  SESSION_KIB_MS: ["what one session sends", `${grouped(1_000 / limits.SESSION_KIB_MS)} KiB`],
  SESSION_BURST_MS: ["what one session sends", `${limits.SESSION_BURST_MS / 1_000} s`],
  SESSION_GRACE_MS: [
    "excess before a session that was told is ended",
    `${limits.SESSION_GRACE_MS / 1_000} s`,
  ],
  CALLER_RATES: ["requests, and sockets opened, of one caller", ...rate("requests")],
  PLATFORM_PERIOD_S: ["period of the platform's limits", `${limits.PLATFORM_PERIOD_S} s`],
  AUDIT_AGE_MS: ["age of an entry of the audit log", `${limits.AUDIT_AGE_MS / 86_400_000} days`],
  MAX_AUDIT_ROWS: [
    "entries of the audit log: of access, fragments, minted and ended tokens, refusals",
    `${grouped(limits.MAX_AUDIT_ROWS.access)} · `,
    `${grouped(limits.MAX_AUDIT_ROWS.fragments)} · `,
    `${grouped(limits.MAX_AUDIT_ROWS.tokens)} · `,
    grouped(limits.MAX_AUDIT_ROWS.refusals),
  ],
  MAX_REPEATED_ROWS_PER_MINUTE: [
    "entries of refusals, and of minted tokens, in a minute",
    grouped(limits.MAX_REPEATED_ROWS_PER_MINUTE),
  ],
  MAX_AUDIT_ROWS_SCANNED: [
    "entries of the audit log that one page looks at",
    grouped(limits.MAX_AUDIT_ROWS_SCANNED),
  ],
  AUDIT_PAUSE_MS: ["delay of the entry of a refusal or a minted token", `${limits.AUDIT_PAUSE_MS / 1_000} s`],
  INVITATION_DEFAULT_SECONDS: ["life of an invitation", days(limits.INVITATION_DEFAULT_SECONDS * 1_000)],
  INVITATION_MIN_SECONDS: ["life of an invitation", `${limits.INVITATION_MIN_SECONDS} s`],
  INVITATION_MAX_SECONDS: ["life of an invitation", days(limits.INVITATION_MAX_SECONDS * 1_000)],
  MAX_OPEN_INVITATIONS: ["open invitations of a workspace", grouped(limits.MAX_OPEN_INVITATIONS)],
  MAX_SIGN_IN_BYTES: ["form of the sign-in page", `${grouped(limits.MAX_SIGN_IN_BYTES)} bytes`],
  SESSION_IDLE_MS: ["browser session without a request", days(limits.SESSION_IDLE_MS)],
  SESSION_MAX_MS: ["browser session in all", days(limits.SESSION_MAX_MS)],
  SESSION_ROTATION_MS: ["age of a session cookie", `${limits.SESSION_ROTATION_MS / 3_600_000} hours`],
  SESSION_OVERLAP_MS: [
    "session cookie after its successor was seen",
    `${limits.SESSION_OVERLAP_MS / 1_000} s`,
  ],
  SESSION_SEEN_EVERY_MS: ["exactness of `last_seen_at`", `${limits.SESSION_SEEN_EVERY_MS / 3_600_000} hour`],
  MAX_IDENTITY_RULES: ["rules of an identity provider", grouped(limits.MAX_IDENTITY_RULES)],
  MAX_IDENTITY_SUBJECT_UNITS: [
    "`sub` of an identity provider's token",
    units(limits.MAX_IDENTITY_SUBJECT_UNITS),
  ],
  IDENTITY_CLOCK_SECONDS: [
    "difference from an identity provider's clock",
    `${limits.IDENTITY_CLOCK_SECONDS} s`,
  ],
  IDENTITY_KEYS_PAUSE_MS: [
    "pause between requests for an identity provider's keys",
    `${limits.IDENTITY_KEYS_PAUSE_MS / 1_000} s`,
  ],
  IDENTITY_KEYS_RETRY_MS: [
    "pause between requests for an identity provider's keys",
    `${limits.IDENTITY_KEYS_RETRY_MS / 1_000} s`,
  ],
  IDENTITY_KEYS_TIMEOUT_MS: [
    "request for an identity provider's keys",
    `${limits.IDENTITY_KEYS_TIMEOUT_MS / 1_000} s`,
  ],
  MAX_IDENTITY_KEYS_REQUESTS: [
    "request for an identity provider's keys",
    `${limits.MAX_IDENTITY_KEYS_REQUESTS} at a time`,
  ],
  IDENTITY_KEYS_KEPT_MS: [
    "age of an identity provider's keys",
    `${limits.IDENTITY_KEYS_KEPT_MS / 3_600_000} hours`,
  ],
  EXPANSION_BUDGETS: [
    "depth, fragments, inclusions, filled variables, output of one expansion",
    `${limits.EXPANSION_BUDGETS.depth} · `,
    `${grouped(limits.EXPANSION_BUDGETS.fragments)} · `,
    `${grouped(limits.EXPANSION_BUDGETS.inclusions)} · `,
    `${grouped(limits.EXPANSION_BUDGETS.values)} · `,
    mebibytes(limits.EXPANSION_BUDGETS.outputBytes),
  ],
};

/** What the table says beside limits.ts: of ids, and of the index of words. */
const ELSEWHERE: readonly (readonly [row: string, ...amounts: string[]])[] = [
  ["id", ...(FRAGMENT_ID_RULE.match(/\d+ (?:bytes|segments)/g)?.toReversed() ?? [])],
  ["search text", "32 words"],
  ["fragments made by one caller", ...rate("creations")],
  ["fragments that the expansions of one caller read", ...rate("expansions")],
  ["tokens ended with one key", ...rate("endings")],
  ["refused requests of one address", ...rate("refusals")],
];

test("[DOC-5] each limit stands in the protocol's table as it is enforced, and no other number does", () => {
  const said = new Map(readTable());
  const meant = new Map<string, string[]>();
  for (const [row, ...amounts] of [...Object.values(WRITTEN), ...ELSEWHERE])
    meant.set(row, [...(meant.get(row) ?? []), ...amounts]);
  expect([...said.keys()].toSorted()).toEqual([...meant.keys()].toSorted());
  for (const [row, amounts] of meant) {
    const cell = said.get(row) ?? "";
    for (const amount of amounts) expect(cell, row).toMatch(new RegExp(`(?<![\\d,])${amount}`));
    expect(new Set(numbersOf(cell)), row).toEqual(new Set(amounts.flatMap(numbersOf)));
  }
});

test("[DOC-5] the protocol's prose says how many texts can be bases, as it is enforced", () => {
  expect(PAGE).toContain(`one of the (at most ${limits.MAX_REMEMBERED_TEXTS}) texts that it`);
});

function readTable(): [row: string, limit: string][] {
  const section = PAGE.slice(PAGE.indexOf("\n## Limits\n"));
  const rows = [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \| [^|]*\|$/gm)].slice(2);
  return rows.map(([, row = "", limit = ""]) => [row, limit]);
}

/** "2,000 units" holds one number, 2000. */
function numbersOf(text: string): number[] {
  return Array.from(text.matchAll(/\d[\d,]*/g), ([digits]) => Number(digits.replaceAll(",", "")));
}

function days(timeMs: number): string {
  return `${timeMs / 86_400_000} days`;
}

function rate(kind: keyof typeof limits.CALLER_RATES): string[] {
  const { perSecond, burst } = limits.CALLER_RATES[kind];
  return [`${grouped(perSecond)} a second`, `${grouped(burst)} at once`];
}

function mebibytes(bytes: number): string {
  return `${bytes / 1024 / 1024} MiB`;
}

function units(count: number): string {
  return `${grouped(count)} units`;
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
