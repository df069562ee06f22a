import { decodeUtf8 } from "lib0/string";
import * as Y from "yjs";
import { isHighSurrogate } from "../../language/utf8.ts";
import { done, refusal, refused } from "../../protocol/errors.ts";
import { MAX_DELETED_UNITS, MAX_UPDATE_ITEMS } from "../../protocol/limits.ts";
import { AcceptedBatch, type NewPart } from "./accepted-batch.ts";
import { withoutHeld } from "./held-structs.ts";
import type { Incoming } from "./incoming.ts";
import {
  GAP,
  type Inspection,
  malformed,
  NOTHING_NEW,
  oldGeneration,
  splitPair,
  tooMany,
  tooMuchDeleted,
} from "./inspection.ts";
import { type Found, isAmong, isInDocument, StructTexts } from "./known-content.ts";
import { itemAt } from "./neighbour-order.ts";
import { IDLE_CLIENT_ID, ROOTS } from "./roots.ts";
import { type FindStruct, StructRoots } from "./struct-roots.ts";
import {
  findByClock,
  hasByte,
  KIND,
  type ScannedDelete,
  type ScannedStruct,
  type ScannedUpdate,
  scanUpdate,
} from "./update-scan.ts";

const MAX_CLOCK = 2 ** 31 - 1;

/** The longest description in four-byte characters, with its key and room to spare. */
const MAX_VALUE_BYTES = 10_000;

/** The update under inspection. */
interface Candidate extends NewPart {
  readonly clocks: Map<number, number>;
  readonly structs: Map<number, ScannedStruct[]>;
  readonly deletes: ScannedDelete[];
}

/**
 * Checks Yjs updates before the document sees them.
 *
 * Yjs can throw after it has changed the document, and it keeps an update with a gap as pending, invisibly and at
 * quadratic cost (yjs 13.6.33). So every struct and delete is checked first: its clock leaves no gap, its neighbours
 * exist, its parent is one of our root types, its content is of a kind that a fragment holds, and it has no NUL and
 * splits no surrogate pair. A struct whose clock is known must be the known one. What is new in the accepted updates is
 * joined into one.
 *
 * One check serves one batch: each update may build on those accepted before it.
 */
export class UpdateCheck {
  readonly #doc: Y.Doc;
  readonly #oldClients: ReadonlySet<number>;
  /** What the updates accepted so far bring. */
  readonly accepted = new AcceptedBatch();
  /** The accepted structs that the check of a later update must find again, by client and sorted by clock. */
  readonly #structs = new Map<number, Found[]>();
  /** All accepted parts, and their structs by client as far as a comparison has needed them. */
  readonly #parts: NewPart[] = [];
  readonly #indexed = new Map<number, Found[]>();
  #indexedParts = 0;
  readonly #roots: StructRoots;
  readonly #texts = new StructTexts();
  #candidate: Candidate | null = null;
  #held: ReadonlyMap<number, number> | null = null;
  #hasPairs: boolean;

  /**
   * @param oldClients client ids of deleted generations: what they wrote must not come back
   * @param hasPairs whether the document may hold a surrogate pair; if not, no edit can split one
   */
  constructor(doc: Y.Doc, oldClients: ReadonlySet<number>, hasPairs: boolean) {
    this.#doc = doc;
    this.#roots = new StructRoots(doc);
    this.#oldClients = oldClients;
    this.#hasPairs = hasPairs;
  }

  /** Whether the document may hold a surrogate pair once the accepted updates are applied. */
  get hasPairs(): boolean {
    return this.#hasPairs;
  }

  /**
   * The clients whose new structs the last `inspect` has left out, since they wait for the owners of the client ids, each
   * with its clock behind them; null if there are none.
   */
  get held(): ReadonlyMap<number, number> | null {
    return this.#held;
  }

