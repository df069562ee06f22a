/**
 * The pure half of expansion: one depth-first walk that resolves the markers of a text from fragments already loaded.
 *
 * Fragments that it meets and does not have are named in `wanted`; the walk is then only a rehearsal, to be run again
 * when they are loaded. A rehearsal counts an unloaded inclusion as no bytes and no further inclusions, so it never
 * reaches a limit earlier than the real walk, and so never misses a fragment that the real walk will ask for.
 *
 * Invariant: `#outputBytes` is the size of the output if no further marker were resolved. Each text met is part of
 * that size, which bounds the scanning too.
 */
import { type FragmentId, parseFragmentId } from "./fragment-id.ts";
import { dropExtension, scanInclusions } from "./inclusion.ts";
import { utf8Length } from "./utf8.ts";

export interface ExpansionInput {
  readonly content: string;
  /** The fragment whose text `content` is, if it is one: an inclusion of it is a self-reference at any depth. */
  readonly root: FragmentId | null;
  /**
   * As in the old system: one `.md` at the end of a name never belongs to the name. Otherwise the fragment of exactly
   * this name comes first, and the one without `.md` only if there is none.
   */
  readonly dropsExtension?: boolean;
}

export interface ExpansionBudgets {
  /**
   * Texts up to this many inclusions below the content are resolved; those of the next level are inserted as they are.
   */
  readonly depth: number;
  /** Distinct fragments asked for, whether they exist or not: each is one request to another object. */
  readonly fragments: number;
  /** Markers met, however they end: this bounds the work and the number of warnings. */
  readonly inclusions: number;
  /** Size of the expanded text in UTF-8. */
  readonly outputBytes: number;
}

export interface LoadedText {
  readonly text: string;
  readonly bytes: number;
}

/** The fragments asked for so far; null stands for one that does not exist. */
export type LoadedTexts = ReadonlyMap<FragmentId, LoadedText | null>;

export interface Assembly {
  /** The expanded text in pieces, so that a rehearsal need not join them. */
  readonly pieces: readonly string[];
  /** Fragments included, in order of first inclusion; never the root. */
  readonly dependencies: ReadonlySet<FragmentId>;
  /** In order of encounter, with repeats. */
  readonly warnings: readonly string[];
  /** Fragments to load before this result counts; empty when it is the real one. */
  readonly wanted: ReadonlySet<FragmentId>;
}

/**
 * Expands `input` with the texts `loaded` so far. Never fails: a marker without a text becomes a notice and a warning.
 */
export function assemble(input: ExpansionInput, loaded: LoadedTexts, budgets: ExpansionBudgets): Assembly {
  return new Walk(input, loaded, budgets).run();
}

/** The outcome for one marker. `left` stays as written; `wanted` is known at the next rehearsal. */
type Resolution =
  | { readonly kind: "text"; readonly id: FragmentId; readonly loaded: LoadedText }
  | { readonly kind: "notice"; readonly notice: string; readonly warning: string }
  | { readonly kind: "left" }
  | { readonly kind: "wanted" };

class Walk {
  readonly #input: ExpansionInput;
  readonly #loaded: LoadedTexts;
  readonly #budgets: ExpansionBudgets;
  readonly #pieces: string[] = [];
  readonly #dependencies = new Set<FragmentId>();
  readonly #warnings: string[] = [];
  readonly #wanted = new Set<FragmentId>();
  /** The fragments that enclose the current position. */
  readonly #chain = new Set<FragmentId>();
  #outputBytes: number;
  #inclusionsMet = 0;
  /** Set at the limits of inclusions and output: from there on every marker stays as written. */
  #isHalted = false;
  #isFragmentLimitReported = false;

  constructor(input: ExpansionInput, loaded: LoadedTexts, budgets: ExpansionBudgets) {
    this.#input = input;
    this.#loaded = loaded;
    this.#budgets = budgets;
    this.#outputBytes = utf8Length(input.content);
  }

  run(): Assembly {
    this.#walk(this.#input.content, 0);
    return {
      pieces: this.#pieces,
      dependencies: this.#dependencies,
      warnings: this.#warnings,
      wanted: this.#wanted,
    };
  }

