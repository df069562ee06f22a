import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type ServerProcess, startServer } from "../../tools/dev/server-process.ts";
import { makeTemporaryDir, removeDir } from "./temporary-dir.ts";

/** One server for all tests of a file or of a `describe`. */
export interface ServerOfFile<S> {
  /** Its folder, for whatever the tests write. */
  readonly dir: string;
  readonly server: S;
}

/**
 * Starts a server on storage of its own before the tests, and ends it and removes its folder after them.
 *
 * @param start absent: the production bundle
 */
export function serverOfFile(): ServerOfFile<ServerProcess>;
export function serverOfFile<S extends { kill(): Promise<void> }>(
  start: (dir: string) => Promise<S>,
): ServerOfFile<S>;
export function serverOfFile(
  start: (dir: string) => Promise<{ kill(): Promise<void> }> = (dir) =>
    startServer({ persistTo: join(dir, "data") }),
): ServerOfFile<{ kill(): Promise<void> }> {
  let dir: string | null = null;
  let server: { kill(): Promise<void> } | null = null;
  beforeAll(async () => {
    dir = await makeTemporaryDir();
    server = await start(dir);
  });
  afterAll(async () => {
    await server?.kill();
    if (dir !== null) await removeDir(dir);
  });
  return {
    get dir() {
      return known(dir);
    },
    get server() {
      return known(server);
    },
  };
}

function known<T>(value: T | null): T {
  if (value === null) throw new Error("The server of the file starts before its tests, and not earlier.");
  return value;
}
