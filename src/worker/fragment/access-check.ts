import { type Access, readFault, writeFault } from "../../protocol/access.ts";
import { type Refusal, refused } from "../../protocol/errors.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import { fragmentIdOf, workspaceOf } from "../addresses.ts";
import type { FragmentCalls } from "./fragment-calls.ts";
import type { FragmentAnswer } from "./fragment-view.ts";
import type { Preconditions } from "./preconditions.ts";
import { absenceFault, type FragmentWrite, type PutMode } from "./put-plan.ts";

/**
 * What callers may do with one fragment. A caller that may not read it gets the answers of a fragment that does not
 * exist, also in another workspace: then an address was made for the wrong caller.
 */
export class AccessCheck {
  readonly id: string;
  readonly #workspace: string;

  /** @param objectName of the fragment's object */
  constructor(objectName: string) {
    this.id = fragmentIdOf(objectName);
    this.#workspace = workspaceOf(objectName);
  }

  mayRead(access: Access): boolean {
    return access.workspace === this.#workspace && readFault(access, this.id) === null;
  }

  /** Why a caller that may read the fragment may not write it; null if it may. */
  writeFault(access: Access): Refusal | null {
    return writeFault(access, this.id);
  }
}

/** The calls that are made for callers: each is checked before anything is done for it. */
export class CheckedCalls {
  readonly #check: AccessCheck;
  readonly #calls: FragmentCalls;

  constructor(check: AccessCheck, calls: FragmentCalls) {
    this.#check = check;
    this.#calls = calls;
  }

  async read(access: Access, isPage: boolean): Promise<Fragment | null> {
    return this.#check.mayRead(access) ? this.#calls.read(isPage) : null;
  }

  async put(access: Access, write: FragmentWrite, mode: PutMode): Promise<FragmentAnswer> {
    const fault = this.#writeFault(access, write.preconditions);
    if (fault !== null) return refused(fault);
    return this.#calls.put({ ...write, author: access.principal.id }, mode);
  }

  async remove(access: Access, preconditions: Preconditions): Promise<Refusal | null> {
    return this.#writeFault(access, preconditions) ?? this.#calls.remove(preconditions, access.principal.id);
  }

  #writeFault(access: Access, preconditions: Preconditions | undefined): Refusal | null {
    if (!this.#check.mayRead(access)) return absenceFault(this.#check.id, preconditions);
    return this.#check.writeFault(access);
  }
}
