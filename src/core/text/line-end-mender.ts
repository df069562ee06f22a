import * as Y from "yjs";
import { itemAt } from "./neighbour-order.ts";
import { ROOTS } from "./roots.ts";
import { applySplit, Cuts } from "./split-items.ts";
import { type DeleteSet, UpdateBuilder } from "./update-builder.ts";
import type { ScannedDelete } from "./update-scan.ts";

const CR = 0x0d;
const LF = 0x0a;

/** About this many CRs are deleted in one step. Each makes two more items of the document, and costs about 4 µs. */
const STEP_RETURNS = 2_000;

/**
 * Deletes the CRs of the CRLFs that Yjs peers write, in steps: a pasted file has tens of thousands of them. A text
 * without CRs is never walked.
 *
 * A step walks on from where the one before ended, so that all steps together are one walk over the text.
 */
export class LineEndMender {
  /** Whether the text may hold a CR. */
  #hasReturns: boolean;
  /** Whether the text up to `#next` holds CRs that stay. */
  #hasOthers = false;
  /** Where the next step begins: at the start of the text, or at this character. Null if no CRLF is left. */
  #next: "start" | Y.ID | null = null;
  readonly #stepReturns: number;

  /** @param content holds no CRLF */
  constructor(content: string, stepReturns = STEP_RETURNS) {
    this.#hasReturns = content.includes("\r");
    this.#stepReturns = stepReturns;
  }

  /** Whether the text may still hold CRLFs, so that `step` must be called. */
  get isUnderWay(): boolean {
    return this.#next !== null;
  }

  /** The server has written this text. It makes no CRLF, but a lone CR in it can become one. */
  noteWritten(inserted: string): void {
    this.#hasReturns ||= inserted.includes("\r");
  }

  /** Peers have changed the text. Anywhere in it, a lone CR may have become a CRLF. */
  begin(insertsReturns: boolean): void {
    this.#hasReturns ||= insertsReturns;
    if (!this.#hasReturns) return;
    this.#next = "start";
    this.#hasOthers = false;
  }

  /** Deletes the next CRs. Returns the deletes; null if there was nothing to delete. */
  step(doc: Y.Doc): DeleteSet | null {
    if (this.#next === null) return null;
    const { returns, hasOthers, next } = findCrlfs(this.#startIn(doc, this.#next), this.#stepReturns);
    this.#hasOthers ||= hasOthers;
    this.#next = next;
    if (next === null) this.#hasReturns = this.#hasOthers;
    return returns.length === 0 ? null : deleteAll(doc, returns);
  }

  #startIn(doc: Y.Doc, next: "start" | Y.ID): Y.Item | null {
    const item = next === "start" ? null : itemAt(doc, next.client, next.clock);
    return item ?? doc.getText(ROOTS.content)._start;
  }
}

interface Found {
  /** The ranges of one client may be in any order. */
  readonly returns: ScannedDelete[];
  /** Whether there are CRs that stay. */
  readonly hasOthers: boolean;
  /** The last LF that was found with a CR before it: the walk goes on there. Null at the end of the text. */
  readonly next: Y.ID | null;
}

/**
 * The next CRs to delete for LF line ends: all CRs right before an LF, since any one left over would make a CRLF again.
 *
 * @param start no CR stands right before it; null if the text is empty
 * @param most once this many are found, the search ends with their line end
 */
function findCrlfs(start: Y.Item | null, most: number): Found {
  const returns: ScannedDelete[] = [];
  let hasOthers = false;
  /** The CRs right before the current place of the walk; they can stand in several items. */
  let run: ScannedDelete[] = [];
  for (let item = start; item !== null; item = item.right) {
    if (item.deleted || !(item.content instanceof Y.ContentString)) continue;
    const { client, clock } = item.id;
    const { str } = item.content;
    for (let at = 0; at !== -1; ) {
      let end = at;
      while (str.charCodeAt(end) === CR) end++;
      if (end > at) run.push({ client, clock: clock + at, length: end - at });
      if (end === str.length) break;
      if (str.charCodeAt(end) === LF) {
        returns.push(...run);
        if (returns.length >= most) return { returns, hasOthers, next: Y.createID(client, clock + end) };
      } else hasOthers ||= run.length > 0;
      run = [];
      at = str.indexOf("\r", end);
    }
  }
  return { returns, hasOthers: hasOthers || run.length > 0, next: null };
}

function deleteAll(doc: Y.Doc, ranges: readonly ScannedDelete[]): DeleteSet {
  const update = new UpdateBuilder();
  const cuts = new Cuts({ areFinal: true });
  for (const range of ranges) {
    update.addDelete(range);
    cuts.addRange(range);
  }
  return applySplit(doc, update.encode(), cuts);
}
