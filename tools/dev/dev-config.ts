/** The configuration and the secrets that `wrangler dev` gets. */
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuthSecrets } from "../access/auth-secret.ts";
import { PROJECT_DIR } from "./wrangler-command.ts";

/** Beside wrangler.toml, since Wrangler reads the paths in a configuration from where it stands. Git ignores it. */
const CONFIG_FILE = "wrangler.dev.json";

/**
 * Writes a configuration without the routes of wrangler.toml and returns its path; null if there are no routes. With
 * routes, `wrangler dev` gives every request the host name of the first one, and changes `Origin` to match, so that
 * the worker could not tell a page that came by DNS rebinding from its own (Wrangler 4.155).
 *
 * @param dir where wrangler.toml is
 */
export async function configWithoutRoutes(dir: string = PROJECT_DIR): Promise<string | null> {
  const file = join(dir, "wrangler.toml");
  if (!/^\s*(?:\[\[?\s*)?routes?\b/m.test(await readFile(file, "utf8"))) return null;
  const wrangler = await import("wrangler"); // most of a second
  const { rawConfig } = wrangler.experimental_readRawConfig({ config: file });
  const { routes: _routes, route: _route, ...others } = rawConfig;
  const copy = join(dir, CONFIG_FILE);
  await writeFile(copy, JSON.stringify(others, null, 2));
  return copy;
}

/**
 * The arguments that give the worker its secrets: names of files, since other users of the machine see arguments. The
 * last file wins.
 *
 * @param dir where the file is kept
 */
export async function secretArguments(dir: string, secrets: AuthSecrets): Promise<string[]> {
  const file = join(dir, "auth-secret.env");
  const lines = Object.entries(secrets).map(([name, value]) => `${name}="${value}"\n`);
  await rm(file, { force: true }); // an old one may be open to others
  await writeFile(file, lines.join(""), { mode: 0o600 });
  const own = join(PROJECT_DIR, ".dev.vars"); // Wrangler reads it only if no file is named
  return [...(existsSync(own) ? [own] : []), file].map((path) => `--env-file=${path}`);
}
