import { buildAlteredBundle } from "./altered-bundle.ts";

/**
 * A server that lies: a commit is acknowledged at once and written 200 ms later. Fails loudly when the storage
 * has changed so that this no longer breaks it.
 */
export function buildBrokenBundle(bundleDir: string): Promise<string> {
  return buildAlteredBundle(bundleDir, {
    alterations: [
      {
        file: "src/worker/storage/sql-update-log.ts",
        passage: "append(commit: Commit): void {",
        replacement: `append(commit: Commit): void {
          setTimeout(() => this.#appendLate(commit), 200);
        }
        #appendLate(commit: Commit): void {`,
      },
    ],
  });
}

/** A server that forgets: what the catalogue has not been told when the process dies, it is never told. */
export function buildForgetfulBundle(bundleDir: string): Promise<string> {
  return buildAlteredBundle(bundleDir, {
    alterations: [
      {
        file: "src/worker/objects/fragment-object.ts",
        passage: "this.#alarms.wake(nowMs + CONFIRMATION_MS);",
        replacement: ";",
      },
      {
        file: "src/worker/objects/catalogue-inquiry.ts",
        passage: 'if ((await this.#ask(one.id)) !== "unreachable") this.#announced.settle(one);',
        replacement: "this.#announced.settle(one);",
      },
    ],
  });
}
