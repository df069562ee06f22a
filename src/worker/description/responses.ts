import type { OpenAPIV3_1 } from "openapi-types";
import { ERROR_STATUS, type ErrorCode } from "../../protocol/errors.ts";
import { refTo } from "./schemas.ts";

type Responses = Record<string, OpenAPIV3_1.ResponseObject>;
type HeaderName = keyof typeof HEADERS;

/** The headers of answers. */
const HEADERS = {
  ETag: "The version in quotes; of an expansion, a name of its closure and form.",
  Location: "The address of the new fragment.",
  "Retry-After": "Seconds to wait.",
  "WWW-Authenticate": "`Bearer`: a key or token is asked for. It says if the one that was sent has expired.",
  Vary: "`Accept`: another form may be asked for.",
  "X-Prompt-Warnings": "The number of warnings of the expansion.",
} as const;

/** Describes an answer with JSON. */
export function answers(
  status: number,
  description: string,
  schema: string,
  { headers = [], example }: { readonly headers?: readonly HeaderName[]; readonly example?: unknown } = {},
): Responses {
  const content = {
    "application/json": { schema: refTo(schema), ...(example === undefined ? {} : { example }) },
  };
  return { [status]: { description, headers: describeHeaders(headers), content } };
}

/** Describes an answer without a body. */
export function empty(status: number, description: string, headers: readonly HeaderName[] = []): Responses {
  return { [status]: { description, headers: describeHeaders(headers) } };
}

export function describeHeaders(names: readonly HeaderName[]): Record<string, OpenAPIV3_1.HeaderObject> {
  return Object.fromEntries(
    names.map((name) => [name, { description: HEADERS[name], schema: { type: "string" } }]),
  );
}

/** The refusals that any operation may answer with. */
const ALWAYS = [
  "invalid_query",
  "unauthorised",
  "expired",
  "forbidden",
  "rate_limited",
  "internal_error",
  "unavailable",
  "not_configured",
] as const;

/** The refusals that any operation with a body may answer with. */
export const OF_A_BODY = ["invalid_body", "body_too_large", "unsupported_media_type"] as const;

/** The refusals of an operation: these, and those of any operation. */
export function refuses(...codes: readonly ErrorCode[]): Responses {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set<ErrorCode>([...codes, ...ALWAYS])) {
    const status = ERROR_STATUS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(Array.from(byStatus, ([status, those]) => [status, problem(status, those)]));
}

const ERROR_HEADERS: Readonly<Record<number, readonly HeaderName[]>> = {
  [ERROR_STATUS.unauthorised]: ["WWW-Authenticate"],
  [ERROR_STATUS.rate_limited]: ["Retry-After"],
  [ERROR_STATUS.unavailable]: ["Retry-After"],
};

function problem(status: number, codes: readonly ErrorCode[]): OpenAPIV3_1.ResponseObject {
  return {
    description: codes.map((code) => `\`${code}\``).join(", "),
    headers: describeHeaders(ERROR_HEADERS[status] ?? []),
    content: { "application/problem+json": { schema: refTo("Problem") } },
  };
}
