/**
 * The worker with a window in its side, for the end-to-end tests that look at what no address shows. Its module
 * variables are those of the one isolate in which all objects live, so reading them wakes none.
 */
import worker, { FragmentObject as RealFragmentObject } from "../../src/worker/index.ts";

export { CatalogueObject, Expander } from "../../src/worker/index.ts";

/** What a commit does to the log. */
const EVENTS = ["INSERT", "UPDATE"] as const;

/** What all objects of this process have used of that which the platform bills. */
const usage = {
  /** By statements, and one for each alarm that is set. */
  rowsWritten: 0,
  /** While a timer was pending: an object with one does not hibernate. */
  awakeMs: 0,
};

/** Makes `rowsWritten` count: the objects' storages share their prototypes. */
function countRows(storage: DurableObjectStorage): void {
  const sql = Object.getPrototypeOf(storage.sql) as SqlStorage & { isCounted?: boolean };
  if (sql.isCounted) return;
  sql.isCounted = true;
  const { exec } = sql;
  sql.exec = function (this: SqlStorage, ...args: Parameters<SqlStorage["exec"]>) {
    const cursor = exec.apply(this, args);
    usage.rowsWritten += cursor.rowsWritten;
    return cursor;
  } as SqlStorage["exec"];
  const prototype = Object.getPrototypeOf(storage) as DurableObjectStorage;
  const { setAlarm } = prototype;
  prototype.setAlarm = function (...args) {
    usage.rowsWritten++;
    return setAlarm.apply(this, args);
  };
}

/** Makes `awakeMs` count: objects have their timers from `setTimeout`, one each. */
function countTimers(): void {
  const { setTimeout, clearTimeout } = globalThis;
  const sinceMs = new Map<unknown, number>();
  const end = (id: unknown) => {
    usage.awakeMs += Date.now() - (sinceMs.get(id) ?? Date.now());
    sinceMs.delete(id);
  };
  globalThis.setTimeout = ((ring: () => void, ms?: number) => {
    const id = setTimeout(() => {
      end(id);
      ring();
    }, ms);
    sinceMs.set(id, Date.now());
    return id;
  }) as typeof globalThis.setTimeout;
  globalThis.clearTimeout = ((id: number) => {
    end(id);
    clearTimeout(id);
  }) as typeof globalThis.clearTimeout;
}
countTimers();

/** By the object's name. */
const constructions = new Map<string, number>();

export class FragmentObject extends RealFragmentObject {
  constructor(ctx: DurableObjectState, env: Env) {
    countRows(ctx.storage);
    const name = ctx.id.name ?? "";
    constructions.set(name, (constructions.get(name) ?? 0) + 1);
    for (const event of EVENTS) ctx.storage.sql.exec(`DROP TRIGGER IF EXISTS failing_disk_${event}`);
    super(ctx, env);
  }

  /** Every commit fails from now on, until the object is constructed again. */
  failCommits(): void {
    for (const event of EVENTS) {
      this.ctx.storage.sql.exec(
        `CREATE TRIGGER failing_disk_${event} BEFORE ${event} ON update_log
         BEGIN SELECT RAISE(ABORT, 'the disk fails'); END`,
      );
    }
  }
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const [, root, question, ...id] = new URL(request.url).pathname.split("/");
    const name = `default/${id.join("/")}`;
    if (root === "test" && question === "constructions") return Response.json(constructions.get(name) ?? 0);
    if (root === "test" && question === "usage") return Response.json(usage);
    if (root === "test" && question === "fail-commits") {
      // The class above is what the binding names in this bundle.
      const stub = env.FRAGMENT.getByName(name) as unknown as DurableObjectStub<FragmentObject>;
      await stub.failCommits();
      return new Response(null, { status: 204 });
    }
    return worker.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
