import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { fromSharedText } from "../text/line-ends.ts";
import { applyChange, isEmpty } from "../text/text-change.ts";
import type { BaseResolver } from "./base-resolver.ts";
import type { RevisionHistory } from "./revision-history.ts";
import type { RequestKey, Write, Written } from "./write.ts";

/** The answer to another request under the key of an earlier one. */
export const REUSED = refused(
  refusal("idempotency_key_reused", "The key was used for another request in the last ten minutes."),
);

/** Answers requests again that were committed before, from what the past remembers of them. */
export class RepeatedRequests {
  readonly #history: RevisionHistory;
  readonly #resolver: BaseResolver;
  readonly #nowMs: number;

  constructor(history: RevisionHistory, resolver: BaseResolver, nowMs: number) {
    this.#history = history;
    this.#resolver = resolver;
    this.#nowMs = nowMs;
  }

  /** The answer to a request that was committed before; null if it was not. */
  answerTo(write: Write): Result<Written> | null {
    if (write.request === null) return null;
    const { past, text } = this.#history;
    const answered = past.answerTo(write.request.client, write.request.requestId, this.#nowMs);
    if (answered === null) return null;
    const { revision, timeMs, answer } = answered;
    if (!isSameRequest(answer, write.request)) return REUSED;
    const { toSent } = answer;
    const then = isEmpty(toSent) ? null : this.#resolver.pastRevision(revision);
    const content =
      then === null ? null : fromSharedText(applyChange(then.undo, text.committedContent), then.eol);
    const isToSentExact = then?.eol === "lf" && this.#wasSentWithLf(write);
    return done({ revision, toSent, content, isToSentExact, isRepetition: true, timeMs, baseRevision: null });
  }

  /** Whether the text that a repeated request sent had LF line ends. For an edit, those of its base decide. */
  #wasSentWithLf({ content, base }: Write): boolean {
    if (content === null || content.kind === "substitutions") return false;
    if (content.kind === "text") return !content.text.includes("\r\n");
    if (content.changes.some(({ insert }) => insert.includes("\r"))) return false;
    const revision =
      base.kind === "request" ? this.#revisionOf(base) : base.kind === "version" ? base.version : null;
    return revision !== null && this.#resolver.pastRevision(revision)?.eol === "lf";
  }

  #revisionOf({ client, requestId }: RequestKey): number | null {
    return this.#history.past.answerTo(client, requestId, this.#nowMs)?.revision ?? null;
  }
}

type Fingerprinted = Pick<RequestKey, "fingerprint"> | null;

/** Compares two requests under one key by their fingerprints. Those of earlier releases have none, and count as equal. */
export function isSameRequest(one: Fingerprinted, other: Fingerprinted): boolean {
  const [a, b] = [one?.fingerprint, other?.fingerprint];
  return a === undefined || b === undefined || a === b;
}
