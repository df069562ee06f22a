/**
 * What happened to each token that some client wrote. A token is a text that stands nowhere else, and nobody
 * removes another client's. So the oracle of a shared text is simple: what was acknowledged is there, once.
 */
export class TokenLedger {
  readonly #acknowledged = new Set<string>();
  readonly #removing = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #all = new Set<string>();
  #next = 1;

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  make(client: string): string {
    const token = `[${client}${this.#next++}😀]`;
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

/** The text is nothing but tokens. What stands between two is shown as a token that nobody wrote. */
export function tokensOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\])/);
}

/** Where a token can be put in without cutting another. */
export function bordersOf(text: string): number[] {
  const borders = [0];
  for (let at = text.indexOf("]"); at !== -1; at = text.indexOf("]", at + 1)) borders.push(at + 1);
  return borders;
}
