import { type Access, isWithin, roleFault } from "../../../protocol/access.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../../protocol/errors.ts";
import { MAX_KEYS } from "../../../protocol/limits.ts";
import type { Key, KeyCreate, KeyPage, KeyPatch, KeysQuery, NewKey } from "../../../protocol/principals.ts";
import { timestamp } from "../../../protocol/timestamp.ts";
import type { KeyTable, StoredKey } from "../../storage/access-keys.ts";
import { makeSecret } from "../secret-text.ts";
import type { ChangeTeller } from "./change-teller.ts";
import { dateOf } from "./days.ts";
import type { Recorder } from "./recorder.ts";

export interface KeyPorts {
  readonly keys: KeyTable;
  readonly teller: ChangeTeller;
}

const NO_SUCH_KEY = refusal("not_found", "There is no such key.");
const BEYOND_CALLER = refusal(
  "forbidden",
  "A key can have at most the rights of the one who makes or changes it.",
);

/**
 * What admins do with the keys of a workspace. An admin whose access is limited to some fragments has to do with the
 * keys within that access only: all others look like keys that do not exist.
 */
export class KeyCalls {
  readonly #ports: KeyPorts;

  constructor(ports: KeyPorts) {
    this.#ports = ports;
  }

  list(access: Access, { cursor, limit }: KeysQuery): Result<KeyPage> {
    const fault = roleFault(access, "admin");
    if (fault !== null) return refused(fault);
    const keys = this.#ports.keys.after(Number(cursor ?? 0), MAX_KEYS).filter((key) => isWithin(key, access));
    const page = keys.slice(0, limit);
    const last = page.at(-1);
    const next_cursor = keys.length > page.length && last !== undefined ? String(last.number) : null;
    return done({ keys: page.map(show), next_cursor });
  }

  async make(access: Access, fields: KeyCreate, recorder: Recorder): Promise<Result<NewKey>> {
    const nowMs = Date.now();
    const cap = {
      role: fields.role,
      prefixes: fields.prefixes === undefined ? access.prefixes : fields.prefixes,
    };
    const expiresAtMs = fields.expires_at == null ? null : Date.parse(fields.expires_at);
    const fault =
      roleFault(access, "admin") ?? (isWithin(cap, access) ? expiryFault(expiresAtMs, nowMs) : BEYOND_CALLER);
    if (fault !== null) return refused(fault);
    const { id, text, hash } = await makeSecret("pm", access.workspace);
    const { keys } = this.#ports;
    if (keys.count() >= MAX_KEYS)
      return refused(
        refusal("limit_reached", `A workspace has at most ${MAX_KEYS} keys; revoke one that is not used.`),
      );
    const key = {
      id,
      name: fields.name,
      ...cap,
      createdAtMs: nowMs,
      createdBy: access.principal.id,
      expiresAtMs,
    };
    keys.add({ ...key, hash });
    recorder({ action: "key_made", on: id, detail: fields.role });
    return done({ key: text, ...show({ ...key, usedOn: null }) });
  }

  async change(access: Access, id: string, fields: KeyPatch, recorder: Recorder): Promise<Result<Key>> {
    const known = this.#find(access, id);
    if (!known.ok) return known;
    const { name = known.value.name, role = known.value.role, prefixes = known.value.prefixes } = fields;
    const changed = { ...known.value, name, role, prefixes };
    if (!isWithin(changed, access)) return refused(BEYOND_CALLER);
    this.#ports.keys.change(id, changed);
    recorder({ action: "key_changed", on: id, detail: role });
    await this.#ports.teller.changed(`key:${id}`);
    return done(show(changed));
  }

  /** Null on success. */
  async revoke(access: Access, id: string, recorder: Recorder): Promise<Refusal | null> {
    const known = this.#find(access, id);
    if (!known.ok) return known.refusal;
    this.#ports.keys.remove(id);
    recorder({ action: "key_revoked", on: id });
    await this.#ports.teller.changed(`key:${id}`);
    return null;
  }

  #find(access: Access, id: string): Result<StoredKey> {
    const fault = roleFault(access, "admin");
    if (fault !== null) return refused(fault);
    const key = this.#ports.keys.byId(id);
    return key === null || !isWithin(key, access) ? refused(NO_SUCH_KEY) : done(key);
  }
}

function expiryFault(expiresAtMs: number | null, nowMs: number): Refusal | null {
  if (expiresAtMs === null || expiresAtMs > nowMs) return null;
  return refusal("invalid_body", "expires_at: must be a time to come.");
}

function show(key: Omit<StoredKey, "number">): Key {
  return {
    id: key.id,
    name: key.name,
    role: key.role,
    prefixes: key.prefixes,
    created_at: timestamp(key.createdAtMs),
    created_by: key.createdBy,
    expires_at: key.expiresAtMs === null ? null : timestamp(key.expiresAtMs),
    last_used: dateOf(key.usedOn),
  };
}
