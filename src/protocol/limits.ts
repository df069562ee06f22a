/**
 * Every number that the outside can hit, with its reason. Sizes are bytes of UTF-8 unless the name says
 * otherwise; times are milliseconds.
 */

/** A fragment's text. One fragment is one prompt part; a megabyte is far beyond any model's useful part. */
export const MAX_CONTENT_BYTES = 1024 * 1024;

/** UTF-16 code units of the description. */
export const MAX_DESCRIPTION_UNITS = 2_000;

export const MAX_TAGS = 64;
/** UTF-16 code units of one tag. */
export const MAX_TAG_UNITS = 64;

/**
 * One frame on a socket: a full text in JSON (every byte may need six, as `\u0001`), or a first sync of a
 * document with a long past. workerd refuses messages over 32 MiB by itself.
 */
export const MAX_FRAME_BYTES = 8 * 1024 * 1024;

/**
 * Structs and new deletes of one Yjs update. Each takes more than a hundred bytes while it is checked, in an isolate of
 * 128 MB. A text of a megabyte that was edited key by key throughout has about as many.
 */
export const MAX_UPDATE_ITEMS = 250_000;

/**
 * Deletes that one Yjs update names, including old ones. A sync step 2 names all deletes of the document: at most one
 * after each character that stands, and one for each client id that ever wrote.
 */
export const MAX_UPDATE_DELETES = 1_200_000;

/**
 * UTF-16 code units of deleted text that one Yjs update brings as new. An author who is offline sends what was typed and
 * deleted meanwhile as a mere length; 32 Mi are thirty full texts. Without a limit, a few bytes use up all clocks of a
 * client id.
 */
export const MAX_DELETED_UNITS = 32 * 1024 * 1024;

/**
 * Updates of one room that wait for the owners of client ids. A session may have `MAX_FRAME_BYTES` of them; four such
 * sessions fit into an isolate of 128 MB.
 */
export const MAX_HELD_BYTES = 32 * 1024 * 1024;

/** How long a room waits for an owner's own frames before it asks it: the longest of ordinary ways through the network. */
export const ASK_OWNER_AFTER_MS = 250;

/**
 * An owner is asked at most this often. Its answer names all deletes of the document, also if it brings nothing, and counts
 * as what it sends.
 */
export const ASK_OWNER_AGAIN_MS = 1_000;

/** An owner that was asked and sends nothing for this long gives up its client id: its socket is half-open. */
export const OWNER_SILENCE_MS = 2_000;

/** An owner that was asked has this long to answer, if it sends other frames meanwhile. */
export const OWNER_ANSWER_MS = 10_000;

/**
 * A client id rests for this long after its session has left: its author is likely to come back, and can say then which
 * structs are its own. A stock provider reconnects within 2.5 s.
 */
export const CLIENT_ID_REST_MS = 5_000;

/** Client ids of known principals that have left, which nobody else may claim. Some 100 bytes each. */
export const MAX_RESERVED_CLIENT_IDS = 10_000;

/** A request body: a full text, escaped, and its metadata. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Lengths of names that clients choose: they are stored with each commit and echoed. */
export const MAX_REQUEST_ID_UNITS = 128;
export const MAX_CLIENT_NAME_UNITS = 128;

/** Changes in one `edit`, substitutions in one PATCH. */
export const MAX_CHANGES = 10_000;
export const MAX_SUBSTITUTIONS = 100;

/**
 * One session's presence, as JSON. It lives in the socket's attachment, which holds 16,384 bytes in all, and one
 * character beyond Latin-1 makes each character of its string take two (Durable Objects, November 2026).
 */
export const MAX_PRESENCE_BYTES = 4_000;

/** A name and a colour that a JSON session shows, as all others list them. UTF-16 code units. */
export const MAX_PRESENCE_NAME_UNITS = 200;
export const MAX_PRESENCE_COLOR_UNITS = 64;

/**
 * Code units of JSON that a session keeps in its attachment: for a merge that it has not seen, and again for the tags
 * that it wrote. With the presence and the access, these take at most two bytes each; 1 KB is left for its texts and its
 * name.
 */
export const MAX_REMEMBERED_REBASE_UNITS = 1_100;

/**
 * A session's access, as JSON, in UTF-16 code units: 16 prefixes with 400 units in all, a name, a colour, and four grants,
 * each as long as it may be, have 1,200.
 */
export const MAX_ACCESS_UNITS = 1_400;

/** Texts sent to a JSON session that may be the base of its next write, if that write names none. */
export const MAX_REMEMBERED_TEXTS = 32;

/** A session, or a listener to events, that stands on a key, a user or a token ends after this time at the latest, and may connect again. */
export const MAX_SESSION_MS = 24 * 60 * 60 * 1000;

