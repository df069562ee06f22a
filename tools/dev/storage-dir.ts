/** The directory of `--persist-to`. */
import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { describeCause } from "../server-url.ts";

/** Makes the directory if it is missing. Throws a sentence for the terminal when fragments cannot be kept there. */
export async function prepareStorageDir(path: string): Promise<void> {
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
