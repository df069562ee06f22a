import { utf8Length } from "../../language/utf8.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import { MAX_PRESENCE_BYTES, PRESENCE_EXPIRY_MS } from "../../protocol/limits.ts";
import type { AwarenessEntry } from "../../protocol/yjs-frames.ts";
import { presenceWindowMs } from "./cadence.ts";
import { isJsonObject } from "./presence-state.ts";
import type { JsonSession, Session } from "./session.ts";
import { withVerifiedName } from "./verified-name.ts";

/**
 * Silent entries are renewed at most this often: about twice between two renewals of a stock provider, which come every
 * 15 to 18 s. Peers forget a client after 30 s of silence.
 */
const RENEW_SILENT_MS = 8_000;

const TOO_LARGE = refusal(
  "presence_too_large",
  `A presence state must have at most ${MAX_PRESENCE_BYTES} bytes, with the verified name and colour in it.`,
);

/**
 * The sessions' names and cursors: the last awareness entry of each, kept in its record, and the entries that changed
 * since the last presence frame. There is no Awareness object: its constructor starts an interval, and a room with a
 * timer does not hibernate.
 */
export class Presence {
  /** The entries of the next frame, by client id. */
  #changed = new Map<number, AwarenessEntry>();
  /** The sessions that reported these entries themselves; null once a departure is among the entries. */
  #tellers: Set<string> | null = new Set();
  /** Something other than a renewal changed: JSON peers are told as well. */
  #hasNews = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #renewedMs = Number.NEGATIVE_INFINITY;
  /** The earliest moment at which a session that must renew may expire. */
  #expiryMs: number | null = null;

  /**
   * Takes an entry that a session sent about itself, under the verified name of its principal. An entry older than the
   * known one changes nothing.
   */
  set(session: Session, entry: AwarenessEntry, nowMs: number, mustRenew: boolean): Refusal | null {
    const { record } = session;
    const known = record.presence;
    if (entry.clock < record.presenceClock) return null;
    if (entry.state === "null") {
      if (known === null) return null;
      this.#note(session.record.id, entry);
      record.presence = null;
      record.presenceClock = entry.clock;
      this.#hasNews = true;
      return null;
    }
    if (utf8Length(entry.state) > MAX_PRESENCE_BYTES) return TOO_LARGE;
    if (!isJsonObject(entry.state))
      return refusal("invalid_frame", "A presence state must be one JSON object.");
    const state = withVerifiedName(entry.state, record.access.principal);
    if (state !== entry.state && utf8Length(state) > MAX_PRESENCE_BYTES) return TOO_LARGE;
    this.#hasNews ||= known?.state !== state;
    record.presence = { clock: entry.clock, state, renewedAtMs: mustRenew ? nowMs : null };
    record.presenceClock = entry.clock;
    if (mustRenew) this.#expiryMs ??= nowMs + PRESENCE_EXPIRY_MS;
    this.#note(session.record.id, { ...entry, state });
    return null;
  }

  /**
   * Shows a session under the name that its principal has now. Stock peers take the new name with the next entry of a Yjs
   * session, since only its client may count its clock on.
   */
  rename({ record }: Session): void {
    const { presence, clientId, access } = record;
    if (presence === null || clientId === null) return;
    const state = withVerifiedName(presence.state, access.principal);
    if (state === presence.state) return;
    const clock = record.protocol === "json" ? presence.clock + 1 : presence.clock;
    record.presence = { ...presence, clock, state };
    record.presenceClock = clock;
    this.#hasNews = true;
    this.#note(record.id, { client: clientId, clock, state });
  }

  /** Forgets a session that left. True if it showed a presence, so that the others should be told at once. */
  remove(session: Session): boolean {
    const { presence, clientId } = session.record;
    if (presence === null || clientId === null) return false;
    const clock = presence.clock + 1;
    this.#changed.set(clientId, { client: clientId, clock, state: "null" });
    session.record.presence = null;
    session.record.presenceClock = clock;
    this.#tellers = null;
    this.#hasNews = true;
    return true;
  }

  /**
   * Renews the entries of JSON sessions, which do not renew themselves, when a presence frame is sent anyway: stock peers
   * forget a client that is silent for 30 seconds. Returns the sessions renewed.
   */
  renewSilent(sessions: Iterable<JsonSession>, nowMs: number): JsonSession[] {
    if (this.#changed.size === 0 || nowMs - this.#renewedMs < RENEW_SILENT_MS) return [];
    this.#renewedMs = nowMs;
    const renewed: JsonSession[] = [];
    for (const session of sessions) {
      const { presence, clientId } = session.record;
      if (presence === null || clientId === null || this.#changed.has(clientId)) continue;
      const clock = presence.clock + 1;
      session.record.presence = { ...presence, clock };
      session.record.presenceClock = clock;
      this.#changed.set(clientId, { client: clientId, clock, state: presence.state });
      renewed.push(session);
    }
    return renewed;
  }

  /** Forgets the presence of sessions that had to renew it and did not. */
  expire(sessions: Iterable<Session>, nowMs: number): void {
    this.#expiryMs = null;
    for (const session of sessions) {
      const renewedAtMs = session.record.presence?.renewedAtMs ?? null;
      if (renewedAtMs === null) continue;
      const expiryMs = renewedAtMs + PRESENCE_EXPIRY_MS;
      if (expiryMs <= nowMs) this.remove(session);
      else if (this.#expiryMs === null || expiryMs < this.#expiryMs) this.#expiryMs = expiryMs;
    }
  }

  /** When to call `expire`, at the latest; null if no session has to renew. */
  get expiryAtMs(): number | null {
    return this.#expiryMs;
  }

  /** When the next presence frame may leave; null if there is nothing to tell. */
  dueAt(peers: number, nowMs: number): number | null {
    return this.#changed.size === 0 ? null : Math.min(this.#lastMs, nowMs) + presenceWindowMs(peers);
  }

  /** Hands out what there is to tell, once. `onlyTeller` is the session that reported all of it, if there is only one. */
  drain(nowMs: number): { entries: AwarenessEntry[]; onlyTeller: string | null; hasNews: boolean } {
    const [teller] = this.#tellers ?? [];
    const taken = {
      entries: [...this.#changed.values()],
      onlyTeller: this.#tellers?.size === 1 && teller !== undefined ? teller : null,
      hasNews: this.#hasNews,
    };
    this.#changed = new Map();
    this.#tellers = new Set();
    this.#hasNews = false;
    this.#lastMs = nowMs;
    return taken;
  }

  /** Everybody's entry, for a peer that has just joined. */
  all(sessions: Iterable<Session>): AwarenessEntry[] {
    const entries: AwarenessEntry[] = [];
    for (const { record } of sessions) {
      const { presence, clientId } = record;
      if (presence === null || clientId === null) continue;
      entries.push({ client: clientId, clock: presence.clock, state: presence.state });
    }
    return entries;
  }

  #note(sessionId: string, entry: AwarenessEntry): void {
    this.#changed.set(entry.client, entry);
    this.#tellers?.add(sessionId);
  }
}
