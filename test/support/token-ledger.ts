/**
 * What happened to each token that some client wrote. A token is two characters, the second a surrogate pair, that
 * stand nowhere else (so that there is one way only to see what was put in), and nobody removes another client's.
 * So the oracle of a shared text is simple: each acknowledged token is there, once.
 */
const FIRST = 0x3400;
const SECOND = 0x20000;

export class TokenLedger {
  readonly #acknowledged = new Set<string>();
  readonly #removing = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #all = new Set<string>();

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  make(): string {
    const number = this.#all.size;
    const token = String.fromCodePoint(FIRST + number, SECOND + number);
    this.#all.add(token);
    return token;
  }

  /** Its writer was told that it is durable. */
  acknowledge(token: string): void {
    this.#acknowledged.add(token);
  }

  /** Its writer asked for its removal: from now on it may be there or not. */
  removing(token: string): void {
    this.#removing.add(token);
  }

  acknowledgeRemoval(token: string): void {
    this.#removed.add(token);
  }

  /** May its writer remove it? */
  isSettled(token: string): boolean {
    return this.#acknowledged.has(token) && !this.#removing.has(token);
  }

  /** What is wrong with a text that holds all that was acknowledged; empty if nothing is. */
  faultsOf(text: string): string[] {
    const faults: string[] = [];
    const counts = new Map<string, number>();
    for (const token of tokensOf(text)) counts.set(token, (counts.get(token) ?? 0) + 1);
    for (const [token, count] of counts) {
      if (!this.#all.has(token)) faults.push(`${token} was written by nobody`);
      else if (count > 1) faults.push(`${token} is there ${count} times`);
      if (this.#removed.has(token)) faults.push(`${token} is back`);
    }
    for (const token of this.#acknowledged) {
      if (!this.#removing.has(token) && !counts.has(token)) faults.push(`${token} is lost`);
    }
    return faults;
  }
}

/** The text is nothing but tokens. What stands between two is shown as part of one that nobody wrote. */
export function tokensOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=[\u{20000}-\u{2ffff}])/u);
}

/** Where a token can be put in without cutting another. */
export function bordersOf(text: string): number[] {
  const borders = [0];
  for (const token of tokensOf(text)) borders.push((borders.at(-1) ?? 0) + token.length);
  return borders;
}
