import type { Past } from "../history/past.ts";
import type { FragmentText } from "../text/fragment-text.ts";
import { applyChange, invertChange, type TextChange } from "../text/text-change.ts";
import type { Resolved } from "./likeliest-base.ts";
import type { KnownText } from "./write.ts";

/** The way back from the committed text to that of a past revision, and what else was so then. */
export interface WayBack {
  readonly undo: TextChange;
  readonly then: Pick<Resolved, "eol" | "tags">;
}

/** The committed texts that the writes of one round may be based on; the way back to each is found once. */
export class CommittedBases {
  readonly #text: FragmentText;
  readonly #past: Past;
  readonly #revision: number;
  readonly #nowMs: number;
  readonly #ways = new Map<number, WayBack | null>();

  /** @param revision the committed one */
  constructor(text: FragmentText, past: Past, revision: number, nowMs: number) {
    this.#text = text;
    this.#past = past;
    this.#revision = revision;
    this.#nowMs = nowMs;
  }

  /**
   * A text that somebody has before their eyes; null if its revision is not known any more.
   *
   * @param since from the committed text to the current one
   */
  at({ revision, when, toSent, tags }: KnownText, since: TextChange): Resolved | null {
    const way = this.wayTo(revision);
    if (way === null) return null;
    const { committedContent } = this.#text;
    const back = way.undo.compose(toSent);
    return {
      revision: when === "own" ? null : revision,
      isCrossing: when === "crossing",
      text: applyChange(back, committedContent),
      eol: way.then.eol,
      tags: tags ?? way.then.tags,
      since: invertChange(back, committedContent).compose(since),
    };
  }

  wayTo(revision: number): WayBack | null {
    const known = this.#ways.get(revision);
    if (known !== undefined) return known;
    const undo = this.#past.undoTo(revision, this.#revision, this.#nowMs);
    const then = this.#past.metadataAt(revision, this.#revision, this.#text.committedMetadata, this.#nowMs);
    const way = undo === null || then === null ? null : { undo, then };
    this.#ways.set(revision, way);
    return way;
  }
}
