import { env, runInDurableObject } from "cloudflare:test";
import { SqlUpdateLog } from "../../src/worker/storage/sql-update-log.ts";
import { describeUpdateLog, type LogStorage } from "../contract/update-log.ts";
import { describeLogAuthors } from "../contract/update-log-authors.ts";

let objects = 0;

/** Each test has the storage of an object of its own, and every log it opens reads it anew. */
function withSqlite(use: (storage: LogStorage) => void): Promise<void> {
  const stub = env.FRAGMENT.get(env.FRAGMENT.idFromName(`default/log-${++objects}`));
  return runInDurableObject(stub, (_, { storage }) => {
    use({
      open: () =>
        new SqlUpdateLog(storage, (problem) => {
          throw new Error(`sound rows were found damaged: ${problem}`);
        }),
    });
  });
}

describeUpdateLog("in SQLite", withSqlite);
describeLogAuthors("in SQLite", withSqlite);
