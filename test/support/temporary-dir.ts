import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory of its own; its maker removes it. */
export function makeTemporaryDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), "prompt-manager-"));
}

export function removeDir(dir: string): Promise<void> {
  return rm(dir, { recursive: true, force: true, maxRetries: 5 });
}

/** A directory of its own for `use`; gone afterwards, with all that is in it. */
export async function withTemporaryDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await makeTemporaryDir();
  try {
    return await use(dir);
  } finally {
    await removeDir(dir);
  }
}
