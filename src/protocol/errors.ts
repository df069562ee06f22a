/**
 * The codes of refusals, the same on sockets (`error.code`, `notice`) and in REST (`code` of the problem), with their
 * HTTP status.
 */
export const ERROR_STATUS = {
  invalid_json: 400,
  invalid_frame: 400,
  invalid_body: 400,
  invalid_header: 400,
  invalid_id: 400,
  invalid_content: 400,
  invalid_metadata: 400,
  invalid_path: 400,
  invalid_position: 400,
  invalid_query: 400,
  unknown_action: 400,
  malformed_update: 400,
  unauthorised: 401,
  expired: 401,
  forged_update: 403,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  already_exists: 409,
  client_id_taken: 409,
  no_single_match: 409,
  stale_base: 409,
  limit_reached: 409,
  deleted: 410,
  version_mismatch: 412,
  content_too_large: 413,
  body_too_large: 413,
  presence_too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  unresolved_inclusions: 422,
  upgrade_required: 426,
  rate_limited: 429,
  internal_error: 500,
  unavailable: 503,
  not_configured: 503,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUS;
export const ERROR_CODES = Object.keys(ERROR_STATUS) as ErrorCode[]; // its own keys, and no others

/** A refusal: nothing was changed. `message` is a sentence for people. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** After how many seconds it makes sense to try again, where that is known. */
  readonly retryAfterS?: number;
}

export function refusal(code: ErrorCode, message: string, retryAfterS?: number): Refusal {
  return retryAfterS === undefined ? { code, message } : { code, message, retryAfterS };
}

/** What may be refused: a value, or its refusal. A check that yields no value is a `Refusal | null`. */
export type Result<T> = { readonly ok: true; readonly value: T } | Refused;

export interface Refused {
  readonly ok: false;
  readonly refusal: Refusal;
}

export function done<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refused(why: Refusal): Refused {
  return { ok: false, refusal: why };
}
