import { WorkerEntrypoint } from "cloudflare:workers";
import { EXPANSION_BUDGETS, expand, type FetchedText } from "../language/expansion.ts";
import { type FragmentId, parseFragmentId } from "../language/fragment-id.ts";
import { utf8Length } from "../language/utf8.ts";
import type { Access } from "../protocol/access.ts";
import { done, type ErrorCode, type Refused, refusal, refused } from "../protocol/errors.ts";
import {
  type ExpandedText,
  type ExpandOptions,
  type ExpansionResult,
  shortenNames,
  unresolvedFault,
} from "../protocol/expansion.ts";
import { textFault } from "../protocol/fragment.ts";
import { MAX_CLOSURE_BYTES, MAX_CONTENT_BYTES } from "../protocol/limits.ts";
import { callerName, count, rateFault } from "./access/caller/caller-rates.ts";
import { Fragments } from "./fragments.ts";
import { digest } from "./http/digest.ts";

/** Raised when the same texts come to expand differently, so that no client is told that its old answer is current. */
const GRAMMAR = 2;

/** A text to expand, saved or not. */
export interface ExpandedSource {
  readonly content: string;
  /** The fragment whose text it is; null if it stands alone. */
  readonly id: string | null;
  /** The version of the fragment that has this text; null if it is not stored. */
  readonly version: number | null;
}

export interface Expanded {
  readonly expansion: ExpandedText;
  /**
   * Identifies the closure in an `ETag`. It changes when a fragment of the closure appears, disappears or gets another
   * revision.
   */
  readonly closureDigest: string;
}

/**
 * Expands texts, for REST and for the fragments' sockets. It is stateless and not a Durable Object, so fragments never
 * wait for each other, even if their inclusions form a cycle.
 */
export class Expander extends WorkerEntrypoint<Env> {
  /**
   * @param access of the one who asks: each fragment is read as this caller may read it
   * @param source what to expand
   * @throws when a fragment cannot be asked: an outage is never "not found"
   */
  async expand(
    access: Access,
    { content, id, version }: ExpandedSource,
    options: ExpandOptions,
  ): Promise<ExpansionResult<Expanded>> {
    const fault = textFault(content);
    if (fault !== null) return refuse("invalid_content", `The content ${fault}.`);
    if (utf8Length(content) > MAX_CONTENT_BYTES) {
      return refuse(
        "content_too_large",
        `The content must have at most ${MAX_CONTENT_BYTES} bytes of UTF-8.`,
      );
    }
    const caller = callerName(access);
    const flood = rateFault(this.env, caller, "expansions");
    if (flood !== null) return refused(flood);
    const parsed = id === null ? null : parseFragmentId(id);
    if (parsed !== null && !parsed.ok) return refuse("invalid_id", parsed.reason);
    const closure = new Closure(new Fragments(this.env, access));
    try {
      const { unresolved, dropsExtension } = options;
      const input = {
        content,
        root: parsed === null ? null : parsed.id,
        unresolved: unresolved === "error" ? "keep" : unresolved,
        dropsExtension,
      } as const;
      const fetchTexts = (ids: readonly FragmentId[]) => closure.fetch(ids);
      const expansion = await expand(input, fetchTexts, EXPANSION_BUDGETS, options.variables);
      const { expanded, dependencies, variables, closure: seen } = expansion;
      const warnings = shortenNames(expansion.warnings, unresolved);
      count(this.env, caller, "expansions", 1 + dependencies.length);
      const fault = unresolvedFault(options, warnings);
      if (fault !== null) return { ...refused(fault), warnings };
      const map = options.wantsMap ? expansion.sourceMap(version) : null;
      const closureDigest = await digest(JSON.stringify([GRAMMAR, ...[...seen].sort(byId)]));
      return done({ expansion: { expanded, dependencies, warnings, variables, map }, closureDigest });
    } catch (error) {
      if (!(error instanceof ClosureTooLarge)) throw error;
      return refuse("content_too_large", error.message);
    }
  }
}

function byId([a]: readonly [FragmentId, unknown], [b]: readonly [FragmentId, unknown]): number {
  return a < b ? -1 : 1;
}

function refuse(code: ErrorCode, message: string): Refused {
  return refused(refusal(code, message));
}

class ClosureTooLarge extends Error {}

/** The texts of one expansion, fetched from the fragments. */
class Closure {
  readonly #fragments: Fragments;
  #bytes = 0;

  constructor(fragments: Fragments) {
    this.#fragments = fragments;
  }

  async fetch(ids: readonly FragmentId[]): Promise<Map<FragmentId, FetchedText>> {
    const texts = new Map<FragmentId, FetchedText>();
    for await (const fragments of this.#fragments.readAll(ids)) {
      for (const fragment of fragments) {
        this.#bytes += utf8Length(fragment.content);
        // The fragment itself says so: it was made under this id.
        texts.set(fragment.id as FragmentId, { text: fragment.content, revision: fragment.version });
      }
      if (this.#bytes > MAX_CLOSURE_BYTES) {
        throw new ClosureTooLarge(
          `The included fragments have more than ${MAX_CLOSURE_BYTES} bytes together.`,
        );
      }
    }
    return texts;
  }
}
