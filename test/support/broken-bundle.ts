import { type Alteration, buildAlteredBundle } from "./altered-bundle.ts";

/**
 * A server that lies: a commit is acknowledged at once and written 200 ms later. Fails loudly when the storage
 * has changed so that this no longer breaks it.
 */
export const ACKNOWLEDGING_EARLY: readonly Alteration[] = [
  {
    file: "src/worker/storage/sql-update-log.ts",
    passage: "append(commit: Commit): void {",
    replacement: `append(commit: Commit): void {
          setTimeout(() => this.#appendLate(commit), 200);
        }
        #appendLate(commit: Commit): void {`,
  },
];

export function buildBrokenBundle(bundleDir: string): Promise<string> {
  return buildAlteredBundle(bundleDir, { alterations: ACKNOWLEDGING_EARLY });
}

/** A server that forgets: what the catalogue has not been told when the process dies, it is never told. */
export const FORGETTING: readonly Alteration[] = [
  {
    file: "src/worker/fragment/turns.ts",
    passage: "this.#alarms.wake(nowMs + CONFIRMATION_MS);",
    replacement: ";",
  },
  {
    file: "src/worker/catalogue/catalogue-comparison.ts",
    passage: "const ask = async (one: FragmentRevision) => ({ one, answer: await this.#ask(one.id) });",
    replacement: 'const ask = async (one: FragmentRevision) => ({ one, answer: "forgotten" });',
  },
];

export function buildForgetfulBundle(bundleDir: string): Promise<string> {
  return buildAlteredBundle(bundleDir, { alterations: FORGETTING });
}

/** A server that drops some edits on their way to the others, and one from the text that it shows. */
export const LOSING: readonly Alteration[] = [
  {
    file: "src/core/room/yjs-sessions.ts",
    passage: "const frame = encodeUpdate(update);",
    replacement: "if (update.length % 2 === 0) return; const frame = encodeUpdate(update);",
  },
  {
    file: "src/core/fragment/durable-fragment.ts",
    passage: "const content = fromSharedText(committedContent, eol);",
    replacement: `const content = fromSharedText(committedContent, eol).replace("w0:0;", "");`,
  },
];