/** This long before its access ends, a session is told. A new token takes a round trip to the application's backend. */
export const ACCESS_NOTICE_MS = 60_000;

/** How long a past revision is a valid base for an edit. */
export const REBASE_HORIZON_MS = 10 * 60 * 1000;

/** The past that each fragment keeps for rebasing. If there is more, the oldest revisions are dropped. */
export const MAX_PAST_BYTES = 32 * 1024 * 1024;

/** A client that is silent for this long loses its cursor, as stock awareness forgets a peer after this time. */
export const PRESENCE_EXPIRY_MS = 30_000;

/** A close reason holds 123 bytes (RFC 6455, 5.5.1). */
export const MAX_CLOSE_REASON_BYTES = 123;

/** Sockets on one fragment: a Durable Object holds at most 32,768 hibernatable ones. */
export const MAX_SESSIONS = 32_000;

/** A refused socket of a stock Yjs provider is closed after this time, since most providers reconnect at once. */
export const REFUSAL_PAUSE_MS = 5_000;

/** Sockets that one isolate holds for that pause, about 10 KB each. Any others are closed at once. */
export const MAX_HELD_SOCKETS = 1_000;

/** An old client's socket opens this long after it has joined: longer than two simultaneous handshakes lie apart. */
export const OLD_HANDSHAKE_DELAY_MS = 50;

/** Fragments on one page of a list, which is one answer of the catalogue's object. */
export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 200;

/** A search text. */
export const MAX_QUERY_UNITS = 500;

/** Ids given to one rebuild. They are bound as one value, and SQLite takes values of up to 2 MB there. */
export const MAX_REBUILD_IDS = 5_000;

/**
 * A WebSocket that listens to events gets at most one batch in this time, of at most this many UTF-16 code units. The
 * platform takes everything that is sent to a socket and does not say how much has gone out (workerd, November 2026), so
 * these two numbers bound a turn, and how fast memory fills for a client that does not read.
 */
export const EVENTS_PAUSE_MS = 100;
export const MAX_EVENTS_BATCH_UNITS = 64 * 1024;

/** Dependents named in one answer, as many direct as indirect ones: about 2 MB. */
export const MAX_DEPENDENTS = 10_000;

/** Values of variables in one request for an expansion: far more than a prompt has. */
export const MAX_VARIABLES = 1_000;

/** Warnings shown in one answer of `/v1`: at most 2.5 MB, if each is ten inclusions deep. */
export const MAX_SHOWN_WARNINGS = 1_000;

/** Texts fetched for one expansion, which run in one isolate of 128 MB. */
export const MAX_CLOSURE_BYTES = 32 * 1024 * 1024;

/**
 * What one session may send. A token is a millisecond: a frame takes two of them, and a KiB a quarter. So a session may send
 * 500 frames or 4 MB a second, and twenty seconds of that at once. Beyond that it is told, and ten seconds later ended.
 *
 * A fast typist with a stock provider sends about 30 frames a second, cursor included, and as many again for the cursors of
 * others, which it repeats. A sync step 2 has at most 8 MiB, a program pipelines a few hundred edits, and an old page
 * sends its whole text with each key.
 */
export const SESSION_FRAME_MS = 2;
export const SESSION_KIB_MS = 0.25;
export const SESSION_BURST_MS = 20_000;
export const SESSION_GRACE_MS = 10_000;

/**
 * What one caller may do, as each isolate counts it: per second, and at once.
 *
 * - requests, and sockets opened: a page makes a few a second, an import some hundreds.
 * - fragments made: an import of ten thousand goes through at once.
 * - fragments read by expansions: one expansion reads at most 1,000, and a program asks for some tens a second.
 * - tokens ended: each is stored for a day, and told to all who listen. A user who leaves ends one.
 * - refused requests of one address, which may be that of a whole company: each costs two calls to check.
 */
export const CALLER_RATES = {
  requests: { perSecond: 500, burst: 10_000 },
  creations: { perSecond: 20, burst: 20_000 },
  expansions: { perSecond: 2_000, burst: 40_000 },
  endings: { perSecond: 10, burst: 500 },
  refusals: { perSecond: 100, burst: 1_000 },
} as const;

/** The period of the platform's limits, which stand in wrangler.toml. */
export const PLATFORM_PERIOD_S = 10;

/** How long the audit log keeps what was done. */
export const AUDIT_AGE_MS = 90 * 24 * 60 * 60 * 1000;

/**
 * Rows of a workspace's audit log, each of about 200 bytes, by what they are about. New rows drop old ones of the same
 * kind only: nobody can push the record of a key out of the log by being refused a million times.
 */
