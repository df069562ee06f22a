import * as Y from "yjs";
import { itemAt } from "./neighbour-order.ts";
import { ROOTS, type Root, rootNamed } from "./roots.ts";
import { KIND, type ScannedStruct } from "./update-scan.ts";

/** Finds a struct that the document does not have yet; null for text that was not kept. */
export type FindStruct = (client: number, clock: number) => ScannedStruct | null;

/**
 * The root types of structs that a document does not have yet. A struct that names no root has that of its neighbour. A
 * chain of such structs can be long, so each found root is remembered, and a chain is walked once.
 */
export class StructRoots {
  readonly #doc: Y.Doc;
  /** Null while a walk looks for the root: a walk that meets the struct again goes in a circle. Then also for no root. */
  readonly #known = new Map<ScannedStruct, Root | null>();

  constructor(doc: Y.Doc) {
    this.#doc = doc;
  }

  /**
   * The root type of a struct; null if it is none of ours. A string that names no root counts as content. Beside an
   * item of a map it would land in that map, where the validation of the metadata finds it.
   */
  rootOf(struct: ScannedStruct, find: FindStruct): Root | null {
    const walked: ScannedStruct[] = [];
    let root: Root | null = null;
    for (let current: ScannedStruct | null = struct; current !== null; ) {
      const known = this.#known.get(current);
      if (known !== undefined) root = known;
      else if (current.root !== null) root = rootNamed(current.root, current.key !== null);
      else if (current.kind !== KIND.any && current.kind !== KIND.deleted) root = ROOTS.content;
      if (root !== null || known === null || current.root !== null) break;
      walked.push(current);
      this.#known.set(current, null);
      const isRight: boolean = current.originClient === -1;
      const client: number = isRight ? current.rightClient : current.originClient;
      const clock: number = isRight ? current.rightClock : current.originClock;
      if (clock < Y.getState(this.#doc.store, client)) {
        root = this.#rootInDocument(client, clock);
        break;
      }
      current = find(client, clock);
      // The clock is known, but no struct was kept for it: it is text.
      if (current === null) root = ROOTS.content;
    }
    for (const step of walked) this.#known.set(step, root);
    return root;
  }

  #rootInDocument(client: number, clock: number): Root | null {
    const parent = itemAt(this.#doc, client, clock)?.parent;
    if (parent === this.#doc.getText(ROOTS.content)) return ROOTS.content;
    if (parent === this.#doc.getMap(ROOTS.metadata)) return ROOTS.metadata;
    return parent === this.#doc.getMap(ROOTS.tags) ? ROOTS.tags : null;
  }
}
