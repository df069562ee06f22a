/**
 * The worker with a window in its side, for the end-to-end tests that look at what no address shows. Its module
 * variables are those of the one isolate in which all objects live, so reading them wakes none.
 */
import worker, { FragmentObject as RealFragmentObject } from "../../src/worker/index.ts";

export { AccessObject, CatalogueObject, DirectoryObject, Expander } from "../../src/worker/index.ts";

/** What a commit does to the log. */
const EVENTS = ["INSERT", "UPDATE"] as const;

/** By the object's name. */
const constructions = new Map<string, number>();

export class FragmentObject extends RealFragmentObject {
  constructor(ctx: DurableObjectState, env: Env) {
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
    if (root === "test" && question === "fail-commits") {
      // The class above is what the binding names in this bundle.
      const stub = env.FRAGMENT.getByName(name) as unknown as DurableObjectStub<FragmentObject>;
      await stub.failCommits();
      return new Response(null, { status: 204 });
    }
    return worker.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
