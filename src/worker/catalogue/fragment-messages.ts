import {
  type CatalogueEntry,
  type CatalogueMessage,
  type CatalogueRecord,
  revisionOf,
} from "../../core/feed/catalogue-update.ts";
import { NO_OPEN_SESSIONS, type OpenSessions } from "../../protocol/catalogue.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { CatalogueEntries } from "../storage/catalogue-entries.ts";
import type { KnownIds } from "../storage/known-ids.ts";
import type { LiveEntries } from "../storage/live-entries.ts";
import type { OpenSessionsTable } from "../storage/open-sessions-table.ts";
import type { CatalogueComparison } from "./catalogue-comparison.ts";
import type { EventListeners } from "./event-listeners.ts";

export interface MessagePorts {
  readonly entries: CatalogueEntries;
  readonly live: LiveEntries;
  readonly openSessions: OpenSessionsTable;
  readonly known: Pick<KnownIds, "heardOf">;
  readonly comparison: Pick<CatalogueComparison, "heardOf">;
  readonly listeners: Pick<EventListeners, "tell" | "changed">;
}

/** Takes the messages of the fragments: stores what they bring, and tells the listeners. */
export class FragmentMessages {
  readonly #ports: MessagePorts;

  constructor(ports: MessagePorts) {
    this.#ports = ports;
  }

  /** @returns the rows written */
  receive({ id, update, openSessions }: CatalogueMessage): number {
    let rowsWritten = 0;
    if (update?.kind === "entry") this.#show(update.entry);
    else if (update !== null) rowsWritten += this.#store(update);
    if (openSessions !== null) rowsWritten += this.#storeOpenSessions(id, openSessions);
    return rowsWritten;
  }

  /** @returns the rows written: a deleted fragment has no open sessions, even if the process died before it told */
  entryChanged(id: string): number {
    const { entries, live, listeners } = this.#ports;
    const entry = entries.get(id);
    if (entry !== null) live.forget(entry);
    listeners.changed();
    return entry?.isDeleted === true ? this.#storeOpenSessions(id, NO_OPEN_SESSIONS) : 0;
  }

  #show(entry: CatalogueEntry): void {
    const { entries, live, listeners } = this.#ports;
    if (!live.show(entries.get(entry.id), entry)) return;
    const { id, revision: version, updatedAtMs } = entry;
    listeners.tell({ event: "typing", id, version, updated_at: timestamp(updatedAtMs) });
  }

  #store(record: CatalogueRecord): number {
    const { entries, known, comparison } = this.#ports;
    const revision = revisionOf(record);
    known.heardOf(revision.id);
    let rowsWritten = entries.store(record);
    if (rowsWritten > 0) rowsWritten += this.entryChanged(revision.id);
    return rowsWritten + comparison.heardOf(revision);
  }

  #storeOpenSessions(id: string, openSessions: OpenSessions): number {
    const rowsWritten = this.#ports.openSessions.store(id, openSessions);
    if (rowsWritten === null) return 0;
    this.#ports.listeners.tell({ event: "editors", id, ...openSessions });
    return rowsWritten;
  }
}
