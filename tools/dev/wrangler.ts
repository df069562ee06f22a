/** `node tools/dev/wrangler.ts ARGS...`: calls Wrangler as our scripts do, for the lines in package.json. */
import { spawnSync } from "node:child_process";
import { PROJECT_DIR, wranglerCommand } from "./wrangler-command.ts";

const { command, args, env } = wranglerCommand(process.argv.slice(2));
const { status, error } = spawnSync(command, args, { cwd: PROJECT_DIR, env, stdio: "inherit" });
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
