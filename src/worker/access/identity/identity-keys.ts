import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FlattenedJWSInput,
  type JWKSCacheInput,
  type JWSHeaderParameters,
  jwksCache,
} from "jose";
import {
  IDENTITY_KEYS_KEPT_MS,
  IDENTITY_KEYS_PAUSE_MS,
  IDENTITY_KEYS_RETRY_MS,
  IDENTITY_KEYS_TIMEOUT_MS,
  MAX_IDENTITY_KEYS_REQUESTS,
} from "../../../protocol/limits.ts";

/** The keys of the provider are not known, and cannot be fetched now. */
export class KeysUnavailable extends Error {}

/** The provider is left in peace for now. */
class AskedJustNow extends Error {}

/** The keys that this isolate has asked for, by their address. They outlast the settings, of which each test has its own. */
const known = new Map<string, IdentityKeys>();

export function identityKeysAt(url: URL): IdentityKeys {
  const keys = known.get(url.href) ?? new IdentityKeys(url);
  known.set(url.href, keys);
  return keys;
}

/**
 * The public keys of an identity provider. jose fetches them when they are first needed, when they are ten minutes old,
 * and when a token names a key that they lack. This class adds two things:
 *
 * - While the provider does not answer, the keys that came last stay in use for a day.
 * - Tokens that name invented keys cannot make this server flood the provider: there is a pause after each request.
 */
export class IdentityKeys {
  readonly #remote: ReturnType<typeof createRemoteJWKSet>;
  /** jose notes here when it last got keys. */
  readonly #cache: JWKSCacheInput = {};
  /** When the provider was last asked, and when it last failed. */
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #requests = 0;

  constructor(url: URL) {
    this.#remote = createRemoteJWKSet(url, {
      cooldownDuration: IDENTITY_KEYS_PAUSE_MS,
      timeoutDuration: IDENTITY_KEYS_TIMEOUT_MS,
      [jwksCache]: this.#cache,
      [customFetch]: (...asked) => this.#fetch(...asked),
    });
  }

  /**
   * The key that a token names.
   *
   * @throws {KeysUnavailable} if no keys are known and none can be fetched
   * @throws {errors.JOSEError} if there is no such key
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    try {
      return await this.#remote(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw error;
      if (!(error instanceof AskedJustNow)) {
        this.#failedAtMs = Date.now();
        console.error("the keys of the identity provider could not be fetched", error);
      }
      const known = this.#known();
      if (known === null) throw new KeysUnavailable();
      return createLocalJWKSet(known)(header, token);
    }
  }

  /** Null if there are no keys, or none that can still be trusted. */
  #known() {
    const keys = this.#remote.jwks();
    const fetchedAtMs = this.#cache.uat ?? Number.NEGATIVE_INFINITY;
    return keys !== undefined && Date.now() - fetchedAtMs < IDENTITY_KEYS_KEPT_MS ? keys : null;
  }

  /** Requests cannot share one answer: the platform ties each to the request that waits for it (workerd, November 2026). */
  async #fetch(url: string, options: RequestInit): Promise<Response> {
    const nowMs = Date.now();
    const isPaused =
      this.#known() === null
        ? nowMs - this.#failedAtMs < IDENTITY_KEYS_RETRY_MS
        : nowMs - this.#askedAtMs < IDENTITY_KEYS_PAUSE_MS;
    if (isPaused || this.#requests >= MAX_IDENTITY_KEYS_REQUESTS) throw new AskedJustNow();
    this.#askedAtMs = nowMs;
    this.#requests++;
    try {
      return await fetch(url, options);
    } finally {
      this.#requests--;
    }
  }
}
