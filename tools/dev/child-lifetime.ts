/**
 * A child process that does not outlive this one, as far as the system lets us arrange it. Node can end its children
 * only while it runs; on Linux the kernel does it also when this process is killed (`PR_SET_PDEATHSIG`, set by `setpriv`
 * of util-linux, which then becomes the command: same pid, no process more). Elsewhere, a SIGKILL of this process leaves the
 * child behind, and nobody but its user can end it, by its pid.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";

/** Spawns `command` so that it gets `signal` when the thread that called this ends, whatever ends it. */
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
