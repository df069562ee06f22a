import { MemoryUpdateLog, type Stored } from "../support/memory-update-log.ts";
import { describeUpdateLog } from "./update-log.ts";

describeUpdateLog("in memory", async (use) => {
  let stored: Stored | null = null;
  use({
    open: () =>
      new MemoryUpdateLog(stored, (after) => {
        stored = after;
      }),
  });
});
