import { difference, roughDistance } from "../text/difference.ts";
import type { TextChange } from "../text/text-change.ts";

/** Texts that differ in fewer code units are compared in the turn of their commit, in a few milliseconds. */
const LONG_UNITS = 100_000;

/**
 * The difference of two long texts, made in a turn of its own ahead of the commit that needs it: to compare two texts of a
 * megabyte takes as long as to write what differs.
 */
export class ComparedAhead {
  #known: { readonly from: string; readonly to: string; readonly change: TextChange } | null = null;

  /** Compares two texts, unless that takes little time or was done. Returns whether it has compared them now. */
  compare(from: string, to: string): boolean {
    if (Math.min(from.length, to.length) < LONG_UNITS || this.#knows(from, to)) return false;
    if (roughDistance(from, to) < LONG_UNITS) return false;
    this.#known = { from, to, change: difference(from, to) };
    return true;
  }

  /** The change from one text to another: as it is known, or made now. */
  difference(from: string, to: string): TextChange {
    return this.#known !== null && this.#knows(from, to) ? this.#known.change : difference(from, to);
  }

  forget(): void {
    this.#known = null;
  }

  #knows(from: string, to: string): boolean {
    return this.#known?.from === from && this.#known.to === to;
  }
}
