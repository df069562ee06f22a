/**
 * A person who types a document key by key: words, and now and then a jump to another place, a correction or a new
 * line. The storage that the document takes is measured after the server has stopped.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import * as Y from "yjs";
import { opened, within } from "../support/live-socket.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { SyncSocket } from "./sync-socket.ts";

const WORDS =
  "the prompt asks the model for a short answer that names its sources and says what it does not know".split(
    " ",
  );
/** The most pushes without a `saved`: enough to make the server the slower side. */
const MAX_UNSAVED = 2_000;

/** A text editor with our subprotocol: one push for each key. */
export class Typist {
  readonly doc = new Y.Doc();
  readonly #random: SeededRandom;
  readonly #connection: SyncSocket;
  #update: Uint8Array = new Uint8Array();
  #cursor = 0;
  #word = "";
  #seq = 0;
  #saved = 0;
  #onSaved: () => void = () => undefined;

  private constructor(serverUrl: string, path: string, random: SeededRandom) {
    this.#random = random;
    this.#connection = new SyncSocket(serverUrl, path, this.doc, {
      onSaved: (seq) => {
        this.#saved = seq;
        this.#onSaved();
      },
    });
    this.doc.on("update", (update: Uint8Array) => {
      this.#update = update;
    });
  }

  static async open(serverUrl: string, path: string, random: SeededRandom): Promise<Typist> {
    const typist = new Typist(serverUrl, path, random);
    await opened(typist.#connection.socket);
    return typist;
  }

  /** Types this number of keys, as fast as the server saves them or one every `intervalMs`. Settles when all are saved. */
  async type(keys: number, intervalMs: number | null): Promise<void> {
    const startedMs = performance.now();
    for (let key = 0; key < keys; key++) {
      this.#press();
      this.#connection.push(++this.#seq, this.#update);
      if (intervalMs !== null) await delay(Math.max(0, startedMs + key * intervalMs - performance.now()));
      else if (this.#seq - this.#saved >= MAX_UNSAVED) await this.#savedUpTo(this.#seq - MAX_UNSAVED / 2);
      else if (key % 64 === 0) await delay(0); // lets frames in and out
    }
    await this.#savedUpTo(this.#seq);
  }

  close(): void {
    this.#connection.socket.terminate();
  }

  /** Types one key: one update of the document. */
  #press(): void {
    const text = this.doc.getText("content");
    const dice = this.#random.below(1_000);
    if (dice < 2) this.#cursor = this.#random.below(text.length + 1);
    if (dice < 30 && this.#cursor > 0) {
      this.#cursor--;
      text.delete(this.#cursor, 1);
      return;
    }
    if (this.#word === "")
      this.#word = `${WORDS[this.#random.below(WORDS.length)]}${dice > 990 ? "\n" : " "}`;
    text.insert(this.#cursor++, this.#word.charAt(0));
    this.#word = this.#word.slice(1);
  }

  #savedUpTo(seq: number): Promise<void> {
    const saved = new Promise<void>((settle) => {
      this.#onSaved = () => {
        if (this.#saved >= seq) settle();
      };
      this.#onSaved();
    });
    return within(`saved(${seq})`, saved);
  }
}

export interface StoredFragment {
  /** Rows of all tables together. */
  readonly rows: number;
  /** Bytes of all values in the live tables, as SQLite counts them. */
  readonly liveBytes: number;
  readonly fileBytes: number;
}

/** The workspace's witness has a database of its own, without this table. */
function holdsFragment(path: string): boolean {
  const database = new DatabaseSync(path);
  try {
    return database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'fragment'").all().length > 0;
  } finally {
    database.close();
  }
}

/** The storage of the only fragment of a stopped server. */
export async function readStoredFragment(dataDir: string): Promise<StoredFragment> {
  const files = await readdir(dataDir, { recursive: true });
  const paths = files
    .filter((name) => /FragmentObject.*\.sqlite$/.test(name) && !name.endsWith("metadata.sqlite"))
    .map((name) => join(dataDir, name));
  const [path, ...others] = paths.filter(holdsFragment);
  if (path === undefined || others.length > 0) throw new Error(`not one fragment in ${dataDir}: ${files}`);
  const database = new DatabaseSync(path);
  try {
    // Also applies the write-ahead log, as the next start of the server does.
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    let rows = 0;
    let liveBytes = 0;
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name } of tables) {
      const table = String(name);
      if (table.startsWith("sqlite_") || table.startsWith("_cf_")) continue;
      const columns = database.prepare(`PRAGMA table_info(${table})`).all();
      const bytes = columns
        .map((column) => `coalesce(length(CAST(${column["name"]} AS BLOB)), 0)`)
        .join(" + ");
      const [sums] = database.prepare(`SELECT count(*) AS rows, sum(${bytes}) AS bytes FROM ${table}`).all();
      rows += Number(sums?.["rows"] ?? 0);
      liveBytes += Number(sums?.["bytes"] ?? 0);
    }
    return { rows, liveBytes, fileBytes: (await stat(path)).size };
  } finally {
    database.close();
  }
}

/** The document, and the milliseconds from the start of the connection until it was in sync. */
export async function timeOpen(serverUrl: string, path: string): Promise<{ ms: number; doc: Y.Doc }> {
  const doc = new Y.Doc();
  const startedMs = performance.now();
  const synced = Promise.withResolvers<number>();
  const reader = new SyncSocket(serverUrl, path, doc, {
    onSynced: () => synced.resolve(performance.now() - startedMs),
  });
  const ms = await within("a sync step 2", synced.promise);
  reader.socket.terminate();
  return { ms, doc };
}
