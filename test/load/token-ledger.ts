/**
 * The oracle of a durability check. It knows which tokens the writers put into one text, and which of them the server
 * acknowledged. Each token occurs nowhere else. Whatever happens to the server, each acknowledged token must be in the
 * text exactly once, each other token at most once, and a version must name one text for ever.
 */
import { createHash } from "node:crypto";

export interface TextVerdict {
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  /** The rest: cut tokens, and text that nobody wrote. */
  readonly broken: string;
}

const TOKEN = /[a-z][\dA-J]+:[\dA-J]+;/g;

export class TokenLedger {
  readonly #acknowledged = new Set<string>();
  readonly #lost = new Set<string>();
  readonly #twice = new Set<string>();
  readonly #texts = new Map<number, string>();
  readonly #faults: string[] = [];
  #newestVersion = 0;
  /** The newest version whose text was seen, and its tokens. */
  #newestText = { version: 0, tokens: new Set<string>() };
  #sent = 0;
  #resent = 0;

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Requests that were sent again because the server died before it answered. */
  get resent(): number {
    return this.#resent;
  }

  get lost(): ReadonlySet<string> {
    return this.#lost;
  }

  get twice(): ReadonlySet<string> {
    return this.#twice;
  }

  /** Versions whose text a JSON client saw. */
  get versions(): number {
    return this.#texts.size;
  }

  /** Other faults, in words. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  /**
   * The server reads a text without a base as a change of the known text that it resembles most, letter by letter. The
   * tokens of a writer of such texts share only punctuation with other tokens, so that the text that it resembles most
   * is the right one.
   *
   * @param writer a letter and a number
   */
  makeToken(writer: string, seq: number, isUnlikeOthers: boolean): string {
    this.#sent++;
    const token = `${writer}:${seq};`;
    return isUnlikeOthers ? token.replaceAll(/\d/g, (digit) => "ABCDEFGHIJ".charAt(Number(digit))) : token;
  }

  acknowledge(token: string): void {
    this.#acknowledged.add(token);
  }

  countResent(requests: number): void {
    this.#resent += requests;
  }

  /** A JSON or REST client was told that this is the text of that version. */
  sawVersion(version: number, text: string): void {
    this.#newestVersion = Math.max(this.#newestVersion, version);
    const digest = createHash("sha1").update(text).digest("base64");
    const known = this.#texts.get(version);
    if (known === undefined) {
      this.#texts.set(version, digest);
      this.#compareWithNewest(version, text);
    } else if (known !== digest) this.fault(`version ${version} names two texts`);
  }

  /** Nobody deletes, so a token that is in one version is in all later ones. */
  #compareWithNewest(version: number, text: string): void {
    const before = this.#newestText;
    if (version < before.version) return;
    const tokens = new Set(Array.from(text.matchAll(TOKEN), ([token]) => token));
    const gone = [...before.tokens].filter((token) => !tokens.has(token));
    if (gone.length > 0)
      this.fault(`version ${version} lacks ${gone.slice(0, 5).join(" ")} of version ${before.version}`);
    this.#newestText = { version, tokens };
  }

  /** The server said that a push is saved as this revision. */
  sawRevision(revision: number): void {
    this.#newestVersion = Math.max(this.#newestVersion, revision);
  }

  fault(what: string): void {
    if (this.#faults.length < 100) this.#faults.push(what);
  }

  /** Compares the text that a newcomer reads with everything that was acknowledged so far. */
  check(text: string, version: number): TextVerdict {
    if (version < this.#newestVersion)
      this.fault(`version ${this.#newestVersion} was seen, and now it is ${version}`);
    const counts = new Map<string, number>();
    for (const [token] of text.matchAll(TOKEN)) counts.set(token, (counts.get(token) ?? 0) + 1);
    const lost = [...this.#acknowledged].filter((token) => !counts.has(token));
    const twice = [...counts].flatMap(([token, count]) => (count > 1 ? [token] : []));
    const broken = text.replaceAll(TOKEN, "");
    for (const token of lost) this.#lost.add(token);
    for (const token of twice) this.#twice.add(token);
    if (broken !== "")
      this.fault(`the text contains what nobody wrote: ${JSON.stringify(broken.slice(0, 80))}`);
    return { lost, twice, broken };
  }
}

/** A position between two tokens, so that no insertion cuts a token. @param random in [0, 1) */
export function tokenBorder(text: string, random: number): number {
  const at = Math.floor(random * (text.length + 1));
  return at === 0 ? 0 : text.indexOf(";", at - 1) + 1;
}
