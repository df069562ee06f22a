import * as Y from "yjs";
import { utf8Length } from "../../language/utf8.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";

/**
 * Looks at a Yjs update before the document sees it.
 *
 * Yjs can throw after it has changed the document, and holds an update with a gap as pending, invisible and at
 * quadratic cost (yjs 13.6.33). So every struct and delete is checked against what is known: clocks without a
 * gap, neighbours that exist, one of our root types as parent, content of the kinds that a fragment is made of,
 * no NUL, no split surrogate pair.
 */
export type Inspection =
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** It builds on structs that are not known here. */
  | { readonly kind: "gap" }
  | {
      readonly kind: "sound";
      /** Client ids with structs that are new, and their clocks once the update is applied. */
      readonly clocks: ReadonlyMap<number, number>;
      /** UTF-8 bytes of text that it inserts. */
      readonly insertedBytes: number;
      readonly insertsCarriageReturn: boolean;
    };

export const ROOTS = { content: "content", metadata: "metadata", tags: "tags" } as const;
type Root = keyof typeof ROOTS;
const ROOT_NAMES = Object.values(ROOTS);

/** Yjs identifies clients by 53-bit numbers; the last one is our document's own idle id, and nobody's. */
export const IDLE_CLIENT_ID = Number.MAX_SAFE_INTEGER;

const MAX_CLOCK = 2 ** 31 - 1;
const SURROGATE = /[\ud800-\udfff]/;

type Struct = Y.Item | Y.GC | Y.Skip;
type Sound = Extract<Inspection, { kind: "sound" }>;

/** The check of one batch of updates: what an accepted one brings is known to those after it. */
export class UpdateCheck {
  readonly #doc: Y.Doc;
  readonly #oldClients: ReadonlySet<number>;
  /** Whether any surrogate pair is about, in the document or in this batch: else nothing can split one. */
  #hasPairs: boolean;
  /** Of accepted updates of this batch: clocks, and items by client, sorted by clock. */
  readonly #clocks = new Map<number, number>();
  readonly #items = new Map<number, Y.Item[]>();
  /** The same of the update under inspection. */
  #newClocks = new Map<number, number>();
  #newItems = new Map<number, Y.Item[]>();
  /** Roots already found for items that do not name their own, so that a long chain is walked once. */
  readonly #roots = new Map<Y.Item, Root | null>();

  /**
   * @param oldClients client ids of a deleted generation: what they wrote must not come back
   * @param hasPairs whether the document may hold a surrogate pair
   */
  constructor(doc: Y.Doc, oldClients: ReadonlySet<number>, hasPairs: boolean) {
    this.#doc = doc;
    this.#oldClients = oldClients;
    this.#hasPairs = hasPairs;
  }

  /** Whether the document may hold a surrogate pair once this batch is in. */
  get hasPairs(): boolean {
    return this.#hasPairs;
  }

  inspect(update: Uint8Array): Inspection {
    this.#newClocks = new Map();
    this.#newItems = new Map();
    let decoded: ReturnType<typeof Y.decodeUpdate>;
    try {
      decoded = Y.decodeUpdate(update);
    } catch (error) {
      return malformed(
        `The update cannot be decoded (${error instanceof Error ? error.message : "unknown"}).`,
      );
    }
    return (
      this.#takeStructs(decoded.structs) ??
      this.#checkItems() ??
      this.#checkDeletes(decoded.ds) ??
      this.#sound()
    );
  }

  /** Lets the updates after it build on this one. Call it once, right after `inspect` found it sound. */
  accept(sound: Sound): void {
    for (const [client, clock] of sound.clocks) this.#clocks.set(client, clock);
    for (const [client, items] of this.#newItems) {
      const known = this.#items.get(client);
      if (known === undefined) this.#items.set(client, items);
      else known.push(...items);
    }
  }

