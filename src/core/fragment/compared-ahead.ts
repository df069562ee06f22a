import { difference, differenceInSteps, roughDistance } from "../text/difference.ts";
import type { TextChange } from "../text/text-change.ts";

/** Texts that differ in fewer code units are compared in the turn of their commit, in a few milliseconds. */
const LONG_UNITS = 100_000;

/**
 * The difference of two long texts, made ahead of the commit that needs it, in steps that have a turn each: to compare
 * two texts of a megabyte takes longer than to write what differs.
 */
export class ComparedAhead {
  /** What was asked for last. The change is null while its steps are not done. */
  #known: {
    readonly from: string;
    readonly to: string;
    readonly steps: Generator<void, TextChange, void>;
    change: TextChange | null;
  } | null = null;

  /**
   * Makes one step of the comparison of two texts, unless it takes little time or is done. Returns whether it has made
   * one now.
   */
  compare(from: string, to: string): boolean {
    if (Math.min(from.length, to.length) < LONG_UNITS) return false;
    if (!this.#isAbout(from, to)) {
      if (roughDistance(from, to) < LONG_UNITS) return false;
      this.#known = { from, to, steps: differenceInSteps(from, to), change: null };
    }
    const known = this.#known;
    if (known === null || known.change !== null) return false;
    const step = known.steps.next();
    if (step.done === true) known.change = step.value;
    return true;
  }

  /** The change from one text to another: as it is known, or made now. */
  difference(from: string, to: string): TextChange {
    const known = this.#isAbout(from, to) ? this.#known?.change : null;
    return known ?? difference(from, to);
  }

  forget(): void {
    this.#known = null;
  }

  #isAbout(from: string, to: string): boolean {
    return this.#known?.from === from && this.#known.to === to;
  }
}
