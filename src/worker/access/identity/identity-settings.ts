import { splitCommaList } from "../../../protocol/comma-list.ts";
import { done, type Result, refusal, refused } from "../../../protocol/errors.ts";
import { isLoopbackHost } from "../../../protocol/hosts.ts";
import { type IdentityRule, parseIdentityRules } from "./identity-rules.ts";

/** The identity provider that the operator has configured. */
export interface IdentitySettings {
  /** As `iss` of its tokens has it. */
  readonly issuer: string;
  /** One of these must be an `aud` of a token. */
  readonly audiences: readonly string[];
  readonly keysUrl: URL;
  /** The header in which a proxy hands on the token; null if tokens come from clients only. */
  readonly header: string | null;
  readonly rules: readonly IdentityRule[];
}

/** The variables, by their names. A deployment may leave each of them out. */
export type IdentityVars = Partial<
  Record<
    "IDENTITY_ISSUER" | "IDENTITY_AUDIENCE" | "IDENTITY_JWKS_URL" | "IDENTITY_HEADER" | "IDENTITY_RULES",
    string
  >
>;

const REQUIRED = ["IDENTITY_ISSUER", "IDENTITY_AUDIENCE", "IDENTITY_JWKS_URL", "IDENTITY_RULES"] as const;

/** Headers that say something else already. */
const TAKEN_HEADERS = ["authorization", "cookie", "host", "origin"];

/**
 * Reads the variables of an identity provider; null if none of them is set. If they are incomplete or wrong, the server
 * must answer nobody: a provider that is half configured is a mistake, and nobody can say which half was meant.
 */
export function parseIdentitySettings(vars: IdentityVars): Result<IdentitySettings | null> {
  const read = (name: keyof IdentityVars) => (vars[name] ?? "").trim();
  const [present, missing] = [true, false].map((wanted) =>
    REQUIRED.filter((name) => (read(name) !== "") === wanted),
  );
  const header = read("IDENTITY_HEADER");
  if (present?.length === 0 && header === "") return done(null);
  if (missing?.[0] !== undefined)
    return fault(`${missing[0]}: is missing, although other settings of an identity provider are there.`);
  const audiences = splitCommaList(read("IDENTITY_AUDIENCE"));
  if (audiences.length === 0) return fault("IDENTITY_AUDIENCE: must name at least one audience.");
  const keysUrl = URL.parse(read("IDENTITY_JWKS_URL"));
  if (keysUrl === null || !isTrustworthy(keysUrl))
    return fault("IDENTITY_JWKS_URL: must be an address with https.");
  if (header !== "" && (!/^[A-Za-z0-9-]+$/.test(header) || TAKEN_HEADERS.includes(header.toLowerCase())))
    return fault("IDENTITY_HEADER: must be the name of a header, such as `Cf-Access-Jwt-Assertion`.");
  const rules = parseIdentityRules(read("IDENTITY_RULES"));
  if (!rules.ok) return rules;
  return done({
    issuer: read("IDENTITY_ISSUER"),
    audiences,
    keysUrl,
    header: header === "" ? null : header,
    rules: rules.value,
  });
}

/** Over http, somebody on the way could answer with keys of their own. On one machine there is no way. */
function isTrustworthy({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopbackHost(hostname));
}

function fault(message: string): Result<never> {
  return refused(refusal("not_configured", message));
}
