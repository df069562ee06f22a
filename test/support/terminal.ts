/** Commands of a page, run by bash: to their end, or in the background until they are stopped. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { HANG_LIMIT_MS } from "./hang-limit.ts";
import { textFault } from "./printed-pattern.ts";

const POLL_MS = 50;

export interface Surroundings {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

export class Terminal {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #printed = "";
  #all = "";

  constructor(script: string, { cwd, env }: Surroundings) {
    // A process group of its own: what the script starts ends with it.
    this.#child = spawn("bash", ["-e", "-o", "pipefail", "-c", script], {
      cwd,
      env,
      detached: true,
      // Open: esbuild's server ends with its standard input. Nothing is ever typed.
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#ended = new Promise((settle) => this.#child.once("close", settle));
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#printed += text;
      this.#all += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#all += text;
    });
  }

  /** What the script wrote to its standard output. Throws with everything when it fails. */
  async finish(): Promise<string> {
    const code = await Promise.race([this.#ended, delay(2 * HANG_LIMIT_MS, "late", { ref: false })]);
    if (code !== 0) throw new Error(`ended with ${code}, having printed:\n${this.#all}`);
    return this.#printed;
  }

  /** Waits until everything printed so far, errors among it, is as shown. */
  async shows(text: string): Promise<void> {
    const endMs = performance.now() + HANG_LIMIT_MS;
    for (;;) {
      const fault = textFault(text, this.#all);
      if (fault === null) return;
      if (performance.now() > endMs || this.#child.exitCode !== null) throw new Error(fault);
      await delay(POLL_MS);
    }
  }

  /** The first match in the output, as soon as there is one. */
  async find(pattern: RegExp): Promise<string> {
    const endMs = performance.now() + HANG_LIMIT_MS;
    for (;;) {
      const found = pattern.exec(this.#all)?.[1];
      if (found !== undefined) return found;
      if (performance.now() > endMs) throw new Error(`${pattern} was not printed, but:\n${this.#all}`);
      await delay(POLL_MS);
    }
  }

  /** As Ctrl-C in it, or as a power cut. Resolves when everything in it has ended. */
  async stop(signal: "SIGINT" | "SIGKILL"): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined) return;
    if (exitCode === null && signalCode === null) process.kill(-pid, signal);
    await Promise.race([this.#ended, delay(HANG_LIMIT_MS, undefined, { ref: false })]);
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // ESRCH: nothing is left.
    }
  }
}
