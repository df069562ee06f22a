import { env, runInDurableObject } from "cloudflare:test";
import { SqlUpdateLog } from "../../src/worker/storage/sql-update-log.ts";
import { describeUpdateLog } from "../contract/update-log.ts";

let objects = 0;

/** Each test has the storage of an object of its own, and every log it opens reads it anew. */
describeUpdateLog("in SQLite", (use) => {
  const stub = env.FRAGMENT.get(env.FRAGMENT.idFromName(`default/log-${++objects}`));
  return runInDurableObject(stub, (_, { storage }) => {
    use({
      open: () =>
        new SqlUpdateLog(storage, (problem) => {
          throw new Error(`sound rows were found damaged: ${problem}`);
        }),
    });
  });
});
