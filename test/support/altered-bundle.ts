/**
 * A bundle of the worker that is not the one we ship: another entry around it, or a source file with one passage
 * replaced. For tests that count what no address shows, and for tests that a check finds a fault.
 */
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { buildBundle } from "../../tools/dev/production-bundle.ts";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { workerBuild } from "./worker-build.ts";

export interface Alteration {
  /** Path from the project's directory. */
  readonly file: string;
  /** Must stand in the file exactly once. */
  readonly passage: string;
  readonly replacement: string;
}

/**
 * Builds into `bundleDir`, with the settings of the production bundle, which is built first if it is not there.
 *
 * @param entry path from the project's directory; its exports are those of the worker
 * @returns `bundleDir`, for `startServer`
 */
export async function buildAlteredBundle(
  bundleDir: string,
  {
    entry = "src/worker/index.ts",
    alterations = [],
  }: { entry?: string; alterations?: readonly Alteration[] },
): Promise<string> {
  await cp(await buildBundle(), bundleDir, { recursive: true, filter: isOfTheBundle });
  await build({
    ...workerBuild(join(PROJECT_DIR, entry), join(bundleDir, "index.js")),
    plugins: alterations.map(replacePassage),
  });
  return bundleDir;
}

/** A server that starts there meanwhile writes its configuration, and renames it. */
function isOfTheBundle(path: string): boolean {
  return !path.includes(".capnp");
}

function replacePassage({ file, passage, replacement }: Alteration): Plugin {
  const path = join(PROJECT_DIR, file);
  const escaped = path.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return {
    name: `replace a passage of ${file}`,
    setup({ onLoad, onEnd }) {
      let isReplaced = false;
      onLoad({ filter: new RegExp(`^${escaped}$`) }, async () => {
        const source = await readFile(path, "utf8");
        const found = source.split(passage).length - 1;
        if (found !== 1) throw new Error(`${JSON.stringify(passage)} stands ${found} times in ${file}`);
        isReplaced = true;
        return { contents: source.replace(passage, () => replacement), loader: "ts" };
      });
      onEnd(() => {
        if (!isReplaced) throw new Error(`${file} is no part of the bundle`);
      });
    },
  };
}
