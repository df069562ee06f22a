import type { ExpansionBudgets, Piece } from "./assembly.ts";
import { utf8Length } from "./utf8.ts";

/**
 * The variables of a text: `{{name}}`, also with spaces around the name, which is a letter or `_` and then letters, digits,
 * `_` and `-`. Anything else in double braces belongs to another language, such as Jinja or Handlebars, and three
 * braces are not two.
 */
const VARIABLE = /(?<!\{)\{\{[ \t]*([\p{L}_][\p{L}\p{M}\p{N}_-]*)[ \t]*\}\}(?!\})/gu;

/** Names of variables without a value that are listed; a text can hold a million. */
const MAX_LEFT = 1_000;

export interface Filled {
  readonly pieces: readonly Piece[];
  /** The variables that were filled, in order of their first place. */
  readonly filled: readonly string[];
  /** The variables for which there was no value, likewise; at most the first 1,000. */
  readonly left: readonly string[];
  /** Null if each variable that has a value was filled. */
  readonly limit: ReachedLimit | null;
}

/** From some variable on, none is filled. */
export interface ReachedLimit {
  readonly code: "value_limit" | "output_limit";
  readonly limit: number;
  /** Where that variable stands. */
  readonly place: Place;
}

type Place = Omit<Piece, "replacement">;

/**
 * Puts values in the place of variables. Values are inserted as they are, and not looked into. A variable may begin in
 * one fragment and end in another. At a limit, the variable that would exceed it stays as it is, and so do those behind
 * it.
 *
 * @param text what the pieces make together
 * @param values by name; a name without a value stays as it was written
 */
export function fillVariables(
  pieces: readonly Piece[],
  text: string,
  values: ReadonlyMap<string, string>,
  limits: Pick<ExpansionBudgets, "values" | "outputBytes">,
): Filled {
  const cutter = new PieceCutter(pieces);
  const filled = new Set<string>();
  const left = new Set<string>();
  let bytes = utf8Length(text);
  let count = 0;
  let limit: ReachedLimit | null = null;
  for (const { 0: written, 1: name = "", index } of text.matchAll(VARIABLE)) {
    const value = values.get(name);
    if (value === undefined) {
      if (left.size < MAX_LEFT) left.add(name);
      continue;
    }
    if (limit !== null) continue;
    bytes += utf8Length(value) - utf8Length(written);
    count++;
    const to = index + written.length;
    if (count > limits.values)
      limit = { code: "value_limit", limit: limits.values, place: cutter.placeOf(index, to) };
    else if (bytes > limits.outputBytes)
      limit = { code: "output_limit", limit: limits.outputBytes, place: cutter.placeOf(index, to) };
    else {
      filled.add(name);
      cutter.replace(index, to, value);
    }
  }
  return { pieces: cutter.finish(), filled: [...filled], left: [...left], limit };
}

/** Replaces parts of the expanded text, from left to right. */
class PieceCutter {
  readonly #pieces: readonly Piece[];
  readonly #done: Piece[] = [];
  /** The first piece that is not done, how much of it is, and where it begins in the expanded text. */
  #next = 0;
  #used = 0;
  #at = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  replace(from: number, to: number, value: string): void {
    const place = this.placeOf(from, to);
    this.#pass(to, false);
    this.#done.push({ ...place, replacement: value });
  }

  /** Where this part of the expanded text was written, or the beginning of it if it comes from several pieces. */
  placeOf(from: number, to: number): Place {
    this.#pass(from, true);
    const first = this.#pieces[this.#next];
    if (first === undefined) throw new Error("The pieces do not make the text.");
    const { source, chain, replacement } = first;
    if (replacement !== null) return { source, chain, from: first.from, to: first.to };
    const start = first.from + this.#used;
    return { source, chain, from: start, to: Math.min(first.to, start + to - from) };
  }

  finish(): readonly Piece[] {
    this.#pass(Number.POSITIVE_INFINITY, true);
    return this.#done;
  }

  /** Goes on to this place in the expanded text, and past the empty pieces there. */
  #pass(to: number, isKept: boolean): void {
    for (let piece = this.#pieces[this.#next]; piece !== undefined; piece = this.#pieces[this.#next]) {
      const length = lengthOf(piece);
      if (this.#at === to && this.#used === 0 && length > 0) return;
      const end = Math.min(length, to - this.#at);
      if (isKept && (end > this.#used || length === 0)) this.#done.push(part(piece, this.#used, end));
      this.#used = end;
      if (end < length) return;
      this.#at += length;
      this.#next++;
      this.#used = 0;
    }
  }
}

/** The length of a piece in the expanded text, in UTF-16 code units. */
export function lengthOf({ from, to, replacement }: Piece): number {
  return replacement?.length ?? to - from;
}

function part(piece: Piece, start: number, end: number): Piece {
  if (piece.replacement !== null) return { ...piece, replacement: piece.replacement.slice(start, end) };
  return { ...piece, from: piece.from + start, to: piece.from + end };
}
