/** What the operating system knows of a server's processes. Linux only: it reads /proc. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** In /proc times are in units of 10 ms, memory is in pages of 4 KiB, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;

/** User and system time so far, of a process and all that it has started and that still run; null without /proc. */
export function cpuSecondsOfTree(pid: number): number | null {
  if (!existsSync(`/proc/${pid}/stat`)) return null;
  return childrenOf(pid).reduce((sum, child) => sum + (cpuSecondsOfTree(child) ?? 0), cpuSeconds(pid));
}

function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
  return lists.flatMap((list) => list.split(" ").filter((child) => child !== "")).map(Number);
}

/** User and system time so far, of this process alone. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * Time that all cores of the machine worked so far, or that its host withheld; null without /proc. With interrupts, which
 * are nearly all for frames on the loopback: processes have theirs on their accounts too.
 */
export function busySecondsOfMachine(): number | null {
  if (!existsSync("/proc/stat")) return null;
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/ +/)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Memory that the process holds now. */
export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
}

/** The value that a share of all values is at most; NaN where there is none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
