import type { OpenSessions } from "../../protocol/catalogue.ts";
import type { Metadata } from "../../protocol/fragment.ts";

export interface FragmentRevision {
  readonly id: string;
  readonly revision: number;
}

/** What the catalogue shows of one committed revision, apart from its text. */
export interface CatalogueEntry extends FragmentRevision, Metadata {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Bytes of the content in UTF-8. */
  readonly size: number;
}

/** Everything that the catalogue stores of a fragment. */
export type CatalogueRecord =
  /** The entry and the text that is searched. */
  | { readonly kind: "text"; readonly entry: CatalogueEntry; readonly text: string }
  | ({ readonly kind: "deleted"; readonly atMs: number } & FragmentRevision);

/**
 * News of a fragment for its catalogue. Those of one fragment arrive one after the other and may arrive twice: the
 * revision says which is newer.
 */
export type CatalogueUpdate =
  | CatalogueRecord
  /** Shown until the text follows; not stored. */
  | { readonly kind: "entry"; readonly entry: CatalogueEntry };

/** One delivery to the catalogue: at least one of the two. */
export interface CatalogueMessage {
  readonly id: string;
  readonly update: CatalogueUpdate | null;
  readonly openSessions: OpenSessions | null;
}

/** Which revision an update is of. */
export function revisionOf(update: CatalogueUpdate): FragmentRevision {
  const { id, revision } = update.kind === "deleted" ? update : update.entry;
  return { id, revision };
}