export const MAX_AUDIT_ROWS = {
  access: 200_000,
  fragments: 200_000,
  tokens: 200_000,
  refusals: 100_000,
} as const;

/**
 * Refusals, or minted tokens, that get a row of their own in one minute; all further ones are counted in one more row.
 * More people than this do not sign in within a minute, and a flood must not fill the log.
 */
export const MAX_REPEATED_ROWS_PER_MINUTE = 200;

/** Rows of the audit log that one page looks at for those that match: some ten milliseconds of its object. */
export const MAX_AUDIT_ROWS_SCANNED = 50_000;

/** Repetitions are collected for this time before they are sent to the log. */
export const AUDIT_PAUSE_MS = 1_000;

/** The budgets of one expansion: depth, fragments, inclusions, bytes of output. */
export { EXPANSION_BUDGETS } from "../language/expansion.ts";

/** Keys of one workspace: one for each program, with room. */
export const MAX_KEYS = 1_000;

/** The name of a key, and of a user. UTF-16 code units. */
export const MAX_KEY_NAME_UNITS = 100;
export const MAX_USER_NAME_UNITS = 100;

/** The id of a user, as the company's own system has it: an e-mail address, or the `sub` of an identity provider. */
export const MAX_USER_ID_UNITS = 128;

/** Prefixes of one right, and their code units in all: each session keeps them in its attachment, and each token in its text. */
export const MAX_PREFIXES = 16;
export const MAX_PREFIXES_UNITS = 400;

/** How long a user's token lives: a page can take a new one over its open socket, and a lost one is soon worth nothing. */
export const MIN_TOKEN_SECONDS = 60;
export const DEFAULT_TOKEN_SECONDS = 60 * 60;
export const MAX_TOKEN_SECONDS = 24 * 60 * 60;

/** The life of a token that the operator's command line signs for itself, and uses at once. */
export const OPERATOR_TOKEN_SECONDS = 5 * 60;

/** How far the clock of a machine that signs a token may be from the server's. */
export const CLOCK_LEEWAY_MS = 60_000;

/** A key or token: identity providers list all groups of a person in one, and proxies take headers of up to this size. */
export const MAX_CREDENTIAL_UNITS = 16_384;
/** An invitation is a secret that lies in a mailbox: a week is enough to come back from a holiday, a month is the most. */
export const INVITATION_DEFAULT_SECONDS = 7 * 24 * 60 * 60;
export const INVITATION_MAX_SECONDS = 30 * 24 * 60 * 60;
export const INVITATION_MIN_SECONDS = 60;

/** Open invitations of a workspace, which is one answer. A larger team has an identity provider. */
export const MAX_OPEN_INVITATIONS = 1_000;

/** The body of the sign-in form: a link, with room. */
export const MAX_SIGN_IN_BYTES = 4_096;

/** A browser session ends after this time without a request, and after this time in any case (OWASP ASVS 5.0, 7.3). */
export const SESSION_IDLE_MS = 7 * 24 * 60 * 60 * 1000;
export const SESSION_MAX_MS = 30 * 24 * 60 * 60 * 1000;

/** A browser gets a new secret once a day, so that a stolen one does not last. */
export const SESSION_ROTATION_MS = 24 * 60 * 60 * 1000;

/**
 * How long the secret before stays good once the new one was seen: longer than a request takes that another tab has sent
 * with it.
 */
export const SESSION_OVERLAP_MS = 60_000;

/** When a session was last seen is stored at most once in this time, because a stored row costs money. */
export const SESSION_SEEN_EVERY_MS = 60 * 60 * 1000;

/** Rules of an identity provider. All are looked at for each request. */
export const MAX_IDENTITY_RULES = 200;

/** OpenID Connect gives the subject of a token 255 characters. */
export const MAX_IDENTITY_SUBJECT_UNITS = 255;

/** The clocks of a provider and of this server may differ by this many seconds. */
export const IDENTITY_CLOCK_SECONDS = 10;

/** Between two requests for the keys of a provider, so that invented tokens cannot flood it. */
export const IDENTITY_KEYS_PAUSE_MS = 30_000;
/** The same after a failure, while no keys are known and nobody of the provider can come in. */
export const IDENTITY_KEYS_RETRY_MS = 2_000;
export const IDENTITY_KEYS_TIMEOUT_MS = 5_000;
/** Such requests of one isolate at a time: an isolate that has just begun gets all requests of a page at once. */
export const MAX_IDENTITY_KEYS_REQUESTS = 100;
/** Keys that were fetched stay in use for this time while the provider does not answer. */
export const IDENTITY_KEYS_KEPT_MS = 24 * 60 * 60 * 1000;
