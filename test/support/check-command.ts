/** `npm run e2e` as a process of its own. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Report } from "../../tools/check/report.ts";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class CheckCommand {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [join(PROJECT_DIR, "tools/check/main.ts"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.ended = this.#end();
  }

  /** Settles when this stands in its standard output. */
  async printed(text: string): Promise<void> {
    while (!this.#stdout.includes(text)) await once(this.#child.stdout, "data");
  }

  kill(signal: "SIGINT" | "SIGKILL"): void {
    this.#child.kill(signal);
  }

  async #end(): Promise<Ended> {
    const [code]: (number | null)[] = await once(this.#child, "close");
    return { code: code ?? null, stdout: this.#stdout, stderr: this.#stderr };
  }
}

/** Runs the command with `--json` to its end. */
export async function checkServer(
  url: string,
  args: readonly string[] = [],
): Promise<{ code: number | null; report: Report }> {
  const { code, stdout } = await new CheckCommand(["--url", url, "--json", ...args]).ended;
  // Its own word: what the report holds is for the test to look at.
  return { code, report: JSON.parse(stdout) as Report };
}
