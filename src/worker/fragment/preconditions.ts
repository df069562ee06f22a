import type { Room } from "../../core/room/room.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";

/** Versions that a header names; "any" stands for `*`. */
export type Versions = "any" | readonly number[];

/** The conditions of a write (RFC 9110, 13.1); null sets none. */
export interface Preconditions {
  /** `If-Match`: one of these is current. */
  readonly match: Versions | null;
  /** `If-None-Match`: none of these is. */
  readonly noneMatch: Versions | null;
}

export const UNCONDITIONAL: Preconditions = { match: null, noneMatch: null };

/**
 * The condition that fails when the write arrives; null if the write may go on. Whether a version of `match` is current
 * is decided in the write's own turn (`expectedVersions`), because others' edits may be committed before it.
 * `noneMatch` needs no second check: a version that has passed never comes back.
 */
export function preconditionFault(
  { id, life }: Pick<Room, "id" | "life">,
  { match, noneMatch }: Preconditions,
): Refusal | null {
  if (life === null || life.isDeleted)
    return match === null ? null : refusal("version_mismatch", "The fragment does not exist.");
  if (noneMatch === "any") return refusal("version_mismatch", `Fragment '${id}' exists already.`);
  const { revision } = life;
  const isUnwanted = noneMatch?.includes(revision) === true;
  return isUnwanted ? refusal("version_mismatch", `The current version is ${revision}.`) : null;
}

/** One of these versions must be current in the write's turn; null if any will do. */
export function expectedVersions({ match }: Preconditions): readonly number[] | null {
  return match === "any" ? null : match;
}
