import Delta from "quill-delta";
import { utf8Length } from "../../language/utf8.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import { type Eol, type Metadata, textFault } from "../../protocol/fragment.ts";
import type { Change } from "../../protocol/json-frames.ts";
import { MAX_CONTENT_BYTES, MAX_TAGS } from "../../protocol/limits.ts";
import type { Past } from "../history/past.ts";
import { difference } from "../text/difference.ts";
import { detectEol, fromSharedText, toSharedText } from "../text/line-ends.ts";
import { type MetadataChange, type SharedMetadata, sameTags } from "../text/shared-metadata.ts";
import {
  applyChange,
  carryOver,
  changeSize,
  fromChanges,
  invertChange,
  NO_CHANGE,
  rebaseChange,
  type TextChange,
} from "../text/text-change.ts";

/** A client's own name, or its session's id, and the id that it gave the request. */
export interface RequestKey {
  readonly client: string;
  readonly requestId: string;
}

/** A write that the server makes for a JSON session or a REST request, on the text its sender had in mind. */
export interface Write {
  readonly content: ContentWrite | null;
  readonly metadata: Partial<Metadata> | null;
  readonly base: Base;
  /** Only if the current version is among these, and nobody else's write came before in the same commit. */
  readonly expectedVersions: readonly number[] | null;
  readonly author: string;
  /** Under what a repetition is known again. */
  readonly request: RequestKey | null;
  settle(result: WriteResult): void;
}

export type ContentWrite =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "changes"; readonly changes: readonly Change[] }
  /** Each `old` is to be found exactly once in the text as the substitutions before left it. */
  | {
      readonly kind: "substitutions";
      readonly edits: readonly { readonly old: string; readonly new: string }[];
    };

export type Base =
  /** Whatever the text is when the write's turn comes. */
  | { readonly kind: "current" }
  | { readonly kind: "version"; readonly version: number }
  | ({ readonly kind: "request" } & RequestKey)
  /** The one of these that differs least from the text received; the later on a tie. */
  | { readonly kind: "likeliest"; readonly author: object; readonly texts: readonly KnownText[] };

/** A text that a session may have before its eyes: a revision's, or its own as it sent it. */
export interface KnownText {
  readonly revision: number;
  readonly toSent: TextChange;
}

