/**
 * The directory of `--persist-to`. One server at a time may use it: a second one would not see what the first one has
 * in memory, and would overwrite what the first one has acknowledged.
 */
import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describeCause } from "../server-url.ts";

/** An empty database. SQLite locks it, on every system, and the lock ends with the process, however that ends. */
const LOCK_FILE = "in-use.sqlite";

/** The locks of this process. A database that nothing refers to would be closed, and its lock lost. */
const held = new Set<DatabaseSync>();

/**
 * Makes the directory if it is missing, and keeps other servers out of it. Throws a sentence for the terminal when
 * fragments cannot be kept there, or another server uses it.
 *
 * @returns the function that lets other servers in again
 */
export async function claimStorageDir(path: string): Promise<() => void> {
  await prepare(path);
  const lock = new DatabaseSync(join(path, LOCK_FILE), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new Error(
      `Another server uses "${path}". Stop that one, or choose another directory with --persist-to.`,
    );
  }
  held.add(lock);
  return () => {
    held.delete(lock);
    lock.close();
  };
}

async function prepare(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`Fragments cannot be kept in "${path}": ${describeFault(describeCause(error))}.`);
  }
}

function describeFault(code: string): string {
  switch (code) {
    case "EEXIST":
      return "it is a file, and --persist-to needs a directory";
    case "ENOTDIR":
      return "a part of this path is a file, and --persist-to needs a directory";
    case "EACCES":
    case "EPERM":
      return "this user may not write there";
    case "EROFS":
      return "its file system is read-only";
    case "ENOSPC":
      return "the disk is full";
    default:
      return code;
  }
}

/** SQLITE_BUSY: somebody else has the lock. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}
