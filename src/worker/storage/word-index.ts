import { fold } from "../../core/catalogue/folded-text.ts";
import { toNfc } from "../../core/catalogue/nfc.ts";
import type { CatalogueEntry } from "../../core/feed/catalogue-update.ts";

/** The fields of a fragment that are searched, besides its text. */
export type SearchedFields = Pick<CatalogueEntry, "id" | "description" | "tags">;

/** Put between the characters of scripts without spaces in texts that releases before 0.2 indexed. */
const OLD_DIVIDER = "\u001F";

/**
 * The full-text index of all fragments by the number of their row, and the texts that excerpts are made of. The index
 * holds folded words and no text, so it cannot be read back.
 */
export class WordIndex {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  /** The last number that `moveSome` has looked at. */
  #movedNumber = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** @returns the rows written */
  store(number: number, fields: SearchedFields, text: string): number {
    const shown = toNfc(text);
    const { rowsWritten } = this.#sql.exec(
      "INSERT OR REPLACE INTO content (number, text) VALUES (?, ?)",
      number,
      shown,
    );
    const words = [fields.id, fields.description, fields.tags.join(" "), shown].map(fold);
    const update = "UPDATE words SET id = ?, description = ?, tags = ?, content = ? WHERE rowid = ?";
    const updated = this.#sql.exec(update, ...words, number).rowsWritten;
    if (updated > 0) return rowsWritten + updated;
    const insert = "INSERT INTO words (id, description, tags, content, rowid) VALUES (?, ?, ?, ?, ?)";
    return rowsWritten + this.#sql.exec(insert, ...words, number).rowsWritten;
  }

  /** @returns the rows written */
  remove(number: number): number {
    const { rowsWritten } = this.#sql.exec("DELETE FROM words WHERE rowid = ?", number);
    return rowsWritten + this.#sql.exec("DELETE FROM content WHERE number = ?", number).rowsWritten;
  }

  /** The text that `store` was given, in NFC; null if there is none. */
  textOf(number: number): string | null {
    const [row] = this.#sql.exec("SELECT text FROM content WHERE number = ?", number).toArray();
    return row === undefined ? null : String(row["text"]);
  }

  /** The first characters of these texts, by number. */
  beginningsOf(numbers: readonly number[], characters: number): ReadonlyMap<number, string> {
    const query =
      "SELECT number, substr(text, 1, ?) FROM content WHERE number IN (SELECT value FROM json_each(?))";
    const rows = this.#sql.exec(query, characters, JSON.stringify(numbers)).raw();
    return new Map(Array.from(rows, ([number, text]) => [Number(number), String(text)]));
  }

  /** An earlier release's index is still there: some fragments are not found yet. */
  get isMoving(): boolean {
    return this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'old_words'").toArray().length > 0;
  }

  /**
   * Indexes some of the texts in an earlier release's index, and drops that index after the last one. A text that a
   * fragment has sent meanwhile is newer and stays.
   *
   * @param maxUnits about this many UTF-16 code units of text
   */
  moveSome(maxUnits: number): void {
    this.#storage.transactionSync(() => {
      for (let left = maxUnits; left > 0; ) {
        const [row] = this.#sql
          .exec(
            `SELECT number, id, description, tags FROM fragment
             WHERE number > CAST(? AS INTEGER) AND is_deleted = 0
               AND NOT EXISTS (SELECT 1 FROM content WHERE content.number = fragment.number)
             ORDER BY number LIMIT 1`,
            this.#movedNumber,
          )
          .toArray();
        if (row === undefined) {
          this.#sql.exec("DROP TABLE old_words");
          return;
        }
        this.#movedNumber = Number(row["number"]);
        left -= this.#move(this.#movedNumber, {
          id: String(row["id"]),
          description: String(row["description"]),
          tags: JSON.parse(String(row["tags"])) as string[], // CatalogueEntries wrote it
        });
      }
    });
  }

  /** @returns the cost in code units; even a short text costs a statement */
  #move(number: number, fields: SearchedFields): number {
    // FTS5 seeks by integers only, and a bound number is a float.
    const query = "SELECT content FROM old_words WHERE rowid = CAST(? AS INTEGER)";
    const [old] = this.#sql.exec(query, number).toArray();
    if (old === undefined) return 1; // a rebuild mends that
    const text = String(old["content"]).replaceAll(OLD_DIVIDER, "");
    this.store(number, fields, text);
    return 1_000 + text.length;
  }
}
