/**
 * The command line of Wrangler for our scripts: the installed version, under the Node that runs the script, and quiet.
 * These uses need neither the internet nor an account.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface WranglerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** The directory of wrangler.toml. Wrangler runs here, whatever the caller's working directory. */
export const PROJECT_DIR = fileURLToPath(new URL("../..", import.meta.url));

export function wranglerCommand(args: readonly string[]): WranglerCommand {
  const packageJson = createRequire(import.meta.url).resolve("wrangler/package.json");
  const launcher = join(dirname(packageJson), "bin", "wrangler.js");
  return { command: process.execPath, args: [launcher, ...args], env: { ...process.env, ...QUIET } };
}

const QUIET = {
  // With the banner, Wrangler asks the registry for newer versions.
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  // Otherwise each start downloads a sample `request.cf`, and warns if it cannot.
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
} as const;
