import { utf8Length } from "../../language/utf8.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../protocol/errors.ts";
import type { Eol } from "../../protocol/fragment.ts";
import { MAX_CONTENT_BYTES } from "../../protocol/limits.ts";
import { type Answer, UNNAMED } from "../history/past-entry.ts";
import { difference } from "../text/difference.ts";
import type { CurrentText } from "../text/fragment-text.ts";
import { toSharedText } from "../text/line-ends.ts";
import {
  applyChange,
  carryOver,
  changeSize,
  invertChange,
  isEmpty,
  NO_CHANGE,
  rebaseChange,
  type TextChange,
} from "../text/text-change.ts";
import { type Remainder, withoutMade } from "./already-made.ts";
import { BaseResolver, type RoundState } from "./base-resolver.ts";
import { ComparedAhead } from "./compared-ahead.ts";
import { isSameRequest, REUSED, RepeatedRequests } from "./repeated-requests.ts";
import type { ResolvedBase } from "./resolved-base.ts";
import type { RevisionHistory } from "./revision-history.ts";
import { RoundWrites, type WritePlan } from "./round-writes.ts";
import { sparing } from "./unseen-text.ts";
import type { KnownText, Write, Written } from "./write.ts";
import { contentIntent, metadataIntent, noIntent } from "./write-intent.ts";

/**
 * The cost that one round may have, so that a flood of writes keeps nobody waiting for seconds. Each write is rebased
 * over those before it. A pass is one walk over the whole text, about 8 ms for 900 KB.
 */
const MAX_ROUND_CHANGES = 2_000;
const MAX_ROUND_UNITS = 64_000_000;
/** Candidate bases that cost one more pass. */
const CANDIDATES_PER_PASS = 3;

/** The committed text, as it is shown. */
interface CommittedText {
  readonly revision: number;
  readonly timeMs: number;
  readonly content: string;
  readonly eol: Eol;
}

/** The writes of one commit, one after the other, each on the text that the one before left. */
export class WriteRound {
  readonly #history: RevisionHistory;
  readonly #compared: ComparedAhead;
  readonly #resolver: BaseResolver;
  readonly #repeated: RepeatedRequests;
  readonly #writes = new RoundWrites();
  /** Writes that are not in the document: refused, or answered as they were before. */
  readonly #answered: { readonly write: Write; readonly result: Result<Written> }[] = [];
  readonly #updates: Uint8Array[] = [];
  /** From the text with the uncommitted edits of Yjs peers, which the round began with, back to the committed one. */
  readonly #undoUncommitted: TextChange;
  /** From the committed text to `#content`. */
  #sinceCommit: TextChange;
  #content: string;
  /** See `RoundWrites.undoToSent`; null until the round has run. */
  #undoToSent: readonly TextChange[] | null = null;

  constructor(history: RevisionHistory, nowMs: number, compared = new ComparedAhead()) {
    this.#history = history;
    this.#compared = compared;
    this.#resolver = new BaseResolver(history, nowMs);
    this.#repeated = new RepeatedRequests(history, this.#resolver, nowMs);
    this.#sinceCommit = history.text.changeSinceCommit();
    this.#content = applyChange(this.#sinceCommit, history.text.committedContent);
    this.#undoUncommitted = invertChange(this.#sinceCommit, history.text.committedContent);
  }

  /** The text that the round has made. */
  get text(): CurrentText {
    return { change: this.#sinceCommit, content: this.#content };
  }

  /** The document's updates, for the Yjs peers once they are durable. */
  get updates(): readonly Uint8Array[] {
    return this.#updates;
  }

  get authors(): Iterable<string> {
    return this.#writes.all.map(({ write }) => write.author);
  }

  /** Whether a request is among the writes, which the commit must remember even if nothing changed. */
  get hasRequests(): boolean {
    return this.#writes.all.some(({ write }) => write.request !== null);
  }

  /** The sessions that have written; null stands for REST. */
  get writers(): ReadonlySet<object | null> {
    return new Set(this.#writes.all.map(({ write }) => write.session));
  }

  get hasWritten(): boolean {
    return this.#writes.all.length > 0;
  }

  /**
   * Makes the writes, in order, as far as the cost of one round allows, but at least one.
   *
   * @returns the number of writes that it took; the rest is left to the next round
   */
  run(writes: readonly Write[], serverClientId: number): number {
    let changes = 0;
    let units = 0;
    for (const [index, write] of writes.entries()) {
      const known = write.base.kind === "likeliest" ? write.base.texts() : [];
      changes += write.content?.kind === "changes" ? write.content.changes.length : 1;
      units += this.#content.length * passesOf(write, known);
      if (index > 0 && (changes > MAX_ROUND_CHANGES || units > MAX_ROUND_UNITS)) return index;
      this.#take(write, known, serverClientId);
    }
    return writes.length;
  }

  /** The answers that the commit must remember. */
  answers(): Answer[] {
    const undos = this.#allUndoToSent();
    return this.#writes.all.flatMap(({ write, plan }, at): Answer[] => {
      const toSent = undos[at] ?? NO_CHANGE;
      if (write.request !== null) return [{ ...write.request, toSent }];
      // The text as it was sent is no revision, but its sender may build on it, or send it again.
      const isMerged = write.content !== null && !isEmpty(plan.change) && !isEmpty(toSent);
      return isMerged ? [{ client: "", requestId: UNNAMED, toSent }] : [];
    });
  }

