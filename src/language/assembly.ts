/**
 * The pure half of expansion: one depth-first walk that resolves the markers of a text from fragments already loaded.
 *
 * Fragments that it meets and does not have are named in `wanted`, and so are sections that have not been looked for; the
 * walk is then only a rehearsal, to be run again when they are there. A rehearsal counts such an inclusion as no bytes and
 * no further inclusions, so it never reaches a limit earlier than the real walk, and so never misses a fragment that the
 * real walk will ask for.
 *
 * Invariant: `#outputBytes` is the size of the output if no further marker were resolved. Each text met is part of
 * that size, which bounds the scanning too.
 */
import { type ExpansionWarning, oldNotice, type WarningCode } from "./expansion-warning.ts";
import { type FragmentId, parseFragmentId } from "./fragment-id.ts";
import { dropExtension, type Marker, scanInclusions, scanMarkers } from "./inclusion.ts";
import { parseReference, type Reference } from "./reference.ts";
import type { Sections } from "./section.ts";
import { utf8Length } from "./utf8.ts";

/** What stands for an inclusion that cannot be resolved, besides the warning. */
export type Unresolved =
  /** The inclusion as it was written. */
  | "keep"
  /** The old system's notice. The text is then read by the old system's grammar throughout. */
  | "marker"
  /** Nothing. */
  | "empty";

export interface ExpansionInput {
  readonly content: string;
  /** The fragment whose text `content` is, if it is one: an inclusion of it is a self-reference at any depth. */
  readonly root: FragmentId | null;
  readonly unresolved: Unresolved;
  /**
   * As in the old system: one `.md` at the end of a name never belongs to the name. Otherwise the fragment of exactly
   * this name comes first, and the one without `.md` only if there is none.
   */
  readonly dropsExtension?: boolean;
}

export interface ExpansionBudgets {
  /** Texts up to this many inclusions below the content are resolved; those of the next level are inserted as they are. */
  readonly depth: number;
  /** Distinct fragments asked for, whether they exist or not: each is one request to another object. */
  readonly fragments: number;
  /** Markers met, however they end, escaped ones included: this bounds the work, and the numbers of warnings and pieces. */
  readonly inclusions: number;
  /** Places of variables that get their value. */
  readonly values: number;
  /** Size of the expanded text in UTF-8. */
  readonly outputBytes: number;
}

export interface LoadedText {
  readonly text: string;
  readonly bytes: number;
}

/** The texts and sections asked for so far. */
export interface Known {
  /** Null stands for a fragment that does not exist. */
  readonly texts: ReadonlyMap<FragmentId, LoadedText | null>;
  readonly sections: Pick<Sections, "get">;
}

/** A part of the expanded text. The pieces in order make the whole of it; none is empty on both sides. */
export interface Piece {
  /** The fragment that it comes from; null: the content. */
  readonly source: FragmentId | null;
  /** In the text of the source, in UTF-16 code units. */
  readonly from: number;
  readonly to: number;
  /** What stands in its place; null if it is taken over as it is. */
  readonly replacement: string | null;
  /** The fragments whose inclusion led to it, outermost first. */
  readonly chain: readonly FragmentId[];
}

export interface Assembly {
  readonly pieces: readonly Piece[];
  /** Fragments included, in order of first inclusion; never the root. */
  readonly dependencies: ReadonlySet<FragmentId>;
  /** In order of encounter, with repeats. */
  readonly warnings: readonly ExpansionWarning[];
  /** Needed before this result counts. */
  readonly wanted: Wanted;
}

/** Empty on both sides when the result is the real one. */
export interface Wanted {
  readonly texts: ReadonlySet<FragmentId>;
  /** The titles, by the fragment in which they are looked for; null: the content. */
  readonly sections: ReadonlyMap<FragmentId | null, ReadonlySet<string>>;
}

/** Expands `input` with what is `known` so far. Never fails: an inclusion that cannot be resolved becomes a warning. */
export function assemble(input: ExpansionInput, known: Known, budgets: ExpansionBudgets): Assembly {
  return new Walk(input, known, budgets).run();
}

