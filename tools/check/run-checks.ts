import { randomBytes } from "node:crypto";
import type { FragmentId } from "../../src/language/fragment-id.ts";
import { fragmentPath } from "../server-url.ts";
import type { CheckResult, Group } from "./check.ts";
import { Deadline, Interrupted } from "./deadline.ts";
import { CheckFailure } from "./expect.ts";
import { Scene } from "./scene.ts";
import type { Server } from "./server.ts";

/** The group of the last check, which always runs. */
const CLEANUP_GROUP = "cleanup";
const CLEANUP_CHECK = "no fragment of the run is left, when the checks are over";

/** Concurrent requests during the clean-up. */
const AT_A_TIME = 8;

export interface RunOptions {
  readonly server: Server;
  readonly groups: readonly Group[];
  /** For one check. */
  readonly timeoutMs: number;
  /** Stops the run when aborted; the clean-up still runs. */
  readonly interrupt: AbortSignal;
  readonly onGroup: (name: string) => void;
  readonly onResult: (result: CheckResult) => void;
}

/** Runs the checks one after the other, and reports each result at once. */
export async function runChecks(options: RunOptions): Promise<CheckResult[]> {
  const { server, groups, timeoutMs, interrupt, onGroup, onResult } = options;
  const results: CheckResult[] = [];
  const made = new Set<FragmentId>();
  const report = (result: CheckResult) => {
    results.push(result);
    onResult(result);
  };
  const root = `e2e-${randomBytes(6).toString("hex")}`;
  let number = 0;
  for (const { name: group, checks } of groups) {
    if (interrupt.aborted) break;
    onGroup(group);
    for (const { name, run } of checks) {
      if (interrupt.aborted) break;
      const scene = new Scene(server, `${root}/${++number}`, new Deadline(timeoutMs, interrupt));
      const outcome = await timed(() => run(scene));
      scene.leave();
      await scene.undo(timeoutMs);
      await deleteAll(server, scene.ids, timeoutMs);
      for (const id of scene.ids) made.add(id);
      if (outcome.error instanceof Interrupted) break;
      report({ group, name, ...describe(outcome) });
    }
  }
  onGroup(CLEANUP_GROUP);
  const outcome = await timed(() => expectGone(server, made, timeoutMs));
  report({ group: CLEANUP_GROUP, name: CLEANUP_CHECK, ...describe(outcome) });
  return results;
}

interface Outcome {
  readonly ms: number;
  /** Null if it passed. */
  readonly error: unknown;
}

async function timed(run: () => Promise<void>): Promise<Outcome> {
  const startedMs = performance.now();
  let error: unknown = null;
  try {
    await run();
  } catch (thrown) {
    error = thrown ?? new Error("nothing was thrown");
  }
  return { ms: Math.round(performance.now() - startedMs), error };
}

function describe({ ms, error }: Outcome): Pick<CheckResult, "ok" | "ms" | "error"> {
  if (error === null) return { ok: true, ms, error };
  // The check did not expect any other error: an answer has another shape, or the check has a bug.
  return { ok: false, ms, error: error instanceof CheckFailure ? error.message : String(error) };
}

/** Deletes these fragments. `expectGone` finds those that could not be deleted. */
async function deleteAll(server: Server, ids: Iterable<FragmentId>, timeoutMs: number): Promise<void> {
  await forEachOf(ids, timeoutMs, async (id, deadline) => {
    await server.request(deadline, "DELETE", fragmentPath(id)).catch(() => undefined);
  });
}

async function expectGone(server: Server, ids: ReadonlySet<FragmentId>, timeoutMs: number): Promise<void> {
  const left: string[] = [];
  await forEachOf(ids, timeoutMs, async (id, deadline) => {
    try {
      const path = fragmentPath(id);
      let { status } = await server.request(deadline, "GET", path);
      if (status === 200) {
        // A late request of a failed check may have made the fragment again.
        await server.request(deadline, "DELETE", path);
        ({ status } = await server.request(deadline, "GET", path));
      }
      if (status !== 404) left.push(`GET of ${id} was answered ${status}`);
    } catch (error) {
      left.push(error instanceof Error ? error.message : String(error));
    }
  });
  const [first] = left;
  if (first === undefined) return;
  throw new CheckFailure(`${left.length} of ${ids.size} ids: expected 404 for each; ${first}`);
}

/** A few at a time. Each has a deadline of its own, which no interruption shortens. */
async function forEachOf(
  ids: Iterable<FragmentId>,
  timeoutMs: number,
  visit: (id: FragmentId, deadline: Deadline) => Promise<void>,
): Promise<void> {
  const waiting = [...ids];
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const deadline = new Deadline(timeoutMs, null);
      try {
        await visit(id, deadline);
      } finally {
        deadline.end();
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
}
