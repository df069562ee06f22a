import { type Found, isAmong, StructTexts } from "./known-content.ts";
import { UpdateBuilder } from "./update-builder.ts";
import { type ScannedUpdate, scanUpdate } from "./update-scan.ts";

/**
 * The part of an update that does not wait for the owners of client ids: without the structs of these clients, and without
 * deletes of what they have not brought yet.
 *
 * @param held the clients that wait, each with the clock up to which its structs are known
 * @returns null if structs of some client do not follow each other: a gap
 */
export function withoutHeld(
  { structs, deletes }: ScannedUpdate,
  bytes: Uint8Array,
  held: ReadonlyMap<number, number>,
): Uint8Array | null {
  const builder = new UpdateBuilder();
  const ends = new Map<number, number>();
  for (const { client, clock, length, start, end } of structs) {
    if (held.has(client)) continue;
    if ((ends.get(client) ?? clock) !== clock) return null;
    ends.set(client, clock + length);
    builder.addStructs(client, clock, 1, bytes.subarray(start, end));
  }
  for (const { client, clock, length } of deletes) {
    const known = held.get(client) ?? clock + length;
    if (clock < known) builder.addDelete({ client, clock, length: Math.min(length, known - clock) });
  }
  return builder.encode();
}

/** What an owner of client ids has, by its own answer to a sync step 1. */
export class OwnerAnswer {
  readonly #bytes: Uint8Array;
  readonly #structs = new Map<number, readonly Found[]>();
  readonly #texts = new StructTexts();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether it holds all structs of a client that somebody else's update brings, from a clock on. */
  holds(update: Uint8Array, client: number, from: number): boolean {
    try {
      let own = this.#structs.get(client);
      if (own === undefined) {
        own = structsOf(this.#bytes, client);
        this.#structs.set(client, own);
      }
      const all = own;
      return structsOf(update, client).every((found) => {
        const { clock, length } = found.struct;
        return isAmong(all, this.#texts, found, { from, until: clock + length });
      });
    } catch {
      return false; // not an update, or text that is not UTF-8: nothing that could be applied
    }
  }
}

function structsOf(bytes: Uint8Array, client: number): Found[] {
  const structs = scanUpdate(bytes)?.structs ?? [];
  return structs.filter((struct) => struct.client === client).map((struct) => ({ struct, bytes }));
}
