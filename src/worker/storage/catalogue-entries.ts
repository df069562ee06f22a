import { excerptOf } from "../../core/catalogue/excerpt.ts";
import { toNfc } from "../../core/catalogue/nfc.ts";
import { type CatalogueEntry, type CatalogueRecord, revisionOf } from "../../core/feed/catalogue-update.ts";
import { includedIds } from "../../core/feed/included-ids.ts";
import type { PromptType } from "../../protocol/fragment.ts";
import { CATALOGUE_SCHEMA } from "./catalogue-schema.ts";
import { migrate, newestVersion, schemaVersion } from "./migrations.ts";
import type { WordIndex } from "./word-index.ts";

const EXCERPT_UNITS = 200;

/** A row as it is stored. */
export interface StoredEntry extends CatalogueEntry {
  readonly number: number;
  readonly seq: number;
  /** Of a renamed fragment: the number of its deletion. */
  readonly createdSeq: number;
  readonly isDeleted: boolean;
  readonly includes: readonly string[];
  /** Of a deleted fragment: the id under which it lives on. */
  readonly renamedTo: string | null;
}

/**
 * The catalogue's entries in SQLite, with their words and inclusions. Records may come twice and out of order: the
 * revision decides.
 */
export class CatalogueEntries {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #words: WordIndex;

