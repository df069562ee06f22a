import type { SeededRandom } from "../support/seeded-random.ts";
import type { TokenLedger } from "./token-ledger.ts";

/** The settings of a writer of a durability check. */
export interface WriterOptions {
  /** A letter and a number. It is also the client's name after reconnects. */
  readonly name: string;
  readonly id: string;
  readonly random: SeededRandom;
  readonly ledger: TokenLedger;
}

/**
 * A client that inserts a token at each call, over any number of connections. On the next connection it sends again
 * everything that was not confirmed.
 */
export interface TokenWriter {
  /** Connects, and sends unconfirmed tokens again. The previous connection is gone. */
  connect(serverUrl: string): void;
  /** Writes a token if it is this writer's turn. Called many times a second. */
  write(): void;
  /** Settles when the connection has ended and everything received on it was handled. */
  disconnected(): Promise<void>;
  /** Breaks the connection from this side, without a close frame. */
  vanish(): void;
}