  /** Answers every write, once the commit is durable. */
  answer(committed: CommittedText): void {
    for (const { write, result } of this.#answered) write.answer(result);
    const { revision, timeMs } = committed;
    const undos = this.#allUndoToSent();
    for (const [at, { write, repetitions, plan }] of this.#writes.all.entries()) {
      const isSame = plan.literal === null || plan.literal === committed.content;
      const result = done<Written>({
        revision,
        toSent: undos[at] ?? NO_CHANGE,
        content: isSame ? null : committed.content,
        isToSentExact: plan.literal === plan.sent && committed.eol === "lf",
        isRepetition: false,
        timeMs,
        baseRevision: plan.baseRevision,
      });
      for (const one of [write, ...repetitions]) one.answer(result);
    }
  }

  #take(write: Write, known: readonly KnownText[], serverClientId: number): void {
    if (this.#repeats(write)) return;
    const result = this.#repeated.answerTo(write) ?? this.#write(write, known, serverClientId);
    if (result !== null) this.#answered.push({ write, result });
  }

  /** Null if the write is in the document: it will be answered with the commit. */
  #write(write: Write, known: readonly KnownText[], serverClientId: number): Result<never> | null {
    const planned = this.#plan(write, known);
    if (!planned.ok) return planned;
    const { plan, content } = planned.value;
    const update = this.#history.text.write(serverClientId, plan.change, plan.metadata);
    if (update !== null) this.#updates.push(update);
    this.#writes.add(write, plan, invertChange(plan.change, this.#content));
    this.#sinceCommit = this.#sinceCommit.compose(plan.change);
    this.#content = content;
    return null;
  }

  /** Takes care to build no text twice: a text may have a megabyte, and a round 64 writes of it. */
  #plan(write: Write, known: readonly KnownText[]): Result<{ plan: WritePlan; content: string }> {
    const mismatch = this.#versionMismatch(write);
    if (mismatch !== null) return refused(mismatch);
    const found = this.#resolver.resolve(write, known, this.#state);
    if (found === null) {
      return refused(refusal("stale_base", "The base of this write is unknown or older than ten minutes."));
    }
    const content =
      write.content === null ? done(noIntent(found)) : contentIntent(write.content, found, this.#compared);
    if (!content.ok) return content;
    const intent = content.value;
    const { metadata } = this.#history.text;
    const metadataChange = metadataIntent(write.metadata ?? {}, found.tags, metadata);
    if (!metadataChange.ok) return metadataChange;

    const spared = sparing(intent.change, found.text, found.unseen);
    const { base, change: left } = this.#withoutMade(write, found, spared.change);
    let change = rebaseChange(left, base.since);
    let sinceSent = spared.restored.compose(carryOver(base.since, left));
    const isMerged = change !== intent.change || found.text !== this.#content;
    const made = isMerged ? applyChange(change, this.#content) : intent.sent;
    const mended = toSharedText(made);
    if (mended !== made) {
      const mend = difference(made, mended);
      change = change.compose(mend);
      sinceSent = sinceSent.compose(mend);
    }
    const bytes = this.#history.text.surelyFits(change) ? 0 : utf8Length(made);
    if (bytes > MAX_CONTENT_BYTES && changeSize(change) > 0) {
      const message = `The content would have ${bytes} bytes; at most ${MAX_CONTENT_BYTES}.`;
      return refused(refusal("content_too_large", message));
    }
    const eol = write.moved?.eol ?? intent.eol;
    const { sent } = intent;
    const plan: WritePlan = {
      change,
      metadata: { ...metadataChange.value, ...(eol === null || eol === metadata.eol ? {} : { eol }) },
      sent,
      sentTags: write.metadata?.tags ?? base.tags,
      literal: intent.literal === sent ? sent : intent.literal,
      baseRevision: base.revision,
      sinceSent,
    };
    return done({ plan, content: mended });
  }

  /** The change without what was already made since its base: see already-made.ts. */
  #withoutMade({ content }: Write, base: ResolvedBase, change: TextChange): Remainder {
    // Changes with positions are typed, and the same letter typed twice is no repetition.
    if (base.textRevision === null || content === null || content.kind === "changes") return { base, change };
    const steps = this.#resolver.stepsSince(base.textRevision, this.#state);
    return steps === null ? { base, change } : withoutMade(base, change, steps);
  }

  get #state(): RoundState {
    return {
      content: this.#content,
      sinceCommit: this.#sinceCommit,
      undoUncommitted: this.#undoUncommitted,
      writes: this.#writes,
    };
  }

  #versionMismatch({ expectedVersions }: Write): Refusal | null {
    if (expectedVersions === null) return null;
    const { current } = this.#history;
    const hasChanged = this.#updates.length > 0;
    if (!hasChanged && expectedVersions.includes(current)) return null;
    return refusal("version_mismatch", `The current version is ${hasChanged ? current + 1 : current}.`);
  }

  /** True if this request is in the round already: it is answered with its twin, and not written again. */
  #repeats(write: Write): boolean {
    const twin = write.request === null ? undefined : this.#writes.find(write.request);
    if (twin === undefined) return false;
    if (isSameRequest(twin.write.request, write.request)) twin.repetitions.push(write);
    else this.#answered.push({ write, result: REUSED });
    return true;
  }

  #allUndoToSent(): readonly TextChange[] {
    this.#undoToSent ??= this.#writes.undoToSent();
    return this.#undoToSent;
  }
}

/** How many passes over the text a write costs. */
function passesOf({ content }: Write, known: readonly KnownText[]): number {
  const substitutions = content?.kind === "substitutions" ? content.edits.length : 0;
  return 1 + substitutions + known.length / CANDIDATES_PER_PASS;
}
