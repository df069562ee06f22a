/**
 * One round of `npm run bench` in a process of its own, so that it can be held to one core and starts with an empty
 * heap: `bench-round.ts SERVER ORIGIN PID LOAD`, LOAD in JSON. Prints a `Round` in JSON.
 */
import { runLoad } from "../../tools/load/load-run.ts";
import type { Load } from "../../tools/load/settings.ts";
import type { Round } from "./bench-result.ts";
import { DIALECTS, type ServerName } from "./bench-servers.ts";
import { busySecondsOfMachine, cpuSecondsOfTree } from "./server-figures.ts";

/** Seconds in which the server and this process compile their code. */
const WARM_UP_SECONDS = 2;

const [server, origin = "", pid, loadJson = ""] = process.argv.slice(2);
const load = JSON.parse(loadJson) as Load; // bench.ts wrote it
const target = { origin, dialect: DIALECTS[server as ServerName], fragments: null };
const before = { server: null as number | null, machine: null as number | null, own: 0 };
let cpu: number | null = null;
let othersSeconds: number | null = null;
const result = await runLoad(load, target, {
  signal: new AbortController().signal,
  warmUpSeconds: WARM_UP_SECONDS,
  onMeasuring: () => {
    before.server = cpuSecondsOfTree(Number(pid));
    before.machine = busySecondsOfMachine();
    before.own = ownCpuSeconds();
  },
  onMeasured: () => {
    cpu = minus(cpuSecondsOfTree(Number(pid)), before.server);
    const busy = minus(busySecondsOfMachine(), before.machine);
    othersSeconds = minus(minus(busy, cpu), ownCpuSeconds() - before.own);
  },
});
const { totals, receive, undelivered, elapsedMs, generator, errors } = result;
const round: Omit<Round, "diskWaitMs"> = {
  p50: receive?.p50 ?? null,
  p99: receive?.p99 ?? null,
  framesPerSecond: (totals.framesIn / elapsedMs) * 1_000,
  cpuPerMillion: cpu === null || totals.deliveries === 0 ? null : (cpu / totals.deliveries) * 1e6,
  othersCores: othersSeconds === null ? null : Math.max(0, othersSeconds / (elapsedMs / 1_000)),
  undelivered,
  reconnects: totals.reconnects,
  errors: errors.map(({ message, count }) => `${count} x ${message}`),
  isGeneratorSaturated: generator.isSaturated,
};
console.log(JSON.stringify(round));
process.exit(0); // late timers may still run

function minus(after: number | null, subtracted: number | null): number | null {
  return after === null || subtracted === null ? null : after - subtracted;
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
