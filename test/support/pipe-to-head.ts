import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/**
 * `node SCRIPT ARGS | head -n LINES`, which leaves after that and closes the pipe. Resolves when both have ended; the exit
 * code is that of the script.
 */
export async function pipeToHead(
  lines: number,
  script: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const pipeline = `"$@" | head -n ${lines}; echo "ended with \${PIPESTATUS[0]}"`;
  const child = spawn("bash", ["-c", pipeline, "bash", process.execPath, script, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [printed, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [, stdout = "", code = ""] = /^([\s\S]*)ended with (\d+)\n$/.exec(printed) ?? [];
  return { code: Number(code), stdout, stderr };
}
