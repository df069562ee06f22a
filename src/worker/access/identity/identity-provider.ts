import { decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import { type Cap, IDENTITY_USER_PREFIX, type Workspace } from "../../../protocol/access.ts";
import { done, type Refused, type Result, refusal, refused } from "../../../protocol/errors.ts";
import {
  IDENTITY_CLOCK_SECONDS,
  MAX_IDENTITY_SUBJECT_UNITS,
  MAX_PRESENCE_NAME_UNITS,
} from "../../../protocol/limits.ts";
import { type IdentityKeys, identityKeysAt, KeysUnavailable } from "./identity-keys.ts";
import { assign, verifiedEmail } from "./identity-rules.ts";
import type { IdentitySettings } from "./identity-settings.ts";

/** A person whose token was verified, and what the operator's rules give that person. */
export interface IdentityProof extends Cap {
  readonly kind: "identity";
  readonly workspace: Workspace;
  readonly user: { readonly id: string; readonly name: string | null };
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Visible ASCII, as OpenID Connect has it. Cloudflare's service tokens have an empty one: a program has a key instead. */
const SUBJECT = new RegExp(`^[!-~]{1,${MAX_IDENTITY_SUBJECT_UNITS}}$`);

/** With a public key only: a provider's tokens are never checked with a secret that this server or a client may know. */
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];

/**
 * The people of an identity provider, by the signed tokens that it gives them (JWT). It may be Cloudflare Access, whose
 * proxy sends the token in a header, or any issuer of OpenID Connect, whose token a client sends like one of ours.
 */
export class IdentityProvider {
  readonly settings: IdentitySettings;
  readonly #keys: IdentityKeys;

  constructor(settings: IdentitySettings) {
    this.settings = settings;
    this.#keys = identityKeysAt(settings.keysUrl);
  }

  /** Whether a token says that this provider made it. Nothing is checked yet. */
  claims(token: string): boolean {
    try {
      return decodeJwt(token).iss === this.settings.issuer;
    } catch {
      return false; // not a JWT
    }
  }

  /**
   * Checks a token, and applies the operator's rules to it. It may have expired: the caller compares `expiresAtMs`.
   *
   * @returns `unauthorised` for a bad token, `forbidden` if no rule applies, `unavailable` if the keys cannot be fetched
   */
  async proofOf(token: string): Promise<Result<IdentityProof>> {
    const verified = await this.#verify(token);
    if (!verified.ok) return verified;
    const claims = verified.value;
    const assigned = assign(this.settings.rules, claims);
    if (assigned === null) {
      return refused(
        refusal("forbidden", "You are signed in, but no rule of this server lets you in (IDENTITY_RULES)."),
      );
    }
    return done({
      kind: "identity",
      ...assigned,
      user: { id: identityUserId(claims.sub), name: nameOf(claims) },
      issuedAtMs: (claims.iat ?? 0) * 1_000,
      expiresAtMs: claims.exp * 1_000,
    });
  }

  async #verify(token: string): Promise<Result<JWTPayload & { sub: string; exp: number }>> {
    const payload = await this.#payloadOf(token);
    if (!payload.ok) return payload;
    const { sub, exp } = payload.value;
    if (typeof sub !== "string" || !SUBJECT.test(sub) || exp === undefined) return bad("it names nobody");
    return done({ ...payload.value, sub, exp });
  }

  async #payloadOf(token: string): Promise<Result<JWTPayload>> {
    try {
      const { payload } = await jwtVerify(token, (header, input) => this.#keys.find(header, input), {
        issuer: this.settings.issuer,
        audience: [...this.settings.audiences],
        algorithms: ALGORITHMS,
        clockTolerance: IDENTITY_CLOCK_SECONDS,
        requiredClaims: ["sub", "exp"],
      });
      return done(payload);
    } catch (error) {
      if (error instanceof KeysUnavailable)
        return refused(refusal("unavailable", "The identity provider does not answer; try again later."));
      if (error instanceof errors.JWTExpired) return done(error.payload); // jose looks at the end last
      if (error instanceof errors.JOSEError) return bad(faultOf(error));
      throw error;
    }
  }
}

/** No invitation and no token of ours may name such an id, so the people of a provider stay apart. */
function identityUserId(subject: string): string {
  return `${IDENTITY_USER_PREFIX}${subject}`;
}

function nameOf(claims: JWTPayload): string | null {
  const { name, preferred_username: username } = claims;
  const names = [name, username, verifiedEmail(claims)];
  const found = names.find((one): one is string => typeof one === "string" && one.trim() !== "");
  return found === undefined ? null : found.slice(0, MAX_PRESENCE_NAME_UNITS).toWellFormed();
}

/** Says what a token lacks, in words that tell a stranger nothing about the keys. */
function faultOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim \`${error.claim}\` is wrong`;
  return "its signature is not valid";
}

function bad(why: string): Refused {
  return refused(refusal("unauthorised", `The token of the identity provider was not accepted: ${why}.`));
}
