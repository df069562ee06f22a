/** Figures of the operating system about a server's processes. Linux only: they come from /proc. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Times in /proc are in units of 10 ms, and memory in pages of 4 KiB, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;

/** User and system time so far, of a process and its running descendants; null without /proc. */
export function cpuSecondsOfTree(pid: number): number | null {
  if (!existsSync(`/proc/${pid}/stat`)) return null;
  return childrenOf(pid).reduce((sum, child) => sum + (cpuSecondsOfTree(child) ?? 0), cpuSeconds(pid));
}

function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
  return lists.flatMap((list) => list.split(" ").filter((child) => child !== "")).map(Number);
}

/** User and system time of this process so far. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * Time in which all cores of the machine have worked so far, or which its host withheld; null without /proc. It includes
 * interrupts, nearly all of them for frames on the loopback, which the times of processes include too.
 */
export function busySecondsOfMachine(): number | null {
  if (!existsSync("/proc/stat")) return null;
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/ +/)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** The resident memory of the process now. */
export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
}

/** The value that this share of all values does not exceed; NaN without values. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
