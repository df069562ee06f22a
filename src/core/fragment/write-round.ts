import { utf8Length } from "../../language/utf8.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import { MAX_CONTENT_BYTES } from "../../protocol/limits.ts";
import type { Past } from "../history/past.ts";
import type { Answer } from "../history/past-entry.ts";
import { difference } from "../text/difference.ts";
import type { FragmentText } from "../text/fragment-text.ts";
import { fromSharedText, toSharedText } from "../text/line-ends.ts";
import type { MetadataChange } from "../text/shared-metadata.ts";
import {
  applyChange,
  carryOver,
  changeSize,
  composeAll,
  invertChange,
  isEmpty,
  NO_CHANGE,
  rebaseChange,
  type TextChange,
} from "../text/text-change.ts";
import { CommittedBases } from "./committed-bases.ts";
import { likeliestBase, type Resolved } from "./likeliest-base.ts";
import type { Base, ContentWrite, KnownText, RequestKey, Write, WriteResult } from "./write.ts";
import { NOTHING_MEANT, planContent, planMetadata } from "./write-plan.ts";

/** What a write does to the text as it stands when its turn comes. */
interface Plan {
  readonly change: TextChange;
  readonly metadata: MetadataChange;
  /** The text and the tags as the sender meant them (LF), and the text to the letter. */
  readonly sent: string;
  readonly sentTags: readonly string[];
  readonly literal: string | null;
  readonly baseRevision: number | null;
  /** From there to the text that this plan makes. */
  readonly sinceSent: TextChange;
}

/** A write in the document, with repetitions of the same request that came in the same round. */
interface Done {
  readonly write: Write;
  readonly repetitions: Write[];
  readonly plan: Plan;
  /** From what was sent to the text that so many of the round's writes have made: brought forward when it is asked for. */
  sinceSent: TextChange;
  writesSeen: number;
}

const REUSED: WriteResult = {
  kind: "refused",
  refusal: refusal("idempotency_key_reused", "The key was used for another request in the last ten minutes."),
};

/**
 * Each write of a round is rebased over those before it, and walks over the text a few times: so often as a passage
 * costs, about 8 ms for 900 KB.
 */
const MAX_ROUND_CHANGES = 2_000;
const MAX_ROUND_UNITS = 64_000_000;
/** So many texts that a write may be based on cost a passage more. */
const CANDIDATES_A_PASSAGE = 3;

/** Of the texts that crossed a sender's last one, the newest of so many code units are looked at. */
const MAX_CROSSING_UNITS = 1_000_000;

/**
 * How many of the writes that wait are one round: all of them, unless that would keep everybody waiting for seconds.
 * One at least.
 *
 * @param textUnits length of the text, in UTF-16 code units
 */
export function roundLength(writes: readonly Write[], textUnits: number): number {
  let changes = 0;
  let units = 0;
  const over = writes.findIndex(({ content, base }) => {
    changes += content?.kind === "changes" ? content.changes.length : 1;
    units += textUnits * passages(content, base);
    return changes > MAX_ROUND_CHANGES || units > MAX_ROUND_UNITS;
  });
  return over === -1 ? writes.length : Math.max(1, over);
}

function passages(content: ContentWrite | null, base: Base): number {
  const substitutions = content?.kind === "substitutions" ? content.edits.length : 0;
  const candidates = base.kind === "likeliest" ? base.texts().length : 0;
  return 1 + substitutions + candidates / CANDIDATES_A_PASSAGE;
}

/** The writes of one commit, one after the other, each on the text that the one before left. */
export class WriteRound {
  readonly #text: FragmentText;
  readonly #past: Past;
  readonly #revision: number;
  readonly #nowMs: number;
  /** From the committed text to now; at first the uncommitted edits of Yjs peers. */
  #since: TextChange;
  #content: string;
  readonly #done: Done[] = [];
  readonly #answered: { readonly write: Write; readonly result: WriteResult }[] = [];
  readonly #updates: Uint8Array[] = [];
  readonly #bases: CommittedBases;
  /** See `#waysToSent`; null until the round has run. */
  #ways: readonly TextChange[] | null = null;

  constructor(text: FragmentText, past: Past, revision: number, nowMs: number) {
    this.#text = text;
    this.#past = past;
    this.#revision = revision;
    this.#nowMs = nowMs;
    this.#since = text.changeSinceCommit();
    this.#content = applyChange(this.#since, text.committedContent);
    this.#bases = new CommittedBases(text, past, revision, nowMs);
  }

