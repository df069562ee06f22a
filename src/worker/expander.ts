import { WorkerEntrypoint } from "cloudflare:workers";
import { expand, type FetchedText } from "../language/expansion.ts";
import { type FragmentId, parseFragmentId } from "../language/fragment-id.ts";
import { utf8Length } from "../language/utf8.ts";
import type { Access } from "../protocol/access.ts";
import { done, type ErrorCode, type Refused, type Result, refusal, refused } from "../protocol/errors.ts";
import { textFault } from "../protocol/fragment.ts";
import { MAX_CLOSURE_BYTES, MAX_CONTENT_BYTES } from "../protocol/limits.ts";
import type { ExpansionResult } from "../protocol/rest.ts";
import { Fragments } from "./fragments.ts";
import { digest } from "./http/digest.ts";

export interface Expanded {
  readonly expansion: ExpansionResult;
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
   * @param content the text to expand, saved or not
   * @param root the id of the fragment whose text it is; null if it stands alone
   * @param isOldClient reads the names of inclusions as the old system did (`dropsExtension`)
   * @throws when a fragment cannot be asked: an outage is never "not found"
   */
  async expand(
    access: Access,
    content: string,
    root: string | null,
    isOldClient = false,
  ): Promise<Result<Expanded>> {
    const fault = textFault(content);
    if (fault !== null) return refuse("invalid_content", `The content ${fault}.`);
    if (utf8Length(content) > MAX_CONTENT_BYTES) {
      return refuse(
        "content_too_large",
        `The content must have at most ${MAX_CONTENT_BYTES} bytes of UTF-8.`,
      );
    }
    const parsed = root === null ? null : parseFragmentId(root);
    if (parsed !== null && !parsed.ok) return refuse("invalid_id", parsed.reason);
    const closure = new Closure(new Fragments(this.env, access));
    try {
      const input = { content, root: parsed === null ? null : parsed.id, dropsExtension: isOldClient };
      const expansion = await expand(input, (ids) => closure.fetch(ids));
      const { expanded, dependencies, warnings, closure: seen } = expansion;
      const closureDigest = await digest(JSON.stringify([...seen].sort(byId)));
      return done({ expansion: { expanded, dependencies, warnings }, closureDigest });
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