export type WriteResult =
  | {
      readonly kind: "written";
      readonly revision: number;
      /** From the committed text back to what was sent; empty where they are the same. */
      readonly toSent: TextChange;
      /** The committed text as it is shown, where it is not what was sent. */
      readonly content: string | null;
      /** The request was committed before and is only answered again. */
      readonly isRepetition: boolean;
      /** When it was committed. */
      readonly timeMs: number;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** A text, and what happened to it up to now. */
interface Resolved {
  readonly text: string;
  readonly eol: Eol;
  readonly tags: readonly string[];
  readonly since: TextChange;
}

export interface Plan {
  readonly change: TextChange;
  readonly metadata: MetadataChange;
  /** The text as the sender meant it (LF). */
  readonly sent: string;
  /** The tags as the sender meant them. */
  readonly sentTags: readonly string[];
  /** From there to the text that this plan makes. */
  readonly sinceSent: TextChange;
  /** Line ends were changed, so that even without a merge the sender's text differs. */
  readonly isMended: boolean;
}

/** A write in the document, with repetitions of the same request that came in the same round. */
interface Done {
  readonly write: Write;
  readonly repetitions: Write[];
  readonly plan: Plan;
  /** From what was sent to the text as it is by now. */
  sinceSent: TextChange;
}

/**
 * The writes of one commit, each planned on the text that the one before left. The plans change nothing; the
 * room writes each into the document before it asks for the next.
 */
export class WriteRound {
  readonly #past: Past;
  readonly #revision: number;
  readonly #committed: { readonly content: string; readonly metadata: SharedMetadata };
  readonly #nowMs: number;
  /** From the committed text to now. */
  #since: TextChange;
  #content: string;
  readonly #done: Done[] = [];

  /** @param since uncommitted edits of Yjs peers, which are in the document already */
  constructor(
    past: Past,
    revision: number,
    committed: { readonly content: string; readonly metadata: SharedMetadata },
    since: TextChange,
    nowMs: number,
  ) {
    this.#past = past;
    this.#revision = revision;
    this.#committed = committed;
    this.#since = since;
    this.#content = applyChange(since, committed.content);
    this.#nowMs = nowMs;
  }

  /** @param metadata as it stands now, with the writes before */
  plan(write: Write, metadata: SharedMetadata): Plan | Refusal {
    if (
      write.expectedVersions !== null &&
      (!write.expectedVersions.includes(this.#revision) || this.#done.length > 0)
    ) {
      return refusal("version_mismatch", `The current version is ${this.#revision}.`);
    }
    const base = this.#resolve(write, metadata);
    if (base === null) {
      return refusal("stale_base", "The base of this write is unknown or older than ten minutes.");
    }
    const meant =
      write.content === null ? { change: NO_CHANGE, eol: null } : planContent(write.content, base);
    if ("code" in meant) return meant;
    const metadataChange = planMetadata(write.metadata ?? {}, base.tags, metadata);
    if ("code" in metadataChange) return metadataChange;

    const sent = applyChange(meant.change, base.text);
    let change = rebaseChange(meant.change, base.since);
    let sinceSent = carryOver(base.since, meant.change);
    const made = applyChange(change, this.#content);
    let isMended = false;
    if (made.includes("\r\n")) {
      const mend = difference(made, toSharedText(made));
      change = change.compose(mend);
      sinceSent = sinceSent.compose(mend);
      isMended = true;
    }
    const bytes = utf8Length(made);
    if (bytes > MAX_CONTENT_BYTES && changeSize(change) > 0) {
      return refusal(
        "content_too_large",
        `The content would have ${bytes} bytes; at most ${MAX_CONTENT_BYTES}.`,
      );
    }
    const eol = meant.eol === null || meant.eol === metadata.eol ? {} : { eol: meant.eol };
    const sentTags = write.metadata?.tags ?? base.tags;
    return { change, metadata: { ...metadataChange, ...eol }, sent, sentTags, sinceSent, isMended };
  }

  /** Takes a plan that was written into the document. */
  wrote(write: Write, plan: Plan): void {
    for (const earlier of this.#done) earlier.sinceSent = earlier.sinceSent.compose(plan.change);
    this.#done.push({ write, repetitions: [], plan, sinceSent: plan.sinceSent });
    this.#since = this.#since.compose(plan.change);
    this.#content = applyChange(plan.change, this.#content);
  }

  /** True if this request is in the round already: it is settled with its twin, and not written again. */
  repeats(write: Write): boolean {
    const twin = write.request === null ? undefined : this.#find(write.request);
    twin?.repetitions.push(write);
    return twin !== undefined;
  }

  /** For each write done: the way back from the final text to what was sent. */
  *results(): Iterable<{
    write: Write;
    repetitions: readonly Write[];
    toSent: TextChange;
    isMended: boolean;
  }> {
    for (const { write, repetitions, plan, sinceSent } of this.#done) {
      yield { write, repetitions, toSent: invertChange(sinceSent, plan.sent), isMended: plan.isMended };
    }
  }

  #find({ client, requestId }: RequestKey): Done | undefined {
    return this.#done.find(
      ({ write }) => write.request?.client === client && write.request.requestId === requestId,
    );
  }

  #resolve(write: Write, metadata: SharedMetadata): Resolved | null {
    const { content } = write;
    // Who names the version it replaces has not seen what is uncommitted: that is kept.
    const base: Base =
      write.expectedVersions === null ? write.base : { kind: "version", version: this.#revision };
    switch (base.kind) {
      case "current":
        return { text: this.#content, eol: metadata.eol, tags: metadata.tags, since: NO_CHANGE };
      case "version":
        return this.#at({ revision: base.version, toSent: NO_CHANGE });
      case "request": {
        const earlier = this.#find(base);
        if (earlier !== undefined) return this.#inThisRound(earlier, metadata);
        const past = this.#past.answerTo(base.client, base.requestId, this.#nowMs);
        return past === null ? null : this.#at({ revision: past.revision, toSent: past.answer.toSent });
      }
      case "likeliest": {
        const own = this.#lastOwn(base.author, content !== null);
        const before = own?.write.base.kind === "likeliest" ? own.write.base.texts : [];
        const candidates = own === undefined ? [] : [this.#inThisRound(own, metadata)];
        for (const known of base.texts) {
          // What was sent to it before its own last write is behind it.
          if (before.some(({ revision }) => revision === known.revision)) continue;
          const resolved = this.#at(known);
          if (resolved !== null) candidates.push(resolved);
        }
        return likeliest(candidates, content, write.metadata?.tags);
      }
      default:
        return base satisfies never;
    }
  }

  #inThisRound(earlier: Done, metadata: SharedMetadata): Resolved {
    const { sent, sentTags } = earlier.plan;
    return { text: sent, eol: metadata.eol, tags: sentTags, since: earlier.sinceSent };
  }

  /** The last write in this round of one who names no base: of a content, or of metadata only. */
  #lastOwn(author: object, hasContent: boolean): Done | undefined {
    return this.#done.findLast(({ write: { base, content } }) => {
      return base.kind === "likeliest" && base.author === author && (content !== null) === hasContent;
    });
  }

  #at(known: KnownText): Resolved | null {
    const undo = this.#past.undoTo(known.revision, this.#revision, this.#nowMs);
    const { content, metadata } = this.#committed;
    const then = this.#past.metadataAt(known.revision, this.#revision, metadata, this.#nowMs);
    if (undo === null || then === null) return null;
    const back = undo.compose(known.toSent);
    const text = applyChange(back, content);
    return { text, eol: then.eol, tags: then.tags, since: invertChange(back, content).compose(this.#since) };
  }
}

function likeliest(
  candidates: readonly Resolved[],
  content: ContentWrite | null,
  tags: readonly string[] | undefined,
): Resolved | null {
  let best: Resolved | null = null;
  let least = Number.POSITIVE_INFINITY;
  const text = content?.kind === "text" ? toSharedText(content.text) : null;
  for (const candidate of candidates) {
    const distance =
      text !== null
        ? changeSize(difference(candidate.text, text))
        : tags !== undefined
          ? tagDistance(candidate.tags, tags)
          : 0;
    if (distance > least) continue;
    best = candidate;
    least = distance;
  }
  return best;
}

function tagDistance(a: readonly string[], b: readonly string[]): number {
  return a.filter((tag) => !b.includes(tag)).length + b.filter((tag) => !a.includes(tag)).length;
}

type Meant = { readonly change: TextChange; readonly eol: Eol | null };

function planContent(write: ContentWrite, base: Resolved): Meant | Refusal {
  switch (write.kind) {
    case "text": {
      const fault = textFault(write.text);
      if (fault !== null) return refusal("invalid_content", `The content ${fault}.`);
      const eol = write.text.includes("\n") ? detectEol(write.text) : null;
      return { change: difference(base.text, toSharedText(write.text)), eol };
    }
    case "changes":
      return planChanges(write.changes, base);
    case "substitutions":
      return planSubstitutions(write.edits, base);
    default:
      return write satisfies never;
  }
}

function planChanges(changes: readonly Change[], base: Resolved): Meant | Refusal {
  for (const { insert } of changes) {
    const fault = textFault(insert);
    if (fault !== null) return refusal("invalid_content", `The inserted text ${fault}.`);
  }
  const shown = fromSharedText(base.text, base.eol);
  const change = fromChanges(changes, shown);
  if ("code" in change) return change;
  return { change: base.eol === "crlf" ? toSharedChange(change, shown) : change, eol: null };
}

/** The same change on the shared text, where each CRLF of the shown text is one LF. */
function toSharedChange(change: TextChange, shown: string): TextChange {
  const shared = new Delta();
  let at = 0;
  for (const op of change.ops) {
    if (typeof op.insert === "string") {
      shared.insert(toSharedText(op.insert));
      continue;
    }
    const length = typeof op.retain === "number" ? op.retain : (op.delete ?? 0);
    const sharedLength = toSharedText(shown.slice(at, at + length)).length;
    at += length;
    if (op.delete === undefined) shared.retain(sharedLength);
    else shared.delete(sharedLength);
  }
  return shared.chop();
}

function planSubstitutions(
  edits: readonly { readonly old: string; readonly new: string }[],
  base: Resolved,
): Meant | Refusal {
  let change: TextChange = new Delta();
  let text = base.text;
  for (const [index, edit] of edits.entries()) {
    const fault = textFault(edit.new);
    if (fault !== null) return refusal("invalid_content", `edits.${index}.new ${fault}.`);
    const old = toSharedText(edit.old);
    const matches = countMatches(text, old);
    if (matches !== 1) {
      return refusal(
        "no_single_match",
        `edits.${index}.old matches ${matches} times; it must match exactly once.`,
      );
    }
    const step = new Delta().retain(text.indexOf(old)).insert(toSharedText(edit.new)).delete(old.length);
    change = change.compose(step);
    text = applyChange(step, text);
  }
  return { change, eol: null };
}

function planMetadata(
  write: Partial<Metadata>,
  baseTags: readonly string[],
  current: SharedMetadata,
): MetadataChange | Refusal {
  const { description, prompt_type, tags } = write;
  if (tags === undefined || sameTags(tags, baseTags)) return { description, prompt_type };
  const remove = baseTags.filter((tag) => !tags.includes(tag));
  // A tag that the sender merely left as it was may have been removed by somebody else.
  const isWanted = (tag: string) => current.tags.includes(tag) || !baseTags.includes(tag);
  const keep = [...new Set(tags)].filter(isWanted);
  const left = current.tags.filter((tag) => !remove.includes(tag));
  if (new Set([...left, ...keep]).size > MAX_TAGS) {
    return refusal("invalid_metadata", `tags: with the tags of others there would be more than ${MAX_TAGS}.`);
  }
  return { description, prompt_type, tags: { keep, remove } };
}

/** Overlapping ones count each: "aa" stands twice in "aaa". */
function countMatches(text: string, part: string): number {
  if (part === "") return text.length + 1;
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) count++;
  return count;
}
