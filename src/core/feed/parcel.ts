import type { Editor } from "../../protocol/catalogue.ts";
import type { Metadata } from "../../protocol/fragment.ts";

/** What a fragment tells the catalogue of one committed revision; its text goes beside it. */
export interface CatalogueEntry extends Metadata {
  readonly id: string;
  readonly revision: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Bytes of the content in UTF-8. */
  readonly size: number;
}

/**
 * What a fragment sends its catalogue. Parcels of one fragment arrive one after the other and may arrive twice:
 * the revision says which is newer.
 */
export type Parcel =
  | KeptParcel
  /** To be shown until the text follows; not kept. */
  | { readonly kind: "entry"; readonly entry: CatalogueEntry };

export type KeptParcel =
  /** The entry and the text that is searched. */
  | { readonly kind: "text"; readonly entry: CatalogueEntry; readonly text: string }
  | { readonly kind: "deleted"; readonly id: string; readonly revision: number; readonly atMs: number };

export function revisionOf(parcel: Parcel): number {
  return parcel.kind === "deleted" ? parcel.revision : parcel.entry.revision;
}

export function idOf(parcel: Parcel): string {
  return parcel.kind === "deleted" ? parcel.id : parcel.entry.id;
}

/** Who has a fragment open. */
export interface Editing {
  /** How many sockets, named or not. */
  readonly sessions: number;
  readonly editors: readonly Editor[];
}

export const NOBODY: Editing = { sessions: 0, editors: [] };
