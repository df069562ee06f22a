import { fromBase64UrlEncoded, toBase64UrlEncoded } from "lib0/buffer";
import { decodeUtf8, encodeUtf8 } from "lib0/string";
import { type Access, adminOfAllFault } from "../../../protocol/access.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../../protocol/errors.ts";
import { CLOCK_LEEWAY_MS, MAX_TOKEN_SECONDS } from "../../../protocol/limits.ts";
import type { User, UserPage, UserPut, UsersQuery } from "../../../protocol/principals.ts";
import type { EndedTokenTable } from "../../storage/access-ended-tokens.ts";
import type { StoredUser, UserTable } from "../../storage/access-users.ts";
import { makerFault } from "../minting.ts";
import type { ChangeTeller } from "./change-teller.ts";
import { dateOf } from "./days.ts";
import type { Recorder } from "./recorder.ts";

export interface UserPorts {
  readonly users: UserTable;
  readonly endedTokens: EndedTokenTable;
  readonly teller: ChangeTeller;
}

/**
 * What is done with users, and with the tokens that were made for them. A user's role counts for all fragments, so an
 * access to some of them is not enough.
 */
export class UserCalls {
  readonly #ports: UserPorts;

  constructor(ports: UserPorts) {
    this.#ports = ports;
  }

  list(access: Access, { cursor, limit }: UsersQuery): Result<UserPage> {
    const fault = adminOfAllFault(access);
    if (fault !== null) return refused(fault);
    const afterId = cursor === undefined ? "" : decodeCursor(cursor);
    if (afterId === null)
      return refused(refusal("invalid_query", "cursor: must be the `next_cursor` of a page."));
    const users = this.#ports.users.after(afterId, limit + 1);
    const page = users.slice(0, limit);
    const last = page.at(-1);
    const hasMore = users.length > page.length && last !== undefined;
    return done({ users: page.map(show), next_cursor: hasMore ? encodeCursor(last.id) : null });
  }

  /** Sets the most that the user may do, and lets it in again if it was blocked. */
  async put(access: Access, id: string, { role, name }: UserPut, recorder: Recorder): Promise<Result<User>> {
    const fault = adminOfAllFault(access);
    if (fault !== null) return refused(fault);
    const known = this.#ports.users.get(id);
    const user: StoredUser = {
      id,
      name: name === undefined ? (known?.name ?? null) : name,
      role,
      isBlocked: false,
      endedAtMs: known?.endedAtMs ?? null,
      seenOn: known?.seenOn ?? null,
    };
    this.#ports.users.put(user);
    recorder({ action: "user_changed", on: id, detail: role ?? "no cap" });
    await this.#ports.teller.changed(`user:${id}`);
    return done(show(user));
  }

  /** Blocks the user, and ends everything that stands on it. Null on success. */
  async block(access: Access, id: string, recorder: Recorder): Promise<Refusal | null> {
    const fault = adminOfAllFault(access);
    if (fault !== null) return fault;
    const known = this.#ports.users.get(id);
    const user = known ?? { id, name: null, role: null, seenOn: null };
    this.#ports.users.put({ ...user, isBlocked: true, endedAtMs: Date.now() });
    recorder({ action: "user_removed", on: id });
    await this.#ports.teller.changed(`user:${id}`);
    return null;
  }

  /** Ends a token. A key or an admin may do it, who may make tokens, and the token itself. Null on success. */
  async endToken(access: Access, id: string, recorder: Recorder): Promise<Refusal | null> {
    if (!access.grants.includes(`token:${id}`)) {
      const fault = makerFault(access);
      if (fault !== null) return fault;
    }
    this.#ports.endedTokens.add(id, Date.now() + MAX_TOKEN_SECONDS * 1000 + CLOCK_LEEWAY_MS);
    recorder({ action: "token_revoked", on: id });
    await this.#ports.teller.changed(`token:${id}`);
    return null;
  }
}

function show({ id, name, role, isBlocked, seenOn }: StoredUser): User {
  return { id, name, role, blocked: isBlocked, last_seen: dateOf(seenOn) };
}

function encodeCursor(id: string): string {
  return toBase64UrlEncoded(encodeUtf8(id));
}

/** Null for a text that `encodeCursor` has not made. */
function decodeCursor(text: string): string | null {
  try {
    return decodeUtf8(fromBase64UrlEncoded(text));
  } catch {
    return null; // not base64
  }
}
