import { SeededRandom } from "../support/seeded-random.ts";

const WORDS = 5_000;
const COMMON_WORDS = 5;
const RARE_WORDS = 1_000;

/**
 * An artificial language, the same for the same seed. Its first words are in most texts, its last ones in few (Zipf).
 */
export class MadeWords {
  readonly random: SeededRandom;
  readonly #vocabulary: readonly string[];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.#vocabulary = Array.from(
      { length: WORDS },
      (_, at) => `${at.toString(36)}${this.random.below(46_656).toString(36)}q`,
    );
  }

  word(): string {
    return this.#vocabulary[Math.floor(WORDS ** this.random.next()) - 1] ?? "";
  }

  commonWord(): string {
    return this.#vocabulary[this.random.below(COMMON_WORDS)] ?? "";
  }

  rareWord(): string {
    return this.#vocabulary[WORDS - 1 - this.random.below(RARE_WORDS)] ?? "";
  }

  text(words: number): string {
    return Array.from({ length: words }, () => this.word()).join(" ");
  }
}