  #walk(text: string, depth: number): void {
    if (depth > this.#budgets.depth) {
      this.#warnings.push("Maximum inclusion depth reached, stopping recursion");
      this.#pieces.push(text);
      return;
    }
    let copiedTo = 0;
    for (const { name, start, end } of scanInclusions(text)) {
      if (!this.#takeInclusion()) break;
      const resolution = this.#resolve(name);
      if (resolution.kind === "left") continue;

      const markerBytes = utf8Length(text.slice(start, end));
      if (resolution.kind === "wanted") {
        this.#outputBytes -= markerBytes;
        continue;
      }
      const addedBytes = resolution.kind === "text" ? resolution.loaded.bytes : utf8Length(resolution.notice);
      if (!this.#takeBytes(addedBytes - markerBytes)) break;

      this.#pieces.push(text.slice(copiedTo, start));
      copiedTo = end;
      if (resolution.kind === "text") {
        this.#include(resolution.id, resolution.loaded.text, depth + 1);
      } else {
        this.#pieces.push(resolution.notice);
        this.#warnings.push(resolution.warning);
      }
    }
    this.#pieces.push(text.slice(copiedTo));
  }

  #include(id: FragmentId, text: string, depth: number): void {
    this.#dependencies.add(id);
    this.#chain.add(id);
    this.#walk(text, depth);
    this.#chain.delete(id);
  }

  #resolve(written: string): Resolution {
    const name = dropExtension(written);
    if (name === written || this.#input.dropsExtension === true)
      return this.#resolveName(name) ?? notFound(name);
    const exact = this.#resolveName(written);
    // Both are asked for on the same level.
    if (exact?.kind === "wanted") this.#resolveName(name);
    return exact ?? this.#resolveName(name) ?? notFound(name);
  }

  /**
   * Compares canonical ids, but shows the name as written. The notices and their order are the old system's contract.
   * Null if there is no such fragment.
   */
  #resolveName(name: string): Resolution | null {
    const parsed = parseFragmentId(name);
    if (!parsed.ok) return null;
    const { id } = parsed;
    if (id === this.#input.root) {
      return {
        kind: "notice",
        notice: `[[SELF-REFERENCE: ${name}]]`,
        warning: `Self-reference detected: Prompt '${name}' would create a circular reference`,
      };
    }
    if (this.#chain.has(id)) {
      return {
        kind: "notice",
        notice: `[[CIRCULAR DEPENDENCY: ${name}]]`,
        warning: `Circular dependency detected: '${name}' has already been included in this expansion chain`,
      };
    }
    const loaded = this.#loaded.get(id);
    if (loaded === undefined) return this.#want(id);
    return loaded === null ? null : { kind: "text", id, loaded };
  }

  #want(id: FragmentId): Resolution {
    if (this.#wanted.has(id)) return { kind: "wanted" };
    if (this.#loaded.size + this.#wanted.size < this.#budgets.fragments) {
      this.#wanted.add(id);
      return { kind: "wanted" };
    }
    if (!this.#isFragmentLimitReported) {
      this.#isFragmentLimitReported = true;
      this.#warnings.push(
        `Fragment limit reached: inclusions of more than ${this.#budgets.fragments} distinct fragments are left as written`,
      );
    }
    return { kind: "left" };
  }

  #takeInclusion(): boolean {
    if (this.#isHalted) return false;
    if (this.#inclusionsMet >= this.#budgets.inclusions) {
      return this.#halt(
        `Inclusion limit reached: inclusions after the first ${this.#budgets.inclusions} are left as written`,
      );
    }
    this.#inclusionsMet++;
    return true;
  }

  #takeBytes(growth: number): boolean {
    if (this.#outputBytes + growth > this.#budgets.outputBytes) {
      return this.#halt(
        `Output limit reached: inclusions that take the text beyond ${this.#budgets.outputBytes} bytes, and those after, are left as written`,
      );
    }
    this.#outputBytes += growth;
    return true;
  }

  #halt(warning: string): false {
    this.#isHalted = true;
    this.#warnings.push(warning);
    return false;
  }
}

function notFound(name: string): Resolution {
  return {
    kind: "notice",
    notice: `[[PROMPT NOT FOUND: ${name}]]`,
    warning: `Prompt not found: '${name}'`,
  };
}
