import type { SeededRandom } from "../support/seeded-random.ts";
import type { TokenLedger } from "./token-ledger.ts";

/** What a writer of a durability check is made of. */
export interface WriterOptions {
  /** A letter and a number; it is the client's name over reconnects too. */
  readonly name: string;
  readonly id: string;
  readonly random: SeededRandom;
  readonly ledger: TokenLedger;
}

/**
 * One client that inserts tokens for as long as it is called, over any number of connections. What it was not
 * told to be durable it sends again on the next one.
 */
export interface TokenWriter {
  /** Connects, and resends. The connection before is gone. */
  connect(serverUrl: string): void;
  /** Writes one more token, if it is this writer's turn. Called many times a second. */
  write(): void;
  /** Settles when its connection has ended, with everything received on it seen. */
  disconnected(): Promise<void>;
  /** Ends its connection from this side, without a word. */
  vanish(): void;
}