/** A text, or a section of one, that is being walked over. */
interface Frame {
  /** Null: the content. */
  readonly id: FragmentId | null;
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** The fragments whose inclusion led here, this one included, outermost first. */
  readonly chain: readonly FragmentId[];
  /** Where the marker stands that is being resolved. */
  at: number;
}

interface Target {
  /** The fragment that is included. */
  readonly included: FragmentId;
  /** The same, or null if it is the content. */
  readonly id: FragmentId | null;
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/** The outcome for one marker. `left` stays as written; `wanted` is known at the next rehearsal. */
type Resolution =
  | { readonly kind: "text"; readonly target: Target }
  | { readonly kind: "unresolved"; readonly code: WarningCode; readonly subject: string }
  | { readonly kind: "left" }
  | { readonly kind: "wanted" };

class Walk {
  readonly #input: ExpansionInput;
  readonly #known: Known;
  readonly #budgets: ExpansionBudgets;
  /** The old system's grammar and notices. */
  readonly #isOld: boolean;
  readonly #pieces: Piece[] = [];
  readonly #dependencies = new Set<FragmentId>();
  readonly #warnings: ExpansionWarning[] = [];
  readonly #wantedTexts = new Set<FragmentId>();
  readonly #wantedSections = new Map<FragmentId | null, Set<string>>();
  /** The texts that enclose the current position, outermost first. */
  readonly #frames: Frame[] = [];
  #outputBytes: number;
  #inclusionsMet = 0;
  /** Set at the limits of inclusions and output: from there on no marker is resolved. */
  #isHalted = false;
  #isFragmentLimitReported = false;

  constructor(input: ExpansionInput, known: Known, budgets: ExpansionBudgets) {
    this.#input = input;
    this.#known = known;
    this.#budgets = budgets;
    this.#isOld = input.unresolved === "marker";
    this.#outputBytes = utf8Length(input.content);
  }

