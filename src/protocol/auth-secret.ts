/** The rule for `AUTH_SECRET` and `AUTH_SECRET_OLD`, with which the server signs tokens. */

/** 32 random bytes have this many characters in base64, without padding. */
const MIN_SECRET_UNITS = 43;

/** 43 random characters of base64 have 31 distinct ones on average, and fewer than 16 practically never. */
const MIN_DISTINCT_CHARACTERS = 16;

/** The command that makes a secret and gives it to a deployed server. */
export const SET_SECRET_COMMAND =
  "openssl rand -base64 32 | tee auth-secret | npx wrangler secret put AUTH_SECRET";

/** Why the text is no secret; null if it may be one. It does not repeat the text. */
export function secretFault(text: string): string | null {
  if (text.length < MIN_SECRET_UNITS) return `must have at least ${MIN_SECRET_UNITS} characters`;
  if (new Set(text).size < MIN_DISTINCT_CHARACTERS)
    return `must have at least ${MIN_DISTINCT_CHARACTERS} different characters`;
  return null;
}