  inspect(incoming: Pick<Incoming, "update" | "isHeld" | "differs">): Inspection {
    this.#candidate = null;
    this.#held = null;
    let scanned: ScannedUpdate | null;
    let bytes: Uint8Array | null = incoming.update;
    try {
      scanned = scanUpdate(bytes);
      if (scanned === null) return tooMany();
      const { hasOverlap, held, differing } = this.#compare(scanned, bytes, incoming);
      if (differing !== null) return refused(incoming.differs(differing));
      if (hasOverlap) {
        if (this.#overlapSplitsPair(scanned, bytes)) return splitPair();
        bytes = Y.diffUpdate(bytes, this.#stateVector(scanned));
        scanned = scanUpdate(bytes);
      }
      if (held !== null && scanned !== null) {
        this.#held = held;
        bytes = withoutHeld(scanned, bytes, new Map([...held.keys()].map((one) => [one, this.#known(one)])));
        if (bytes === null) return GAP;
        scanned = scanUpdate(bytes);
      }
    } catch (error) {
      return malformed(
        `The update cannot be decoded (${error instanceof Error ? error.message : "unknown"}).`,
      );
    }
    if (scanned === null) return tooMany();
    const candidate: Candidate = { bytes, clocks: new Map(), structs: new Map(), deletes: [] };
    const fault =
      this.#takeStructs(candidate, scanned.structs) ??
      this.#checkStructs(candidate) ??
      this.#takeDeletes(candidate, scanned);
    if (fault !== null) return fault;
    if (candidate.structs.size === 0 && candidate.deletes.length === 0) return NOTHING_NEW;
    this.#candidate = candidate;
    return done(candidate.clocks);
  }

  /** Accepts what the last `inspect` found sound: later updates may build on it. False if nothing in it is new. */
  accept(): boolean {
    if (this.#candidate === null) return false;
    const { bytes, structs } = this.#candidate;
    this.accepted.add(this.#candidate);
    this.#parts.push(this.#candidate);
    this.#candidate = null;
    for (const list of structs.values()) {
      for (const struct of list) if (struct.kind !== KIND.string || this.#hasPairs) this.#keep(struct, bytes);
    }
    return true;
  }

  #keep(struct: ScannedStruct, bytes: Uint8Array): void {
    const list = this.#structs.get(struct.client);
    if (list === undefined) this.#structs.set(struct.client, [{ struct, bytes }]);
    else list.push({ struct, bytes });
  }

  #known(client: number): number {
    return this.accepted.clocks.get(client) ?? Y.getState(this.#doc.store, client);
  }

  /**
   * Compares the clocks of an update with the known ones. Nearly always all of its structs are new and its sender's own.
   * One that is partly known must be cut, which is left to Yjs.
   */
  #compare(
    { structs }: ScannedUpdate,
    bytes: Uint8Array,
    { isHeld }: Pick<Incoming, "isHeld">,
  ): { hasOverlap: boolean; held: Map<number, number> | null; differing: number | null } {
    let hasOverlap = false;
    let held: Map<number, number> | null = null;
    let client = -1;
    let known = 0;
    let isOthers: boolean | null = null;
    for (const struct of structs) {
      if (struct.client !== client) {
        client = struct.client;
        known = this.#known(client);
        isOthers = null;
      }
      const end = struct.clock + struct.length;
      if (struct.clock < known) {
        if (!this.#isKnown({ struct, bytes }, Math.min(known, end))) {
          return { hasOverlap, held, differing: client };
        }
        if (known < end) hasOverlap = true;
      }
      if (end <= known) continue;
      isOthers ??= isHeld(client);
      if (!isOthers) continue;
      held ??= new Map();
      held.set(client, end);
    }
    return { hasOverlap, held, differing: null };
  }

  /** Whether what is known of a struct, up to this clock, is the same: in the document, or in the accepted updates. */
  #isKnown(found: Found, until: number): boolean {
    const { client, clock } = found.struct;
    const inDocument = Y.getState(this.#doc.store, client);
    const texts = this.#texts;
    if (clock < inDocument && !isInDocument(this.#doc, texts, found, Math.min(until, inDocument)))
      return false;
    return (
      until <= inDocument || isAmong(this.#acceptedOf(client), texts, found, { from: inDocument, until })
    );
  }

  #acceptedOf(client: number): readonly Found[] {
    for (; this.#indexedParts < this.#parts.length; this.#indexedParts++) {
      const { bytes, structs } = this.#parts[this.#indexedParts] as NewPart; // below length
      for (const [id, list] of structs) {
        const found = this.#indexed.get(id) ?? [];
        this.#indexed.set(id, found);
        for (const struct of list) found.push({ struct, bytes });
      }
    }
    return this.#indexed.get(client) ?? [];
  }

  #isPartlyKnown({ client, clock, length }: ScannedStruct): boolean {
    const known = this.#known(client);
    return clock < known && known < clock + length;
  }

  /** Whether that cut falls into a surrogate pair. It does only if two texts have the same ids. */
  #overlapSplitsPair({ structs }: ScannedUpdate, bytes: Uint8Array): boolean {
    return structs.some((struct) => {
      if (struct.kind !== KIND.string || !this.#isPartlyKnown(struct)) return false;
      const text = decodeUtf8(bytes.subarray(struct.textStart, struct.end));
      return isHighSurrogate(text.charCodeAt(this.#known(struct.client) - struct.clock - 1));
    });
  }

  #stateVector({ structs }: ScannedUpdate): Uint8Array {
    return Y.encodeStateVector(new Map(structs.map(({ client }) => [client, this.#known(client)])));
  }

  #takeStructs({ bytes, clocks, structs }: Candidate, scanned: readonly ScannedStruct[]): Inspection | null {
    let hasGap = false;
    let deletedUnits = 0;
    for (const struct of scanned) {
      const { kind, client, clock, length } = struct;
      const end = clock + length;
      if (client >= IDLE_CLIENT_ID || length <= 0 || end > MAX_CLOCK) {
        return malformed("A struct has an impossible client id, clock or length.");
      }
      if (this.#oldClients.has(client)) return oldGeneration();
      const known = clocks.get(client) ?? this.#known(client);
      if (end <= known) continue;
      if (clock > known) hasGap = true;
      else if (clock < known) return malformed("Two structs of the update overlap.");
      // Yjs collects the children of deleted types only, and a fragment has no nested types.
      if (kind === KIND.gc) return malformed("A fragment has no structs without a place.");
      if (kind === KIND.deleted) deletedUnits += length;
      clocks.set(client, end);
      const list = structs.get(client);
      if (list === undefined) structs.set(client, [struct]);
      else if (hasGap || list.at(-1)?.end === struct.start) list.push(struct);
      // The new structs of a client are copied as one run of bytes: nothing else may stand among them.
      else return malformed("The structs of a client do not stand side by side.");
      if (kind === KIND.string) this.#hasPairs ||= hasByte(bytes, struct.textStart, struct.end, 0xf0, 0xff);
    }
    if (deletedUnits > MAX_DELETED_UNITS) return tooMuchDeleted();
    return hasGap ? GAP : null;
  }

  #checkStructs(candidate: Candidate): Inspection | null {
    const find: FindStruct = (client, clock) => this.#find(candidate, client, clock)?.struct ?? null;
    for (const list of candidate.structs.values()) {
      for (const struct of list) {
        const fault =
          this.#checkNeighbour(candidate, struct, "left") ??
          this.#checkNeighbour(candidate, struct, "right") ??
          this.#checkContent(candidate.bytes, struct, find);
        if (fault !== null) return fault;
      }
    }
    return null;
  }

  #checkContent(bytes: Uint8Array, struct: ScannedStruct, find: FindStruct): Inspection | null {
    const { kind, start, textStart, end } = struct;
    if (kind === KIND.any && struct.length !== 1) return malformed("An entry of a map must be one value.");
    if (kind !== KIND.string && end - start > MAX_VALUE_BYTES) {
      return refused(
        refusal("content_too_large", `A value or format must have at most ${MAX_VALUE_BYTES} bytes.`),
      );
    }
    if (kind === KIND.string && hasByte(bytes, textStart, end, 0)) {
      return refused(refusal("invalid_content", "The text must not contain NUL."));
    }
    const root = this.#roots.rootOf(struct, find);
    if (root === null)
      return malformed("A fragment has the root types content, metadata and tags, and no other.");
    // A map entry follows the one it replaces, and never precedes another.
    if (root !== ROOTS.content && struct.rightClient !== -1)
      return malformed("A value must not have a right neighbour.");
    if (kind === KIND.deleted || (kind === KIND.any) === (root !== ROOTS.content)) return null;
    return malformed("The root `content` must hold text, and the maps `metadata` and `tags` plain values.");
  }

  #checkNeighbour(candidate: Candidate, struct: ScannedStruct, side: "left" | "right"): Inspection | null {
    const isLeft = side === "left";
    const client = isLeft ? struct.originClient : struct.rightClient;
    const clock = isLeft ? struct.originClock : struct.rightClock;
    if (client === -1) return null;
    if (client === struct.client && clock >= struct.clock) {
      return malformed("A struct names itself or a later one of its client as neighbour.");
    }
    if (clock >= (candidate.clocks.get(client) ?? this.#known(client))) return GAP;
    // The struct cuts after its left neighbour, or before its right one.
    return this.#splitsPair(candidate, client, isLeft ? clock + 1 : clock) ? splitPair() : null;
  }

  #takeDeletes(candidate: Candidate, { structs, deletes }: ScannedUpdate): Inspection | null {
    let hasGap = false;
    const mostNew = MAX_UPDATE_ITEMS - structs.length;
    for (const range of deletes) {
      const { client, clock, length } = range;
      if (this.#oldClients.has(client)) return oldGeneration();
      if (length <= 0 || clock + length > MAX_CLOCK) {
        return malformed("A delete has an impossible clock or length.");
      }
      if (clock + length > (candidate.clocks.get(client) ?? this.#known(client))) {
        hasGap = true;
        continue;
      }
      if (this.#isDeleted(range)) continue;
      const cutsPair =
        this.#splitsPair(candidate, client, clock) || this.#splitsPair(candidate, client, clock + length);
      if (cutsPair) return splitPair();
      if (candidate.deletes.length === mostNew) return tooMany();
      candidate.deletes.push(range);
    }
    return hasGap ? GAP : null;
  }

  /** Whether every struct of the range is deleted in the document already. */
  #isDeleted({ client, clock, length }: ScannedDelete): boolean {
    if (clock + length > Y.getState(this.#doc.store, client)) return false;
    const structs = this.#doc.store.clients.get(client) ?? [];
    for (let at = Y.findIndexSS(structs, clock); at < structs.length; at++) {
      const struct = structs[at] as Y.Item | Y.GC; // at < length
      if (struct.id.clock >= clock + length) break;
      if (!struct.deleted) return false;
    }
    return true;
  }

  /** Whether a cut before (client, clock) falls into a surrogate pair of one struct. */
  #splitsPair(candidate: Candidate, client: number, clock: number): boolean {
    if (!this.#hasPairs) return false;
    let text: string;
    let first: number;
    if (clock <= Y.getState(this.#doc.store, client)) {
      const item = itemAt(this.#doc, client, clock);
      if (!(item?.content instanceof Y.ContentString)) return false;
      text = item.content.str;
      first = item.id.clock;
    } else {
      const found = this.#find(candidate, client, clock);
      if (found === null || found.struct.kind !== KIND.string) return false;
      text = this.#textOf(found);
      first = found.struct.clock;
    }
    return isHighSurrogate(text.charCodeAt(clock - first - 1));
  }

  /** The text of a struct; empty if it is not UTF-8: then Yjs throws when the update is applied, and it is refused. */
  #textOf(found: Found): string {
    try {
      return this.#texts.of(found);
    } catch {
      return "";
    }
  }

  /** A struct of this update, or of an accepted one, that the document does not have yet. */
  #find(candidate: Candidate, client: number, clock: number): Found | null {
    const kept = findByClock(this.#structs.get(client) ?? [], ({ struct }) => struct, clock);
    if (kept !== null) return kept;
    const struct = findByClock(candidate.structs.get(client) ?? [], (one) => one, clock);
    return struct === null ? null : { struct, bytes: candidate.bytes };
  }
}
