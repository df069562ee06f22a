/** The properties of the machine that explain a figure, but not its name. */
import { availableParallelism, cpus, totalmem } from "node:os";

const BYTES_PER_GB = 1024 ** 3;

export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  return `${availableParallelism()} cores (${model}) and ${Math.round(totalmem() / BYTES_PER_GB)} GB of memory`;
}
