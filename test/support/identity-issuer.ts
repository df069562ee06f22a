import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWTPayload, SignJWT } from "jose";

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** An identity provider: it has keys, renews them, and signs tokens with the newest. */
export class IdentityIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly #algorithm: string;
  readonly #keys: { readonly id: string; readonly pair: KeyPair }[] = [];

  private constructor(issuer: string, audience: string, algorithm: string) {
    this.issuer = issuer;
    this.audience = audience;
    this.#algorithm = algorithm;
  }

  static async make(issuer: string, audience: string, algorithm = "ES256"): Promise<IdentityIssuer> {
    const made = new IdentityIssuer(issuer, audience, algorithm);
    await made.rotate();
    return made;
  }

  /** Makes a new key, and forgets the ones before. */
  async rotate(): Promise<void> {
    const pair = await generateKeyPair(this.#algorithm, { extractable: true });
    this.#keys.splice(0, this.#keys.length, { id: crypto.randomUUID(), pair });
  }

  /** What its address of keys answers. */
  async keySet(): Promise<JSONWebKeySet> {
    const keys = this.#keys.map(async ({ id, pair }) => ({
      ...(await exportJWK(pair.publicKey)),
      kid: id,
      alg: this.#algorithm,
      use: "sig",
    }));
    return { keys: await Promise.all(keys) };
  }

  /** A token that is good for an hour, unless the claims say otherwise; a claim that is undefined is left out. */
  sign(claims: JWTPayload, keyId?: string): Promise<string> {
    const [key] = this.#keys;
    if (key === undefined) throw new Error("an issuer has a key");
    const now = Math.floor(Date.now() / 1_000);
    const { issuer: iss, audience: aud } = this;
    return new SignJWT({ iss, aud, sub: "subject-1", iat: now, exp: now + 3_600, ...claims })
      .setProtectedHeader({ alg: this.#algorithm, kid: keyId ?? key.id })
      .sign(key.pair.privateKey);
  }
}
