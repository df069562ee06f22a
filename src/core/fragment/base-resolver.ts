import { applyChange, invertChange, isEmpty, NO_CHANGE, type TextChange } from "../text/text-change.ts";
import type { TextSteps } from "./already-made.ts";
import { EarlierTexts } from "./earlier-texts.ts";
import { findLikeliestBase } from "./likeliest-base.ts";
import type { ResolvedBase } from "./resolved-base.ts";
import type { RevisionHistory } from "./revision-history.ts";
import type { RoundWrites, WrittenWrite } from "./round-writes.ts";
import type { ShownBefore } from "./shown-before.ts";
import type { Base, KnownText, Write } from "./write.ts";

/** A past revision, as far as a base needs it. */
interface PastRevision extends Pick<ResolvedBase, "eol" | "tags"> {
  /** From the committed text back to the text of the revision. */
  readonly undo: TextChange;
}

/** The text as the round has made it so far. */
export interface RoundState {
  readonly content: string;
  /** From the committed text to `content`. */
  readonly sinceCommit: TextChange;
  /** From the text that the round began with back to the committed one. */
  readonly undoUncommitted: TextChange;
  readonly writes: RoundWrites;
}

/** Finds the bases of the writes of one round. Each past revision is looked up once for all of them. */
export class BaseResolver {
  readonly #history: RevisionHistory;
  readonly #nowMs: number;
  readonly #pastRevisions = new Map<number, PastRevision | null>();

  constructor(history: RevisionHistory, nowMs: number) {
    this.#history = history;
    this.#nowMs = nowMs;
  }

  /**
   * The base of a write; null if it is not known, or not any more.
   *
   * @param known the texts of a `likeliest` base
   */
  resolve(write: Write, known: readonly KnownText[], round: RoundState): ResolvedBase | null {
    const { text, past, current, pages } = this.#history;
    // A sender that names the version it replaces has not seen the uncommitted edits, so they are kept.
    const { kind } = write.base;
    const isBasedOnExpected = write.expectedVersions !== null && (kind === "current" || kind === "page");
    const base: Base = isBasedOnExpected ? { kind: "version", version: current } : write.base;
    switch (base.kind) {
      case "current": {
        const { eol, tags } = text.metadata;
        return {
          revision: current,
          text: round.content,
          textRevision: null,
          eol,
          tags,
          since: NO_CHANGE,
          unseen: [],
        };
      }
      case "version":
        return this.#committed(revisionText(base.version), round.sinceCommit);
      case "request": {
        const earlier = round.writes.find(base);
        if (earlier !== undefined) return this.#inThisRound(earlier, round.writes);
        const answered = past.answerTo(base.client, base.requestId, this.#nowMs);
        if (answered === null) return null;
        const { toSent } = answered.answer;
        return this.#committed(
          { revision: answered.revision, when: "own", toSent, tags: null },
          round.sinceCommit,
        );
      }
      case "likeliest":
        return this.#likeliest(write, known, base.shownBefore(), round);
      case "page": {
        const shown = { before: current, of: (revision: number) => pages.of(revision) };
        return this.#likeliest(write, [revisionText(current)], shown, round);
      }
      default:
        return base satisfies never;
    }
  }

  /** A revision of the past, or the current one; null if it is not known any more. */
  pastRevision(revision: number): PastRevision | null {
    const known = this.#pastRevisions.get(revision);
    if (known !== undefined) return known;
    const { past, text, current } = this.#history;
    const undo = past.undoTo(revision, current, this.#nowMs);
    const metadata = past.metadataAt(revision, current, text.committedMetadata, this.#nowMs);
    const found =
      undo === null || metadata === null ? null : { undo, eol: metadata.eol, tags: metadata.tags };
    this.#pastRevisions.set(revision, found);
    return found;
  }

  /** How the text of a past revision came to be the current one; null if that revision is not known any more. */
  stepsSince(revision: number, round: RoundState): TextSteps | null {
    const { past, current } = this.#history;
    const entries = revision === current ? [] : past.since(revision, current, this.#nowMs);
    if (entries === null) return null;
    const { undoUncommitted, content } = round;
    const written = round.writes.all;
    const undos = [...entries.map(({ undo }) => undo), undoUncommitted, ...written.map(({ undo }) => undo)];
    const sent = [
      ...entries.flatMap(({ answers }, step) => answers.map(({ toSent }) => ({ step, toSent }))),
      ...written.map(({ plan }, at) => ({
        step: entries.length + 1 + at,
        toSent: invertChange(plan.sinceSent, plan.sent),
      })),
    ];
    return { content, undos, sent: sent.filter(({ toSent }) => !isEmpty(toSent)) };
  }

  #likeliest(
    write: Write,
    known: readonly KnownText[],
    shown: ShownBefore | null,
    round: RoundState,
  ): ResolvedBase | null {
    const own = write.session === null ? undefined : round.writes.lastLike(write);
    return findLikeliestBase(write, known, {
      ownInRound: own?.write ?? null,
      ownBaseRevision: own?.plan.baseRevision ?? null,
      resolveOwn: () => (own === undefined ? null : this.#inThisRound(own, round.writes)),
      resolve: (one) => this.#committed(one, round.sinceCommit),
      earlierTexts: (text) =>
        shown === null || own !== undefined
          ? null
          : new EarlierTexts(this.#history, text, shown, this.#nowMs),
      undoTo: (revision) => this.pastRevision(revision)?.undo ?? NO_CHANGE,
      textUnits: round.content.length,
    });
  }

  #committed({ revision, when, toSent, tags }: KnownText, sinceCommit: TextChange): ResolvedBase | null {
    const found = this.pastRevision(revision);
    if (found === null) return null;
    const { committedContent } = this.#history.text;
    const undo = found.undo.compose(toSent);
    return {
      revision: when === "own" ? null : revision,
      text: applyChange(undo, committedContent),
      textRevision: isEmpty(toSent) ? revision : null,
      eol: found.eol,
      tags: tags ?? found.tags,
      since: invertChange(undo, committedContent).compose(sinceCommit),
      unseen: [],
    };
  }

  /**
   * The text that an earlier write of this round sent. All writes of such a chain have the base revision of the first.
   */
  #inThisRound(written: WrittenWrite, writes: RoundWrites): ResolvedBase {
    const { eol } = this.#history.text.metadata;
    const { baseRevision: revision, sent: text, sentTags: tags } = written.plan;
    return { revision, text, textRevision: null, eol, tags, since: writes.sinceSent(written), unseen: [] };
  }
}

function revisionText(revision: number): KnownText {
  return { revision, when: "later", toSent: NO_CHANGE, tags: null };
}
