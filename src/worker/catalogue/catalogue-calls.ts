import { type Access, adminOfAllFault, type Workspace, writeFault } from "../../protocol/access.ts";
import type {
  Dependents,
  FolderCounts,
  FragmentPage,
  ListQuery,
  RebuildStatus,
  TagCounts,
} from "../../protocol/catalogue.ts";
import { done, type Refusal, type Result, refused } from "../../protocol/errors.ts";
import type { CatalogueEntries } from "../storage/catalogue-entries.ts";
import type { CatalogueLists } from "../storage/catalogue-lists.ts";
import type { FragmentPages } from "../storage/fragment-pages.ts";
import type { KnownIds } from "../storage/known-ids.ts";
import type { CatalogueComparison } from "./catalogue-comparison.ts";

/** Ids on one page of `ids`. */
const IDS_PER_PAGE = 1_000;

export interface CallPorts {
  readonly entries: CatalogueEntries;
  readonly lists: CatalogueLists;
  readonly pages: FragmentPages;
  readonly known: Pick<KnownIds, "introduce">;
  readonly comparison: CatalogueComparison;
  /** The tables hold something new. */
  changed(): void;
}

/**
 * What callers ask of a catalogue. Each call is checked before anything is done for it. A caller is answered as if there
 * were no fragments but those that it may know of.
 */
export class CatalogueCalls {
  readonly #workspace: Workspace;
  readonly #ports: CallPorts;

  constructor(workspace: Workspace, ports: CallPorts) {
    this.#workspace = workspace;
    this.#ports = ports;
  }

  /** @throws if the caller belongs to another workspace: somebody made a wrong address */
  admit(access: Access): Access {
    if (access.workspace !== this.#workspace) throw new Error("the caller belongs to another workspace");
    return access;
  }

  list(access: Access, query: ListQuery): Result<FragmentPage> {
    return this.#ports.pages.list(this.admit(access), query);
  }

  ids(access: Access, afterId: string): string[] {
    return this.#ports.lists.ids(this.admit(access), afterId, IDS_PER_PAGE);
  }

  tags(access: Access): TagCounts {
    return this.#ports.lists.tags(this.admit(access));
  }

  folders(access: Access, prefix: string): FolderCounts {
    return this.#ports.lists.folders(this.admit(access), prefix);
  }

  dependents(access: Access, id: string): Dependents {
    return this.#ports.lists.dependents(this.admit(access), id);
  }

  suggestions(access: Access, text: string, exclude: readonly string[]): string[] {
    return this.#ports.lists.suggestions(this.admit(access), text, exclude);
  }

  renamed(access: Access, from: string, to: string): Result<boolean> {
    this.admit(access);
    const fault = writeFault(access, from) ?? writeFault(access, to);
    if (fault !== null) return refused(fault);
    const isKnown = this.#ports.entries.rename(from, to);
    if (isKnown) this.#ports.changed();
    return done(isKnown);
  }

  async rebuild(access: Access, ids: readonly string[], isComplete: boolean): Promise<Result<RebuildStatus>> {
    const fault = this.#rebuildFault(access);
    if (fault !== null) return refused(fault);
    await this.#ports.known.introduce();
    this.#ports.comparison.rebuild(ids, isComplete, Date.now());
    return done(this.#ports.comparison.rebuildStatus);
  }

  async rebuildStatus(access: Access): Promise<Result<RebuildStatus>> {
    const fault = this.#rebuildFault(access);
    if (fault !== null) return refused(fault);
    await this.#ports.known.introduce();
    return done(this.#ports.comparison.rebuildStatus);
  }

  /** A rebuild touches and counts all fragments of the workspace. */
  #rebuildFault(access: Access): Refusal | null {
    return adminOfAllFault(this.admit(access));
  }
}