  run(): Assembly {
    const { content } = this.#input;
    this.#walk({ id: null, text: content, from: 0, to: content.length }, []);
    return {
      pieces: this.#pieces,
      dependencies: this.#dependencies,
      warnings: this.#warnings,
      wanted: { texts: this.#wantedTexts, sections: this.#wantedSections },
    };
  }

  #walk({ id, text, from, to }: Pick<Target, "id" | "text" | "from" | "to">, chain: Frame["chain"]): void {
    const frame: Frame = { id, text, from, to, chain, at: from };
    this.#frames.push(frame);
    const isTooDeep = this.#frames.length - 1 > this.#budgets.depth;
    // The old system warned once for each text that is too deep, even if that text includes nothing.
    if (isTooDeep && this.#isOld) this.#warn("depth_limit", this.#budgets.depth, frame.from, frame.from);
    const markers = isTooDeep && this.#isOld ? [] : this.#markersOf(frame);
    let copiedTo = frame.from;
    for (const marker of markers) {
      const start = frame.from + marker.start;
      const end = frame.from + marker.end;
      frame.at = start;
      if (marker.backslashes % 2 === 1) {
        if (!isMeant(marker)) continue;
        if (!this.#takeInclusion(start, end)) break;
        const dropped = (marker.backslashes + 1) / 2;
        this.#copy(frame, copiedTo, start - dropped);
        this.#outputBytes -= dropped;
        copiedTo = start;
        continue;
      }
      const replacement = this.#replace(marker, start, end, isTooDeep);
      if (this.#isHalted) break;
      if (replacement === "left") continue;
      this.#copy(frame, copiedTo, start);
      copiedTo = end;
      if (typeof replacement === "string") this.#put(frame, start, end, replacement);
      else {
        if (replacement.id !== null) this.#dependencies.add(replacement.id);
        this.#walk(replacement, [...chain, replacement.included]);
        if (this.#isHalted) break;
      }
    }
    this.#copyRest(frame, copiedTo);
    this.#frames.pop();
  }

  /** The rest of a text behind a limit is one piece, because a text can hold a million markers. */
  #copyRest(frame: Frame, from: number): void {
    const { text, to } = frame;
    const isEmptied = this.#isHalted && this.#input.unresolved === "empty";
    const rest = isEmptied ? withoutMarkers(text.slice(from, to)) : null;
    if (rest === null || rest.length === to - from) this.#copy(frame, from, to);
    else this.#put(frame, from, to, rest);
  }

  #markersOf({ text, from, to }: Frame): Iterable<Marker> {
    const walked = from === 0 && to === text.length ? text : text.slice(from, to);
    return this.#isOld ? withoutEscapes(walked) : scanMarkers(walked);
  }

  /** What takes the marker's place: a text to be walked over, a string, or nothing if it stays as it is. */
  #replace(marker: Marker, start: number, end: number, isTooDeep: boolean): Target | string | "left" {
    if (!this.#takeInclusion(start, end)) return "left";
    const leave = () => (this.#input.unresolved === "empty" ? this.#empty(marker) : "left");
    const resolution: Resolution = isTooDeep
      ? { kind: "unresolved", code: "depth_limit", subject: String(this.#budgets.depth) }
      : this.#resolve(marker.name, start, end);
    if (resolution.kind === "left") return leave();
    const markerBytes = utf8Length(marker.name) + 4;
    if (resolution.kind === "wanted") {
      this.#outputBytes -= markerBytes;
      return "left";
    }
    if (resolution.kind === "unresolved") {
      const { code, subject } = resolution;
      const notice = this.#isOld ? oldNotice(resolution) : null;
      if (notice !== null && !this.#takeBytes(utf8Length(notice) - markerBytes, start, end)) return "left";
      this.#warn(code, subject, start, end);
      return notice ?? leave();
    }
    const { target } = resolution;
    return this.#takeBytes(target.bytes - markerBytes, start, end) ? target : "left";
  }

  #empty({ name }: Marker): string {
    this.#outputBytes -= utf8Length(name) + 4;
    return "";
  }

  #resolve(written: string, start: number, end: number): Resolution {
    const reference = this.#isOld ? { name: written, version: null, heading: null } : parseReference(written);
    const short = dropExtension(reference.name);
    if (short === reference.name || this.#input.dropsExtension === true)
      return (
        this.#resolveName(short, reference, start, end) ??
        missing(short, this.#isOld ? short : reference.name)
      );
    const exact = this.#resolveName(reference.name, reference, start, end);
    // Both are asked for on the same level.
    if (exact?.kind === "wanted") this.#resolveName(short, reference, start, end);
    return (
      exact ??
      this.#resolveName(short, reference, start, end) ??
      missing(short, this.#isOld ? short : reference.name)
    );
  }

  /** Compares canonical ids, but shows the name as written. Null if there is no such fragment. */
  #resolveName(name: string, { version, heading }: Reference, start: number, end: number): Resolution | null {
    const parsed = parseFragmentId(name);
    if (!parsed.ok) return null;
    const { id } = parsed;
    const isRoot = id === this.#input.root;
    const isOpen = isRoot || this.#frames.some((frame) => frame.id === id);
    if (isOpen && heading === null) return repeated(isRoot, name);
    const loaded = isRoot ? { text: this.#input.content, bytes: 0 } : this.#known.texts.get(id);
    if (loaded === undefined) return this.#want(id, heading, start, end);
    if (loaded === null) return null;
    if (version !== null)
      return { kind: "unresolved", code: "version_not_found", subject: `${name}@${version}` };
    const { text, bytes } = loaded;
    const source = isRoot ? null : id;
    const target = { included: id, id: source, text };
    if (heading === null) return { kind: "text", target: { ...target, from: 0, to: text.length, bytes } };
    const section = this.#known.sections.get(source, heading);
    if (section === undefined) return this.#wantSection(source, heading);
    if (section === null)
      return { kind: "unresolved", code: "section_not_found", subject: `${name}#${heading}` };
    const { from, to } = section;
    const holdsItself = (frame: Frame) => frame.id === source && frame.at >= from && frame.at < to;
    if (this.#frames.some(holdsItself)) return repeated(isRoot, name);
    return { kind: "text", target: { ...target, from, to, bytes: utf8Length(text.slice(from, to)) } };
  }

  #wantSection(source: FragmentId | null, title: string): Resolution {
    const titles = this.#wantedSections.get(source);
    if (titles === undefined) this.#wantedSections.set(source, new Set([title]));
    else titles.add(title);
    return { kind: "wanted" };
  }

  #want(id: FragmentId, heading: string | null, start: number, end: number): Resolution {
    const isNew = !this.#wantedTexts.has(id);
    if (!isNew || this.#known.texts.size + this.#wantedTexts.size < this.#budgets.fragments) {
      this.#wantedTexts.add(id);
      return heading === null ? { kind: "wanted" } : this.#wantSection(id, heading);
    }
    if (!this.#isFragmentLimitReported) {
      this.#isFragmentLimitReported = true;
      this.#warn("fragment_limit", this.#budgets.fragments, start, end);
    }
    return { kind: "left" };
  }

  #takeInclusion(start: number, end: number): boolean {
    if (this.#isHalted) return false;
    if (this.#inclusionsMet >= this.#budgets.inclusions)
      return this.#halt("inclusion_limit", this.#budgets.inclusions, start, end);
    this.#inclusionsMet++;
    return true;
  }

  #takeBytes(growth: number, start: number, end: number): boolean {
    if (this.#outputBytes + growth > this.#budgets.outputBytes)
      return this.#halt("output_limit", this.#budgets.outputBytes, start, end);
    this.#outputBytes += growth;
    return true;
  }

  #halt(code: WarningCode, limit: number, start: number, end: number): false {
    this.#isHalted = true;
    this.#warn(code, limit, start, end);
    return false;
  }

  #warn(code: WarningCode, subject: string | number, from: number, to: number): void {
    const { id = null, chain = [] } = this.#frames.at(-1) ?? {};
    const fragment = id ?? this.#input.root;
    this.#warnings.push({ code, subject: String(subject), fragment, range: { from, to }, chain });
  }

  #copy({ id, chain }: Frame, from: number, to: number): void {
    if (to > from) this.#pieces.push({ source: id, from, to, replacement: null, chain });
  }

  #put({ id, chain }: Frame, from: number, to: number, replacement: string): void {
    if (to > from) this.#pieces.push({ source: id, from, to, replacement, chain });
  }
}

/** Whether an escaped marker would include something without its backslash; if not, the backslash stays as well. */
function isMeant({ name }: Marker): boolean {
  return parseFragmentId(parseReference(name).name).ok;
}

/** The text without its inclusions, and with its escaped ones as plain text. */
function withoutMarkers(text: string): string {
  let left = "";
  let copiedTo = 0;
  for (const marker of scanMarkers(text)) {
    const { start, end, backslashes } = marker;
    if (backslashes % 2 === 0) {
      left += text.slice(copiedTo, start);
      copiedTo = end;
    } else if (isMeant(marker)) {
      left += text.slice(copiedTo, start - (backslashes + 1) / 2);
      copiedTo = start;
    }
  }
  return left + text.slice(copiedTo);
}

function* withoutEscapes(text: string): Generator<Marker, void, undefined> {
  for (const inclusion of scanInclusions(text)) yield { ...inclusion, backslashes: 0 };
}

function missing(name: string, shown: string): Resolution {
  const code = parseFragmentId(name).ok ? "not_found" : "invalid_name";
  return { kind: "unresolved", code, subject: shown };
}

function repeated(isRoot: boolean, name: string): Resolution {
  return { kind: "unresolved", code: isRoot ? "self_reference" : "cycle", subject: name };
}
