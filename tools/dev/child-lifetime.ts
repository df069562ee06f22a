/**
 * A child process that does not outlive this one, as far as the system allows. Node can end its children only while it
 * runs. On Linux the kernel also ends them when this process is killed: `setpriv` of util-linux sets `PR_SET_PDEATHSIG`
 * and then becomes the command, under the same pid. Elsewhere a SIGKILL of this process leaves the child running, and only
 * the user can end it, by its pid.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";

/** Spawns `command`, which gets `signal` when the calling thread ends for any reason. */
export function spawnBound(
  command: string,
  args: readonly string[],
  signal: "SIGTERM" | "SIGKILL",
  options: SpawnOptions,
): ChildProcess {
  const child = kernelCanBind()
    ? spawn("setpriv", ["--pdeathsig", signal, "--", command, ...args], options)
    : spawn(command, args, options);
  const end = () => void child.kill(signal);
  process.once("exit", end);
  child.once("close", () => process.off("exit", end));
  return child;
}

function kernelCanBind(): boolean {
  if (process.platform !== "linux") return false;
  return spawnSync("setpriv", ["--pdeathsig", "SIGKILL", "--", "true"], { stdio: "ignore" }).status === 0;
}