  #known(client: number): number {
    return this.#newClocks.get(client) ?? this.#clocks.get(client) ?? Y.getState(this.#doc.store, client);
  }

  #takeStructs(structs: readonly Struct[]): Inspection | null {
    let gap = false;
    for (const struct of structs) {
      if (struct instanceof Y.Skip) continue; // what follows it is judged by its own clock
      const { client, clock } = struct.id;
      const end = clock + struct.length;
      if (client >= IDLE_CLIENT_ID || struct.length <= 0 || end > MAX_CLOCK) {
        return malformed("A struct has an impossible client id, clock or length.");
      }
      if (this.#oldClients.has(client)) return oldGeneration();
      const known = this.#known(client);
      if (clock > known) gap = true;
      if (end <= known) continue;
      this.#newClocks.set(client, end);
      if (!(struct instanceof Y.Item)) continue;
      if (struct.content instanceof Y.ContentString) this.#hasPairs ||= hasSurrogates(struct.content.str);
      const items = this.#newItems.get(client);
      if (items === undefined) this.#newItems.set(client, [struct]);
      else items.push(struct);
    }
    return gap ? { kind: "gap" } : null;
  }

  #checkItems(): Inspection | null {
    for (const items of this.#newItems.values()) {
      for (const item of items) {
        const fault =
          this.#checkNeighbour(item, item.origin, 1) ??
          this.#checkNeighbour(item, item.rightOrigin, 0) ??
          this.#checkContent(item);
        if (fault !== null) return fault;
      }
    }
    return null;
  }

  /** @param offset where the item cuts: before (0) or behind (1) the neighbour */
  #checkNeighbour(item: Y.Item, id: Y.ID | null, offset: 0 | 1): Inspection | null {
    if (id === null) return null;
    if (id.client === item.id.client && id.clock >= item.id.clock) {
      return malformed("A struct names itself or a later one of its client as neighbour.");
    }
    if (id.clock >= this.#known(id.client)) return { kind: "gap" };
    return this.#splitsPair(id.client, id.clock + offset) ? splitPair() : null;
  }

  #checkContent(item: Y.Item): Inspection | null {
    const { content } = item;
    const isText = content instanceof Y.ContentString || content instanceof Y.ContentFormat;
    if (content instanceof Y.ContentString && content.str.includes("\0")) {
      return refused(refusal("invalid_content", "The text must not contain NUL."));
    }
    if (!isText && !(content instanceof Y.ContentAny || content instanceof Y.ContentDeleted)) {
      return malformed("A fragment holds text and plain values, no nested types, embeds or binary.");
    }
    // Text beside an item of a map lands in that map; the metadata is validated as a whole after applying.
    if (typeof item.parent !== "string" && content instanceof Y.ContentAny === false) {
      return item.parent === null ? null : nested();
    }
    const root = this.#rootOf(item);
    if (root === null) return nested();
    const fits = content instanceof Y.ContentDeleted || isText === (root === ROOTS.content);
    return fits
      ? null
      : malformed("The root `content` holds text, the maps `metadata` and `tags` plain values.");
  }

  /** The root type an item lands in: the one it names, else its neighbour's. Null: none of ours. */
  #rootOf(item: Y.Item): Root | null {
    const walked: Y.Item[] = [];
    let root: Root | null = null;
    for (let current: Y.Item | null = item; current !== null; ) {
      const known = this.#roots.get(current);
      if (known !== undefined || current.parent !== null) {
        root = known ?? this.#namedRoot(current);
        break;
      }
      walked.push(current);
      const next: Y.ID | null = current.origin ?? current.rightOrigin;
      current = next === null ? null : this.#find(next.client, next.clock);
    }
    for (const step of walked) this.#roots.set(step, root);
    return root;
  }

  #namedRoot({ parent: type, parentSub }: Y.Item): Root | null {
    const parent: unknown = type; // a string in a decoded update, where the declaration has only types and ids
    for (const root of ROOT_NAMES) {
      const own = root === ROOTS.content ? this.#doc.getText(root) : this.#doc.getMap(root);
      // A text has no keys, and a map nothing but keys.
      if (parent === root || parent === own)
        return (root === ROOTS.content) === (parentSub === null) ? root : null;
    }
    return null;
  }

  #checkDeletes(deletes: ReturnType<typeof Y.decodeUpdate>["ds"]): Inspection | null {
    let gap = false;
    for (const [client, ranges] of deletes.clients) {
      if (this.#oldClients.has(client)) return oldGeneration();
      const known = this.#known(client);
      for (const { clock, len } of ranges) {
        if (len <= 0 || clock + len > MAX_CLOCK)
          return malformed("A delete has an impossible clock or length.");
        if (clock + len > known) gap = true;
        else if (this.#splitsPair(client, clock) || this.#splitsPair(client, clock + len)) return splitPair();
      }
    }
    return gap ? { kind: "gap" } : null;
  }

  /** True where a cut before (client, clock) falls into a surrogate pair of one item. */
  #splitsPair(client: number, clock: number): boolean {
    if (!this.#hasPairs) return false;
    const item = this.#find(client, clock);
    if (!(item?.content instanceof Y.ContentString)) return false;
    const before = item.content.str.charCodeAt(clock - item.id.clock - 1);
    return before >= 0xd800 && before <= 0xdbff;
  }

  /** The item that holds (client, clock), in the document, the batch or the update; null if collected. */
  #find(client: number, clock: number): Y.Item | null {
    const structs = this.#doc.store.clients.get(client);
    if (structs !== undefined && clock < Y.getState(this.#doc.store, client)) {
      const struct = structs[Y.findIndexSS(structs, clock)];
      return struct instanceof Y.Item ? struct : null;
    }
    return findByClock(this.#items.get(client), clock) ?? findByClock(this.#newItems.get(client), clock);
  }

  #sound(): Sound {
    let insertedBytes = 0;
    let insertsCarriageReturn = false;
    for (const items of this.#newItems.values()) {
      for (const { content } of items) {
        if (!(content instanceof Y.ContentString)) continue;
        insertedBytes += utf8Length(content.str);
        insertsCarriageReturn ||= content.str.includes("\r");
      }
    }
    return { kind: "sound", clocks: this.#newClocks, insertedBytes, insertsCarriageReturn };
  }
}

/** Whether a text holds any surrogate, and so a pair that an edit could split. */
export function hasSurrogates(text: string): boolean {
  return SURROGATE.test(text);
}

function findByClock(items: readonly Y.Item[] | undefined, clock: number): Y.Item | null {
  if (items === undefined) return null;
  let low = 0;
  let high = items.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const item = items[middle] as Y.Item; // low <= middle <= high, all within the list
    if (clock < item.id.clock) high = middle - 1;
    else if (clock >= item.id.clock + item.length) low = middle + 1;
    else return item;
  }
  return null;
}

function refused(reason: Refusal): Inspection {
  return { kind: "refused", refusal: reason };
}

function malformed(message: string): Inspection {
  return refused(refusal("malformed_update", message));
}

function nested(): Inspection {
  return malformed("A fragment has the root types content, metadata and tags, and nothing nested.");
}

function splitPair(): Inspection {
  return refused(refusal("invalid_content", "The update splits a surrogate pair."));
}

function oldGeneration(): Inspection {
  return refused(refusal("deleted", "The update belongs to a deleted generation of this fragment."));
}
