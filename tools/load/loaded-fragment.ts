/**
 * One fragment under load: the times at which its edits were due, and the contents of its frames. All its peers are in
 * this process, so every delivery is accounted for.
 */
import type { Dialect } from "./dialect.ts";
import type { Meter } from "./meter.ts";
import { decodeTokens, type Token, tokensInUpdate } from "./token.ts";

/** A frame of the server, as a load test sees it. */
export type Arrival =
  | { readonly kind: "tokens"; readonly tokens: readonly Token[] }
  | { readonly kind: "asked"; readonly stateVector: Uint8Array }
  | { readonly kind: "saved"; readonly seq: number }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "other" };

/** The difference between the text at the end and the edits that were sent. */
export interface TextVerdict {
  readonly lost: number;
  readonly doubled: number;
  /** Text that nobody wrote; empty if there is none. */
  readonly foreign: string;
}

/**
 * Decoded frames are remembered, since a server sends one frame to all peers. Longer ones come only once, at a join.
 */
const MAX_KNOWN_FRAMES = 256;
const MAX_KNOWN_BYTES = 16_384;
const OTHER: Arrival = { kind: "other" };

export class LoadedFragment {
  readonly id: string;
  readonly dialect: Dialect;
  readonly meter: Meter;
  /** By writer and seq, on the clock of `performance.now()`. */
  readonly #dueMs: readonly number[][];
  #known = new Map<string, Arrival>();
  #knownBefore = new Map<string, Arrival>();

  constructor(id: string, dialect: Dialect, writers: number, meter: Meter) {
    this.id = id;
    this.dialect = dialect;
    this.meter = meter;
    this.#dueMs = Array.from({ length: writers }, () => []);
  }

  get writers(): number {
    return this.#dueMs.length;
  }

  get edits(): number {
    return this.#dueMs.reduce((sum, edits) => sum + edits.length, 0);
  }

  /** Notes when the next edit of this writer was due. */
  edited(writer: number, dueMs: number): Token {
    const edits = this.#dueMs[writer];
    if (edits === undefined) throw new Error(`there is no writer ${writer}`);
    return { writer, seq: edits.push(dueMs) - 1 };
  }

  /** Undefined for an unknown token. */
  dueMs({ writer, seq }: Token): number | undefined {
    return this.#dueMs[writer]?.[seq];
  }

  read(frame: Buffer): Arrival {
    if (frame.length > MAX_KNOWN_BYTES) return this.#decode(frame);
    const key = frame.toString("latin1");
    const known = this.#known.get(key) ?? this.#knownBefore.get(key);
    if (known !== undefined) return known;
    const arrival = this.#decode(frame);
    if (this.#known.size >= MAX_KNOWN_FRAMES) {
      this.#knownBefore = this.#known;
      this.#known = new Map();
    }
    this.#known.set(key, arrival);
    return arrival;
  }

  /** Compares the text that a newcomer reads at the end with all edits that were sent. */
  judge(text: string): TextVerdict {
    const { tokens, rest } = decodeTokens(text);
    const counts = new Map<string, number>();
    let foreign = rest;
    for (const token of tokens) {
      const name = `${token.writer}:${token.seq}`;
      if (this.dueMs(token) === undefined) foreign += name;
      else counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    let doubled = 0;
    for (const count of counts.values()) if (count > 1) doubled++;
    return { lost: this.edits - counts.size, doubled, foreign };
  }

  #decode(bytes: Buffer): Arrival {
    const frame = this.dialect.decode(bytes);
    if (frame === null) return { kind: "refused", message: "the server sent a message that is not a frame" };
    switch (frame.kind) {
      case "step1":
        return { kind: "asked", stateVector: frame.stateVector };
      case "step2":
      case "update":
        return this.#tokensIn(frame.update);
      case "saved":
        return { kind: "saved", seq: frame.seq };
      case "notice":
        return { kind: "refused", message: `the server refused a frame: ${frame.code}: ${frame.message}` };
      case "access":
      case "awareness":
      case "foreign":
        return OTHER;
    }
  }

  #tokensIn(update: Uint8Array): Arrival {
    try {
      return { kind: "tokens", tokens: tokensInUpdate(update) };
    } catch {
      return { kind: "refused", message: "the server sent an update that Yjs cannot read" }; // lib0 and Yjs throw on bad bytes
    }
  }
}
