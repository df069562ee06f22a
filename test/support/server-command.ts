/** `npm run dev` and `npm run serve` as processes of their own, as a person starts them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { within } from "./live-socket.ts";

export interface RunningCommand {
  readonly url: string;
  /** What it has printed so far, on both outputs. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts the command as `spawnCommand` does. It is ended when the test is over. */
export async function startCommand(
  command: "dev" | "serve",
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningCommand> {
  const started = await spawnCommand(command, args, env);
  onTestFinished(() => started.stop());
  return started;
}

/**
 * Starts the command on a free port, and waits until it has said what to do next.
 *
 * @param env besides the environment of the tests, which says nothing about access
 */
export async function spawnCommand(
  command: "dev" | "serve",
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningCommand> {
  const child = spawn(process.execPath, [join(PROJECT_DIR, `tools/dev/${command}.ts`), "--port=0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...withoutAccess(process.env), ...env },
  });
  const ended = once(child, "close");
  const stop = async () => {
    if (child.exitCode === null) child.kill("SIGTERM");
    await ended;
  };
  let printed = "";
  const ready = new Promise<string>((settle, fail) => {
    const look = (text: string) => {
      printed += text;
      const [, url] = /Prompt Manager is up at ([^\s,]+)[\s\S]*\n {2}stop /.exec(printed) ?? [];
      if (url !== undefined) settle(url);
    };
    child.stdout.setEncoding("utf8").on("data", look);
    child.stderr.setEncoding("utf8").on("data", look);
    child.once("close", (code) => fail(new Error(`npm run ${command} ended with ${code}:\n${printed}`)));
  });
  try {
    return { url: await within(`npm run ${command}`, ready), output: () => printed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The environment without the variables that commands read. */
export function withoutAccess(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isOne = (name: string) =>
    /^(ANONYMOUS_|ALLOWED_|AUTH_SECRET|IDENTITY_|PROMPT_MANAGER_KEY)/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isOne(name)));
}

export interface EndedCommand {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs another command of ours to its end. */
export async function runCommandLine(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<EndedCommand> {
  const child = spawn(process.execPath, [join(PROJECT_DIR, script), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...withoutAccess(process.env), ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code]: (number | null)[] = await within(script, once(child, "close"));
  return { code: code ?? null, stdout, stderr };
}
