import { MemoryUpdateLog, type Stored } from "../support/memory-update-log.ts";
import { describeUpdateLog, type LogStorage } from "./update-log.ts";
import { describeLogAuthors } from "./update-log-authors.ts";

async function withMemory(use: (storage: LogStorage) => void): Promise<void> {
  let stored: Stored | null = null;
  use({
    open: () =>
      new MemoryUpdateLog(stored, (after) => {
        stored = after;
      }),
  });
}

describeUpdateLog("in memory", withMemory);
describeLogAuthors("in memory", withMemory);
