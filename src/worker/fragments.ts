import type { FragmentId } from "../language/fragment-id.ts";
import { type Access, holdsFor, writeFault } from "../protocol/access.ts";
import { type Refusal, refused } from "../protocol/errors.ts";
import type { Fragment } from "../protocol/fragment.ts";
import { callerName, count, rateFault } from "./access/caller/caller-rates.ts";
import { catalogueStub, fragmentStub } from "./addresses.ts";
import type { FragmentAnswer } from "./fragment/fragment-view.ts";
import type { Preconditions } from "./fragment/preconditions.ts";
import { absenceFault, type FragmentWrite, mustExist, type PutMode } from "./fragment/put-plan.ts";
import { inGroups } from "./in-groups.ts";
import { LatestMap } from "./latest-map.ts";
import { CATALOGUE_WAIT_MS, within } from "./within.ts";

/** Ids in one call to the catalogue. Only a list of dependents has more. */
const IDS_AT_A_TIME = 1_000;

/** About 2 MB if every id has the maximum length. */
const MAX_REMEMBERED = 10_000;

/**
 * Fragments that this isolate knows to exist or to have existed, the latest last. The object of each has something
 * stored and always will, so an entry is never wrong. A forgotten entry costs one call to the catalogue.
 */
const remembered = new LatestMap<string, true>(MAX_REMEMBERED);

/**
 * The fragments of one workspace, as the worker calls them for one caller.
 *
 * Invariant: a call that does not create a fragment wakes no object for an id that never had a fragment. Waking one
 * takes milliseconds, and leaves a database behind: a file, if the server is self-hosted. The catalogue is asked
 * instead (decision 0018).
 *
 * The objects check the access. The checks here only save calls, and answer for an id that the caller may not read
 * in the time that a missing one takes.
 */
export class Fragments {
  readonly #env: Env;
  readonly #access: Access;

  constructor(env: Env, access: Access) {
    this.#env = env;
    this.#access = access;
  }

  /**
   * The committed fragment; null if there is none.
   *
   * @param isPage an old client will show it, and may save an edited text without naming its version
   */
  async read(id: FragmentId, isPage = false): Promise<Fragment | null> {
    return (await this.#existing(id))?.read(this.#access, isPage) ?? null;
  }

  /**
   * Reads many fragments, and yields those that exist, a group at a time and in the given order.
   *
   * @throws when one cannot be asked: an outage is never "not found"
   */
  async *readAll(ids: readonly FragmentId[]): AsyncGenerator<readonly Fragment[], void> {
    const existing = await this.#existingAmong(ids.filter((id) => holdsFor(this.#access, id)));
    const read = (id: FragmentId) => this.#object(id).read(this.#access);
    for await (const fragments of inGroups([...existing], read))
      yield fragments.filter((fragment) => fragment !== null);
  }

  async put(id: FragmentId, write: FragmentWrite, mode: PutMode): Promise<FragmentAnswer> {
    const fault = mustExist(write, mode) ? null : (writeFault(this.#access, id) ?? this.creationFault());
    const creates = !mustExist(write, mode) && fault === null;
    const object = creates ? this.#object(id) : await this.#existing(id);
    if (object === null) return refused(fault ?? absenceFault(id, write.preconditions));
    const answer = await object.put(this.#access, write, mode);
    if (answer.ok) this.#remember(id);
    if (answer.ok && answer.value.isNew) count(this.#env, callerName(this.#access), "creations", 1);
    return answer;
  }

  /** Why the caller may make no more fragments for the moment; null if it may. */
  creationFault(): Refusal | null {
    return rateFault(this.#env, callerName(this.#access), "creations");
  }

  /** Deletes the fragment. Null on success. */
  async remove(id: FragmentId, preconditions: Preconditions): Promise<Refusal | null> {
    const object = await this.#existing(id);
    return object === null ? absenceFault(id, preconditions) : object.remove(this.#access, preconditions);
  }

  /** The object that a socket joins; null if there is no fragment and the socket may not create it, or does not want to. */
  async toJoin(id: FragmentId, wantsCreation: boolean) {
    const mayCreate = wantsCreation && writeFault(this.#access, id) === null;
    const creates = mayCreate && this.creationFault() === null;
    // One that this isolate does not know may be new.
    if (creates && !remembered.has(this.#keyOf(id)))
      count(this.#env, callerName(this.#access), "creations", 1);
    return creates ? this.#object(id) : this.#existing(id);
  }

  #object(id: FragmentId) {
    return fragmentStub(this.#env, this.#access.workspace, id);
  }

  async #existing(id: FragmentId) {
    if (!holdsFor(this.#access, id)) return null;
    const isKnown = remembered.has(this.#keyOf(id));
    return isKnown || (await this.#existingAmong([id])).has(id) ? this.#object(id) : null;
  }

  /**
   * The ids among these that may have a fragment. One call to the catalogue covers all that this isolate does not know.
   * If the catalogue does not answer, or cannot tell, each of them may.
   */
  async #existingAmong(ids: readonly FragmentId[]): Promise<ReadonlySet<FragmentId>> {
    const doubtful = ids.filter((id) => !remembered.has(this.#keyOf(id)));
    if (doubtful.length === 0) return new Set(ids);
    const known = await this.#knownAmong(doubtful);
    if (known === null) return new Set(ids);
    for (const id of known) this.#remember(id);
    const unknown = new Set(doubtful.filter((id) => !known.has(id)));
    return new Set(ids.filter((id) => !unknown.has(id)));
  }

  /** Null if the catalogue cannot tell. */
  async #knownAmong(ids: readonly FragmentId[]): Promise<ReadonlySet<string> | null> {
    const all = new Set<string>();
    try {
      for (let at = 0; at < ids.length; at += IDS_AT_A_TIME) {
        const asked = catalogueStub(this.#env, this.#access.workspace).known(
          ids.slice(at, at + IDS_AT_A_TIME),
        );
        const known = await within(CATALOGUE_WAIT_MS, asked);
        if (known === null) return null;
        for (const id of known) all.add(id);
      }
      return all;
    } catch (error) {
      console.error("the catalogue could not be asked which fragments exist", error);
      return null;
    }
  }

  #remember(id: string): void {
    remembered.set(this.#keyOf(id), true);
  }

  #keyOf(id: string): string {
    return `${this.#access.workspace}/${id}`;
  }
}
