import { type AuthorChunk, archiveRuns } from "../../core/history/author-archive.ts";
import { AUTHORS_FORMAT } from "../../core/history/author-chunk.ts";
import { type AuthorRun, mergeRuns } from "../../core/history/author-runs.ts";
import { checksum } from "./checksum.ts";
import { toBlob } from "./chunks.ts";
import { type Damage, rowsFault } from "./damage.ts";

/** The authors of the commits that have left the log (core/history/author-archive.ts), a row for each chunk. */
export class AuthorTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The sound chunks, oldest first. The revisions of a damaged one have no authors; the others keep theirs. */
  read(): { sound: AuthorChunk[]; damages: Damage[] } {
    const sound: AuthorChunk[] = [];
    const damages: Damage[] = [];
    for (const row of this.#sql.exec("SELECT * FROM authors ORDER BY from_revision").toArray()) {
      const [level, from, to] = [row["level"], row["from_revision"], row["to_revision"]].map(Number);
      const reason = rowsFault([row], AUTHORS_FORMAT);
      const data = reason === null ? new Uint8Array(row["data"] as ArrayBuffer) : null; // the checksum fits
      if (data !== null && level !== undefined && from !== undefined && to !== undefined)
        sound.push({ level, from, to, data });
      else damages.push({ source: "authors", key: Number(from), reason: reason ?? "a column is missing" });
    }
    return { sound, damages };
  }

  /**
   * Adds runs, and moves older ones to coarser levels where there are too many. Call it in the transaction that takes
   * the commits out of the log.
   *
   * @param known what `read` has found sound
   * @returns the rows written: usually one
   */
  add(known: readonly AuthorChunk[], runs: readonly AuthorRun[]): number {
    const last = known.at(-1)?.to ?? 0;
    const added = mergeRuns(runs.filter(({ from }) => from > last));
    if (added.length === 0) return 0;
    const chunks = archiveRuns(known, added);
    const kept = new Set(chunks.map(({ from }) => from));
    let rows = 0;
    for (const { from } of known.filter((chunk) => !kept.has(chunk.from)))
      rows += this.#sql.exec("DELETE FROM authors WHERE from_revision = ?", from).rowsWritten;
    for (const chunk of chunks) if (!known.includes(chunk)) rows += this.#store(chunk);
    return rows;
  }

  #store({ level, from, to, data }: AuthorChunk): number {
    return this.#sql.exec(
      `INSERT INTO authors (from_revision, to_revision, level, format, checksum, data) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (from_revision) DO UPDATE SET to_revision = excluded.to_revision, level = excluded.level,
         checksum = excluded.checksum, data = excluded.data`,
      from,
      to,
      level,
      AUTHORS_FORMAT,
      checksum(data),
      toBlob(data),
    ).rowsWritten;
  }
}
