/**
 * The bundle that `wrangler deploy` would upload, built without an account, and beside it the settings of wrangler.toml
 * that workerd needs. Starting a server then parses no TOML and loads no Wrangler.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import { promisify } from "node:util";
import * as v from "valibot";
import { describeCause } from "../server-url.ts";
import type { WorkerdSettings } from "./workerd-config.ts";
import { PROJECT_DIR, wranglerCommand } from "./wrangler-command.ts";

export const DEFAULT_BUNDLE_DIR = join(PROJECT_DIR, "build", "serve");

const MAIN_MODULE = "index.js";
const SETTINGS_FILE = "settings.json";
/** Names the sources and the bundle that belong together; see `stamp`. */
const STAMP_FILE = "built-from";
/** Everything that a bundle is made of. The lockfile stands for the packages. */
const SOURCES = ["src", "tools/dev", "wrangler.toml", "package-lock.json", "tsconfig.base.json"];

/**
 * Builds into `bundleDir`, unless the bundle there was made from the same sources, and returns that path. `onBuild` is
 * called before a build. Each file is replaced as a whole, so that a server that starts meanwhile reads the old one or
 * the new one. Throws with what Wrangler printed when the build fails.
 */
export async function buildBundle(
  bundleDir: string = DEFAULT_BUNDLE_DIR,
  onBuild: () => void = () => undefined,
): Promise<string> {
  const sources = await digestSources();
  if (await isBuiltFrom(sources, bundleDir)) return bundleDir;
  onBuild();
  const stagingDir = await makeStagingDir(bundleDir);
  try {
    const { command, args, env } = wranglerCommand(["deploy", "--dry-run", "--outdir", stagingDir]);
    await promisify(execFile)(command, args, { cwd: PROJECT_DIR, env });
    const settings = await describeBundle(stagingDir);
    await writeFile(join(stagingDir, SETTINGS_FILE), JSON.stringify(settings, null, 2));
    await writeFile(join(stagingDir, STAMP_FILE), await stamp(sources, stagingDir));
    for (const file of await readdir(stagingDir)) await rename(join(stagingDir, file), join(bundleDir, file));
  } finally {
    await rm(stagingDir, { recursive: true, force: true });
  }
  return bundleDir;
}

/** A new directory beside `bundleDir`, which is made too. Throws a sentence for the terminal if that is not allowed. */
async function makeStagingDir(bundleDir: string): Promise<string> {
  try {
    await mkdir(bundleDir, { recursive: true });
    return await mkdtemp(`${bundleDir}-`);
  } catch (error) {
    throw new Error(
      `The server cannot be built into "${bundleDir}" (${describeCause(error)}). Build it once as a user who may write there: npm run serve -- --build-only`,
    );
  }
}

/** Throws if `buildBundle` has not built there. */
export async function readBundleSettings(bundleDir: string): Promise<WorkerdSettings> {
  const text = await readFile(join(bundleDir, SETTINGS_FILE), "utf8").catch((cause: unknown) => {
    throw new Error(`no bundle in ${bundleDir}: call buildBundle() first`, { cause });
  });
  // Written by buildBundle only.
  return JSON.parse(text) as WorkerdSettings;
}

/** A digest of every file of `SOURCES`, paths included. */
async function digestSources(): Promise<string> {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    const path = join(PROJECT_DIR, source);
    const files = (await stat(path)).isDirectory() ? await listFiles(path) : [path];
    for (const file of files) {
      hash
        .update(`${relative(PROJECT_DIR, file)}\0`)
        .update(await readFile(file))
        .update("\0");
    }
  }
  return hash.digest("hex");
}

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** False if there is no bundle, if its sources were others, or if its main module was changed after the build. */
async function isBuiltFrom(sources: string, bundleDir: string): Promise<boolean> {
  try {
    return (await readFile(join(bundleDir, STAMP_FILE), "utf8")) === (await stamp(sources, bundleDir));
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(describeCause(error))) return false;
    throw error;
  }
}

async function stamp(sources: string, bundleDir: string): Promise<string> {
  const main = createHash("sha256").update(await readFile(join(bundleDir, MAIN_MODULE)));
  return `${sources} ${main.digest("hex")}\n`;
}

/**
 * The part of wrangler.toml that `WorkerdSettings` has a place for. workerd has no rate limiter of its own, and the worker does
 * without one. Another kind of binding is an error, not a gap.
 */
const WranglerConfigSchema = v.object({
  name: v.string(),
  compatibility_date: v.string(),
  compatibility_flags: v.array(v.string()),
  bindings: v.record(
    v.string(),
    v.variant("type", [
      v.object({
        type: v.literal("durable_object_namespace"),
        class_name: v.string(),
        script_name: v.optional(v.undefined()),
      }),
      v.object({ type: v.picklist(["plain_text", "json"]), value: v.unknown() }),
      v.object({ type: v.literal("ratelimit") }),
    ]),
  ),
});

async function describeBundle(bundleDir: string): Promise<WorkerdSettings> {
  const config = await readWranglerConfig();
  const durableObjects: { binding: string; className: string }[] = [];
  const vars: Record<string, string> = {};
  for (const [name, binding] of Object.entries(config.bindings)) {
    if (binding.type === "durable_object_namespace") {
      durableObjects.push({ binding: name, className: binding.class_name });
    } else if (binding.type !== "ratelimit") {
      vars[name] = JSON.stringify(binding.value);
    }
  }
  const otherModules = (await readdir(bundleDir)).filter(
    (file) => file !== MAIN_MODULE && file !== "README.md" && extname(file) !== ".map",
  );
  return {
    workerName: config.name,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    modules: [MAIN_MODULE, ...otherModules],
    durableObjects,
    vars,
  };
}

async function readWranglerConfig(): Promise<v.InferOutput<typeof WranglerConfigSchema>> {
  // Imported only here, since loading takes most of a second. Its published types are `any`, so the result is parsed.
  const wrangler = await import("wrangler");
  const config = wrangler.unstable_readConfig({ config: join(PROJECT_DIR, "wrangler.toml") });
  const bindings: unknown = wrangler.unstable_convertConfigBindingsToStartWorkerBindings(config);
  const parsed = v.safeParse(WranglerConfigSchema, { ...config, bindings });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new Error(`wrangler.toml: ${v.getDotPath(issue)}: ${issue.message}`);
}
