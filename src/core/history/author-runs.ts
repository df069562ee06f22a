import { ANONYMOUS } from "../../protocol/access.ts";
import type { Authorship } from "./past-entry.ts";

/** Consecutive commits, and the principals that wrote in them. */
export interface AuthorRun {
  /** The first and the last of its revisions. */
  readonly from: number;
  readonly to: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Ids of principals, sorted. */
  readonly authors: readonly string[];
  /** Each of the authors wrote in each of the commits. If not, each wrote in at least one of them. */
  readonly isExact: boolean;
  /** False if there were more authors than one run names. */
  readonly isComplete: boolean;
}

/** One run of more authors names the first of them, in the order of their ids. */
export const MAX_RUN_AUTHORS = 256;

/** Commits of the same authors that lie further apart are two runs, so that the time of each is known. */
const PAUSE_MS = 10 * 60 * 1000;

export function runOf({ revision, timeMs, authors }: Authorship): AuthorRun {
  const run = { from: revision, to: revision, fromMs: timeMs, toMs: timeMs, isExact: true, isComplete: true };
  return named(run, authors);
}

/**
 * Merges neighbours: those with the same authors, and with a grain above 0 also those whose commits were made in the same
 * span of that length. Sessions of anonymous callers are then one author.
 */
export function mergeRuns(runs: Iterable<AuthorRun>, grainMs = 0): AuthorRun[] {
  const merged: AuthorRun[] = [];
  for (const one of runs) {
    const run = grainMs === 0 ? one : named(one, one.authors.map(withoutSession));
    const last = merged.at(-1);
    const both = last === undefined ? null : join(last, run, grainMs);
    if (both === null) merged.push(run);
    else merged[merged.length - 1] = both;
  }
  return merged;
}

/** Null if they stay apart. Where a revision between them is not known, nobody may be said to have written it. */
function join(a: AuthorRun, b: AuthorRun, grainMs: number): AuthorRun | null {
  if (b.from !== a.to + 1) return null;
  const isSame = a.isExact === b.isExact && a.isComplete === b.isComplete && hasSameAuthors(a, b);
  const fromMs = Math.min(a.fromMs, b.fromMs); // the clock may have been set back
  const toMs = Math.max(a.toMs, b.toMs);
  const whole = { ...a, to: b.to, fromMs, toMs };
  if (isSame && b.fromMs - a.toMs <= Math.max(PAUSE_MS, grainMs)) return whole;
  if (grainMs === 0 || Math.floor(fromMs / grainMs) !== Math.floor(toMs / grainMs)) return null;
  const isComplete = a.isComplete && b.isComplete;
  return named({ ...whole, isExact: isSame && a.isExact, isComplete }, [...a.authors, ...b.authors]);
}

function named(run: Omit<AuthorRun, "authors">, authors: readonly string[]): AuthorRun {
  const sorted = [...new Set(authors)].sort();
  const isComplete = run.isComplete && sorted.length <= MAX_RUN_AUTHORS;
  return { ...run, isComplete, authors: sorted.slice(0, MAX_RUN_AUTHORS) };
}

function withoutSession(author: string): string {
  return author.startsWith(`${ANONYMOUS.id}:`) ? ANONYMOUS.id : author;
}

function hasSameAuthors(a: AuthorRun, b: AuthorRun): boolean {
  return a.authors.length === b.authors.length && a.authors.every((author, at) => author === b.authors[at]);
}
