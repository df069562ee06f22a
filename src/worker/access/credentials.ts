import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { MAX_CREDENTIAL_UNITS } from "../../protocol/limits.ts";
import { SUBPROTOCOL } from "../../protocol/yjs-frames.ts";
import { offeredSubprotocols } from "../sockets/subprotocol.ts";

/** Every address may have it: it is what the providers of Yjs can send. */
export const TOKEN_PARAMETER = "token";

/**
 * The key or token that a request brings: as `Authorization: Bearer`, as the second entry of `Sec-WebSocket-Protocol`,
 * or as `?token=`. Null if it brings none. Two are refused, since they may say different things.
 */
export function readCredential(request: Request): Result<string | null> {
  const brought = [
    ...bearerOf(request.headers.get("Authorization")),
    ...offeredSubprotocols(request)
      .slice(1)
      .filter((name) => name !== SUBPROTOCOL),
    ...tokensIn(request.url),
  ];
  const [credential = null, ...others] = brought;
  if (others.length > 0)
    return refused(refusal("unauthorised", "A request brings one key or token, not two."));
  if (credential !== null && !CREDENTIAL.test(credential)) return refused(NOT_VALID);
  return done(credential);
}

/** The same for everything that is wrong with a key or token, so that nothing can be learnt from it. */
export const NOT_VALID = refusal("unauthorised", "The key or token is not valid, or not any more.");

/**
 * For a token that was good until it expired. It is told apart because its bearer cannot help it: a page that wakes up
 * connects with the token that it has, and gets a new one later.
 */
export const EXPIRED = refusal("expired", "The token has expired; get a new one.");

/** For a caller that shows none. */
export const NOTHING_SHOWN = refusal(
  "unauthorised",
  "This needs a key or token: `Authorization: Bearer …`, or `?token=…`.",
);

/** Keys and tokens consist of these characters. */
const CREDENTIAL = new RegExp(`^[A-Za-z0-9._-]{1,${MAX_CREDENTIAL_UNITS}}$`);

/** A blank one counts as absent, as every blank parameter does. */
function tokensIn(address: string): string[] {
  if (!address.includes("?")) return []; // as most are
  return new URL(address).searchParams.getAll(TOKEN_PARAMETER).filter((token) => token !== "");
}

/** Other schemes are for a proxy in front of this server, which asks for a password. */
function bearerOf(header: string | null): string[] {
  const bearer = /^Bearer(?:\s+(.*))?$/i.exec(header ?? "");
  return bearer === null ? [] : [bearer[1] ?? ""];
}
