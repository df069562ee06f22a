/**
 * The bundle that `wrangler deploy` would upload, built without an account, and beside it what workerd must know of
 * wrangler.toml. Starting a server then parses no TOML and loads no Wrangler.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import * as v from "valibot";
import type { WorkerdSettings } from "./workerd-config.ts";
import { PROJECT_DIR, wranglerCommand } from "./wrangler-command.ts";

export const DEFAULT_BUNDLE_DIR = join(PROJECT_DIR, "build", "serve");

const MAIN_MODULE = "index.js";
const SETTINGS_FILE = "settings.json";

/**
 * Builds into `bundleDir` and returns that path. Files are replaced one by one and whole, so that a server which starts
 * meanwhile reads the old one or the new one. Throws with what Wrangler printed when the build fails.
 */
export async function buildBundle(bundleDir: string = DEFAULT_BUNDLE_DIR): Promise<string> {
  await mkdir(bundleDir, { recursive: true });
  const stagingDir = await mkdtemp(`${bundleDir}-`);
  try {
    const { command, args, env } = wranglerCommand(["deploy", "--dry-run", "--outdir", stagingDir]);
    await promisify(execFile)(command, args, { cwd: PROJECT_DIR, env });
    const settings = await describeBundle(stagingDir);
    await writeFile(join(stagingDir, SETTINGS_FILE), JSON.stringify(settings, null, 2));
    for (const file of await readdir(stagingDir)) await rename(join(stagingDir, file), join(bundleDir, file));
  } finally {
    await rm(stagingDir, { recursive: true, force: true });
  }
  return bundleDir;
}

/** Throws when `buildBundle` has not been there. */
export async function readBundleSettings(bundleDir: string): Promise<WorkerdSettings> {
  const text = await readFile(join(bundleDir, SETTINGS_FILE), "utf8").catch((cause: unknown) => {
    throw new Error(`no bundle in ${bundleDir}: call buildBundle() first`, { cause });
  });
  // Written above, and by nothing else.
  return JSON.parse(text) as WorkerdSettings;
}

/** What of wrangler.toml there is a place for in `WorkerdSettings`. Another kind of binding is an error, not a gap. */
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
    } else {
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
  // Loaded here only: it takes most of a second. Its published types say `any`, so what it returns is parsed.
  const wrangler = await import("wrangler");
  const config = wrangler.unstable_readConfig({ config: join(PROJECT_DIR, "wrangler.toml") });
  const bindings: unknown = wrangler.unstable_convertConfigBindingsToStartWorkerBindings(config);
  const parsed = v.safeParse(WranglerConfigSchema, { ...config, bindings });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new Error(`wrangler.toml: ${v.getDotPath(issue)}: ${issue.message}`);
}
