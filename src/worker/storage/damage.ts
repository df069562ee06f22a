import { decodeRecord, type LoggedCommit } from "../../core/history/log-record.ts";
import { checksum } from "./checksum.ts";
import { join } from "./chunks.ts";

/** The tables whose rows may be damaged, and their keys. */
const KEYS = { update_log: "seq", snapshot: "chunk", authors: "from_revision" } as const;

/** The fault of a row. */
export interface Damage {
  readonly source: keyof typeof KEYS;
  /** The row's key. */
  readonly key: number;
  readonly reason: string;
}

export interface ReadRecord {
  /** Of its first row. */
  readonly seq: number;
  readonly rows: number;
  readonly data: Uint8Array;
  readonly commits: readonly LoggedCommit[];
}

type Row = Record<string, SqlStorageValue>;

export function readRecords(sql: SqlStorage, format: number): { sound: ReadRecord[]; damages: Damage[] } {
  const sound: ReadRecord[] = [];
  const damages: Damage[] = [];
  for (const rows of groupParts(sql.exec("SELECT * FROM update_log ORDER BY seq").toArray())) {
    const [first] = rows;
    const reason = partsFault(rows) ?? rowsFault(rows, format);
    const data = join(rows.map(dataOf));
    const commits = reason === null ? tryDecode(data) : null;
    if (first !== undefined && commits !== null) {
      sound.push({ seq: Number(first["seq"]), rows: rows.length, data, commits });
      continue;
    }
    for (const row of rows) {
      damages.push({ source: "update_log", key: Number(row["seq"]), reason: reason ?? "cannot be decoded" });
    }
  }
  return { sound, damages };
}

export function readSnapshot(
  sql: SqlStorage,
  format: number,
): { sound: Uint8Array | null; damages: Damage[] } {
  const rows = sql.exec("SELECT * FROM snapshot ORDER BY chunk").toArray();
  if (rows.length === 0) return { sound: null, damages: [] };
  const isWhole = rows.every((row, index) => row["chunk"] === index);
  const reason = isWhole ? rowsFault(rows, format) : "a chunk is missing";
  if (reason === null) return { sound: join(rows.map(dataOf)), damages: [] };
  // An update cannot be read in part: one damaged chunk makes the whole snapshot useless.
  return {
    sound: null,
    damages: rows.map((row) => ({ source: "snapshot", key: Number(row["chunk"]), reason })),
  };
}

/** Moves a row into quarantine, as it is. Returns the rows written. */
export function quarantine(sql: SqlStorage, { source, key, reason }: Damage): number {
  const column = KEYS[source];
  // The newest revision that anybody may have seen: no other text may ever get it. The authors make no text.
  const revision =
    source === "authors"
      ? "0"
      : "max((SELECT revision FROM fragment), (SELECT coalesce(max(revision), 0) FROM update_log))";
  const copy = sql.exec(
    `INSERT INTO quarantine (source, key, reason, revision, data)
       SELECT ?, ${column}, ?, ${revision}, data FROM ${source} WHERE ${column} = ?`,
    source,
    reason,
    key,
  );
  return copy.rowsWritten + sql.exec(`DELETE FROM ${source} WHERE ${column} = ?`, key).rowsWritten;
}

/** Rows of one record stand together: a first part begins a new one. */
function groupParts(rows: readonly Row[]): Row[][] {
  const groups: Row[][] = [];
  for (const row of rows) {
    const group = groups.at(-1);
    if (group === undefined || row["part"] === 0) groups.push([row]);
    else group.push(row);
  }
  return groups;
}

function partsFault(rows: readonly Row[]): string | null {
  const isWhole = rows.every((row, index) => row["part"] === index && row["parts"] === rows.length);
  return isWhole ? null : "a part is missing";
}

export function rowsFault(rows: readonly Row[], format: number): string | null {
  for (const row of rows) {
    if (!(row["data"] instanceof ArrayBuffer) || checksum(dataOf(row)) !== row["checksum"])
      return "wrong checksum";
    // A sound row of a newer release: opening without it would lose its content.
    if (row["format"] !== format)
      throw new Error(`A stored row has format ${row["format"]}; this release reads ${format}.`);
  }
  return null;
}

function tryDecode(data: Uint8Array): LoggedCommit[] | null {
  try {
    return decodeRecord(data);
  } catch {
    return null; // lib0 throws at the end of the bytes; the caller sets the rows aside
  }
}

function dataOf(row: Row): Uint8Array {
  return new Uint8Array(row["data"] as ArrayBuffer); // BLOB columns come as ArrayBuffer
}