  /** The document's updates, for the Yjs peers once they are durable. */
  get updates(): readonly Uint8Array[] {
    return this.#updates;
  }

  get authors(): Iterable<string> {
    return this.#done.map(({ write }) => write.author);
  }

  get hasWritten(): boolean {
    return this.#done.length > 0;
  }

  run(writes: readonly Write[], serverClientId: number): void {
    for (const write of writes) {
      if (this.#repeats(write)) continue;
      const result = this.#answerAgain(write) ?? this.#write(write, serverClientId);
      if (result !== null) this.#answered.push({ write, result });
    }
  }

  /** What the commit has to remember of the requests in it. */
  answers(): Answer[] {
    const ways = this.#waysToSent();
    return this.#done.flatMap(({ write }, at) =>
      write.request === null ? [] : [{ ...write.request, toSent: ways[at] ?? NO_CHANGE }],
    );
  }

  /** Tells every writer what became of its write, once the commit is durable. */
  settle(committed: { readonly revision: number; readonly timeMs: number; readonly content: string }): void {
    for (const { write, result } of this.#answered) write.settle(result);
    const { revision, timeMs } = committed;
    const ways = this.#waysToSent();
    for (const [at, { write, repetitions, plan }] of this.#done.entries()) {
      const isSame = plan.literal === null || plan.literal === committed.content;
      const content = isSame ? null : committed.content;
      const toSent = ways[at] ?? NO_CHANGE;
      const { baseRevision } = plan;
      const answer = { revision, toSent, content, isRepetition: false, timeMs, baseRevision };
      const result: WriteResult = { kind: "written", ...answer };
      for (const one of [write, ...repetitions]) one.settle(result);
    }
  }

  /** Null: it is done, and settled with the commit. */
  #write(write: Write, serverClientId: number): WriteResult | null {
    const plan = this.#plan(write);
    if ("code" in plan) return { kind: "refused", refusal: plan };
    const update = this.#text.write(serverClientId, plan.change, plan.metadata);
    if (update !== null) this.#updates.push(update);
    this.#done.push({
      write,
      repetitions: [],
      plan,
      sinceSent: plan.sinceSent,
      writesSeen: this.#done.length + 1,
    });
    this.#since = this.#since.compose(plan.change);
    this.#content = applyChange(plan.change, this.#content);
    return null;
  }

  #plan(write: Write): Plan | Refusal {
    const { expectedVersions } = write;
    const hasChanged = this.#updates.length > 0;
    if (expectedVersions !== null && (hasChanged || !expectedVersions.includes(this.#revision))) {
      const current = hasChanged ? this.#revision + 1 : this.#revision;
      return refusal("version_mismatch", `The current version is ${current}.`);
    }
    const base = this.#resolve(write);
    if (base === null) {
      return refusal("stale_base", "The base of this write is unknown or older than ten minutes.");
    }
    const meant = write.content === null ? NOTHING_MEANT : planContent(write.content, base);
    if ("code" in meant) return meant;
    const { metadata } = this.#text;
    const metadataChange = planMetadata(write.metadata ?? {}, base.tags, metadata);
    if ("code" in metadataChange) return metadataChange;

    let change = rebaseChange(meant.change, base.since);
    let sinceSent = carryOver(base.since, meant.change);
    const made = applyChange(change, this.#content);
    if (made.includes("\r\n")) {
      const mend = difference(made, toSharedText(made));
      change = change.compose(mend);
      sinceSent = sinceSent.compose(mend);
    }
    const bytes = utf8Length(made);
    if (bytes > MAX_CONTENT_BYTES && changeSize(change) > 0) {
      const message = `The content would have ${bytes} bytes; at most ${MAX_CONTENT_BYTES}.`;
      return refusal("content_too_large", message);
    }
    const eol = write.moved?.eol ?? meant.eol;
    return {
      change,
      metadata: { ...metadataChange, ...(eol === null || eol === metadata.eol ? {} : { eol }) },
      sent: applyChange(meant.change, base.text),
      sentTags: write.metadata?.tags ?? base.tags,
      literal: meant.literal,
      baseRevision: base.revision,
      sinceSent,
    };
  }

  /** True if this request is in the round already: it is settled with its twin, and not written again. */
  #repeats(write: Write): boolean {
    const twin = write.request === null ? undefined : this.#find(write.request);
    if (twin === undefined) return false;
    if (twin.write.request?.fingerprint === write.request?.fingerprint) twin.repetitions.push(write);
    else this.#answered.push({ write, result: REUSED });
    return true;
  }

  /** The result of a request that was committed before. */
  #answerAgain(write: Write): WriteResult | null {
    if (write.request === null) return null;
    const past = this.#past.answerTo(write.request.client, write.request.requestId, this.#nowMs);
    if (past === null) return null;
    const { revision, timeMs, answer } = past;
    if (answer.fingerprint !== write.request.fingerprint) return REUSED;
    const way = isEmpty(answer.toSent) ? null : this.#bases.wayTo(revision);
    const content =
      way === null ? null : fromSharedText(applyChange(way.undo, this.#text.committedContent), way.then.eol);
    const { toSent } = answer;
    return { kind: "written", revision, toSent, content, isRepetition: true, timeMs, baseRevision: null };
  }

  #find({ client, requestId }: RequestKey): Done | undefined {
    return this.#done.find(
      ({ write }) => write.request?.client === client && write.request.requestId === requestId,
    );
  }

  #resolve(write: Write): Resolved | null {
    // Who names the version it replaces has not seen what is uncommitted: that is kept.
    const isBasedOnExpected = write.expectedVersions !== null && write.base.kind === "current";
    const base: Base = isBasedOnExpected ? { kind: "version", version: this.#revision } : write.base;
    switch (base.kind) {
      case "current": {
        const { eol, tags } = this.#text.metadata;
        const text = this.#content;
        return { revision: this.#revision, isCrossing: false, text, eol, tags, since: NO_CHANGE };
      }
      case "version":
        return this.#bases.at(
          { revision: base.version, when: "later", toSent: NO_CHANGE, tags: null },
          this.#since,
        );
      case "request": {
        const earlier = this.#find(base);
        if (earlier !== undefined) return this.#inThisRound(earlier);
        const past = this.#past.answerTo(base.client, base.requestId, this.#nowMs);
        if (past === null) return null;
        return this.#bases.at(
          { revision: past.revision, when: "own", toSent: past.answer.toSent, tags: null },
          this.#since,
        );
      }
      case "likeliest":
        return this.#likeliest(write, base.texts());
      default:
        return base satisfies never;
    }
  }

  #likeliest(write: Write, texts: readonly KnownText[]): Resolved | null {
    const own = this.#done.findLast(
      (one) =>
        one.write.session === write.session && (one.write.content === null) === (write.content === null),
    );
    const possible = texts
      // In this round it has one of its own that is newer, and what that was an edit of is behind it.
      .filter(
        ({ when, revision }) =>
          own === undefined || (when !== "own" && revision > (own.plan.baseRevision ?? 0)),
      )
      .map(
        (known): KnownText =>
          own !== undefined && known.revision <= own.write.seenRevision
            ? { ...known, when: "crossing" }
            : known,
      );
    const most = Math.max(2, Math.floor(MAX_CROSSING_UNITS / Math.max(1, this.#content.length)));
    const crossing = possible.filter(({ when }) => when === "crossing").slice(-most);
    const candidates = own === undefined ? [] : [this.#inThisRound(own)];
    for (const known of possible) {
      if (known.when === "crossing" && !crossing.includes(known)) continue;
      const resolved = this.#bases.at(known, this.#since);
      if (resolved !== null) candidates.push(resolved);
    }
    return likeliestBase(candidates, write.content, write.metadata?.tags);
  }

  #inThisRound(done: Done): Resolved {
    const { plan } = done;
    const later = this.#done.slice(done.writesSeen).map((one) => one.plan.change);
    done.sinceSent = done.sinceSent.compose(composeAll(later));
    done.writesSeen = this.#done.length;
    const { eol } = this.#text.metadata;
    // Of the last of its own in a row, what the first of them was an edit of.
    const { baseRevision: revision, sent: text, sentTags: tags } = plan;
    return { revision, isCrossing: false, text, eol, tags, since: done.sinceSent };
  }

  /**
   * Of each write in the document, the way back from the text that the round made to what was sent. From the last to
   * the first, so that what came after a write is composed once for all before it.
   */
  #waysToSent(): readonly TextChange[] {
    if (this.#ways === null) {
      let later = NO_CHANGE;
      const ways = this.#done.toReversed().map(({ plan }) => {
        const way = invertChange(plan.sinceSent.compose(later), plan.sent);
        later = plan.change.compose(later);
        return way;
      });
      this.#ways = ways.reverse();
    }
    return this.#ways;
  }
}
