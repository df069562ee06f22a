/**
 * The worker that counts what all its objects use of that which the platform bills, for `npm run bench:room`. Its module
 * variables are those of the one isolate in which all objects live.
 */
import worker, {
  CatalogueObject as RealCatalogueObject,
  FragmentObject as RealFragmentObject,
} from "../../src/worker/index.ts";

export { AccessObject, DirectoryObject, Expander } from "../../src/worker/index.ts";

/** Since the process started. */
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

export class FragmentObject extends RealFragmentObject {
  constructor(ctx: DurableObjectState, env: Env) {
    countRows(ctx.storage);
    super(ctx, env);
  }
}

export class CatalogueObject extends RealCatalogueObject {
  constructor(ctx: DurableObjectState, env: Env) {
    countRows(ctx.storage);
    super(ctx, env);
  }
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    if (new URL(request.url).pathname === "/test/usage") return Response.json(usage);
    return worker.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