  constructor(storage: DurableObjectStorage, words: WordIndex) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#words = words;
  }

  /** Makes the tables, or brings them up to date. */
  open(): void {
    const version = schemaVersion(this.#sql);
    if (version < newestVersion(CATALOGUE_SCHEMA))
      this.#storage.transactionSync(() => migrate(this.#sql, CATALOGUE_SCHEMA, version));
  }

  /** The number of the last change; 0 before the first. */
  get seq(): number {
    return Number(this.#sql.exec("SELECT coalesce(max(seq), 0) AS seq FROM fragment").one()["seq"]);
  }

  get(id: string): StoredEntry | null {
    const [row] = this.#sql.exec("SELECT * FROM fragment WHERE id = ?", id).toArray();
    return row === undefined ? null : toStored(row);
  }

  /**
   * Stores a record, unless the same revision or a newer one is stored.
   *
   * @returns the rows written; 0 if nothing has changed
   */
  store(record: CatalogueRecord): number {
    const { id, revision } = revisionOf(record);
    const known = this.get(id);
    if (known !== null && known.revision >= revision) return 0;
    return this.#storage.transactionSync(() => this.#write(record, known, known?.includes ?? []));
  }

  /**
   * Makes the entry agree with the fragment's answer. Writes only the differences, and the index of words, which cannot
   * be read back.
   *
   * @param record null if there never was such a fragment
   * @param seq the entry's last change when the fragment was asked, null if it had none: a later change is newer than
   *   the answer
   * @returns whether something was wrong
   */
  repair(id: string, record: CatalogueRecord | null, seq: number | null): boolean {
    const known = this.get(id);
    if ((known?.seq ?? null) !== seq) return false;
    const truth = record ?? { kind: "deleted", id, revision: 0, atMs: known?.updatedAtMs ?? 0 };
    if (known === null && truth.kind === "deleted") return false;
    if (known !== null && this.#matches(known, truth)) {
      if (truth.kind === "text") this.#words.store(known.number, truth.entry, truth.text);
      return false;
    }
    this.#storage.transactionSync(() => this.#write(truth, known, this.#targetsOf(id)));
    return true;
  }

  /** Notes the id under which a deleted fragment lives on. False if it is not deleted. */
  rename(from: string, to: string): boolean {
    const query = `UPDATE fragment
      SET created_seq = CASE WHEN renamed_to IS NULL THEN seq ELSE created_seq END, seq = ?, renamed_to = ?
      WHERE id = ? AND is_deleted = 1`;
    return this.#sql.exec(query, this.seq + 1, to, from).rowsWritten > 0;
  }

  /** @param targets the inclusions that are stored for it */
  #write(record: CatalogueRecord, known: StoredEntry | null, targets: readonly string[]): number {
    const seq = this.seq + 1;
    let rows = 0;
    const exec = (query: string, ...bindings: SqlStorageValue[]) => {
      rows += this.#sql.exec(query, ...bindings).rowsWritten;
    };
    const number = known?.number ?? this.#nextNumber();
    const includes = record.kind === "text" ? includedIds(record.text) : [];
    const { id } = revisionOf(record);
    const after = new Set<string>(includes);
    const before = new Set(targets);
    for (const target of targets.filter((one) => !after.has(one)))
      exec("DELETE FROM inclusion WHERE target = ? AND source = ?", target, id);
    for (const target of includes.filter((one) => !before.has(one)))
      exec("INSERT INTO inclusion (target, source) VALUES (?, ?)", target, id);

    if (record.kind === "deleted") {
      rows += this.#words.remove(number);
      exec(
        `UPDATE fragment SET seq = ?, revision = ?, is_deleted = 1, updated_at_ms = ?, description = '',
           tags = '[]', includes = '[]', size = 0, excerpt = '' WHERE number = ?`,
        seq,
        record.revision,
        record.atMs,
        number,
      );
      return rows;
    }
    const { entry, text } = record;
    rows += this.#words.store(number, entry, text);
    exec(
      `INSERT INTO fragment (number, id, seq, created_seq, revision, is_deleted, created_at_ms, updated_at_ms,
         description, tags, includes, prompt_type, size, excerpt)
       VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (number) DO UPDATE SET seq = excluded.seq, created_seq = excluded.created_seq,
         revision = excluded.revision, is_deleted = 0, created_at_ms = excluded.created_at_ms,
         updated_at_ms = excluded.updated_at_ms, renamed_to = NULL, description = excluded.description, tags = excluded.tags,
         includes = excluded.includes, prompt_type = excluded.prompt_type, size = excluded.size,
         excerpt = excluded.excerpt`,
      number,
      id,
      seq,
      known === null || known.isDeleted ? seq : known.createdSeq,
      entry.revision,
      entry.createdAtMs,
      entry.updatedAtMs,
      entry.description,
      JSON.stringify(entry.tags),
      JSON.stringify(includes),
      entry.prompt_type,
      entry.size,
      excerptOf(text, EXCERPT_UNITS),
    );
    return rows;
  }

  /** Whether everything stored of the fragment is as the record would make it. */
  #matches(known: StoredEntry, record: CatalogueRecord): boolean {
    if (known.revision !== revisionOf(record).revision) return false;
    if (record.kind === "deleted") return known.isDeleted;
    const { entry, text } = record;
    const includes = includedIds(text);
    const wanted = { ...entry, tags: [...entry.tags], isDeleted: false, includes };
    const { number: _number, seq: _seq, createdSeq: _createdSeq, renamedTo: _renamedTo, ...has } = known;
    return (
      isSame(has, wanted) &&
      this.#words.textOf(known.number) === toNfc(text) &&
      isSame(this.#targetsOf(known.id), includes)
    );
  }

  /** Reads the whole table: the key begins with the target. */
  #targetsOf(source: string): string[] {
    const rows = this.#sql.exec("SELECT target FROM inclusion WHERE source = ?", source).toArray();
    return rows.map((row) => String(row["target"])).sort();
  }

  #nextNumber(): number {
    return Number(this.#sql.exec("SELECT coalesce(max(number), 0) AS last FROM fragment").one()["last"]) + 1;
  }
}

/** Reads a row of `fragment`, which the object wrote. */
export function toStored(row: Record<string, SqlStorageValue>): StoredEntry {
  return {
    number: Number(row["number"]),
    seq: Number(row["seq"]),
    createdSeq: Number(row["created_seq"]),
    isDeleted: Number(row["is_deleted"]) === 1,
    id: String(row["id"]),
    revision: Number(row["revision"]),
    createdAtMs: Number(row["created_at_ms"]),
    updatedAtMs: Number(row["updated_at_ms"]),
    description: String(row["description"]),
    tags: JSON.parse(String(row["tags"])) as string[],
    includes: JSON.parse(String(row["includes"])) as string[],
    renamedTo: row["renamed_to"] == null ? null : String(row["renamed_to"]),
    prompt_type: String(row["prompt_type"]) as PromptType,
    size: Number(row["size"]),
  };
}

/** Compares JSON values, whatever the order of their fields. */
function isSame(a: unknown, b: unknown): boolean {
  const sorted = (value: unknown): unknown =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1))
      : value;
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}
