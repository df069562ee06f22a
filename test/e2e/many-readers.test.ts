import { expect, test } from "vitest";
import { OWN_DIALECT } from "../../tools/load/dialect.ts";
import { isClean } from "../../tools/load/load-result.ts";
import { runLoad } from "../../tools/load/load-run.ts";
import { serverOfFile } from "../support/server-of-file.ts";

const file = serverOfFile();

const WRITERS = 20;
const READERS = 1_000;
/** The window of this room, in milliseconds (ROOM-3). */
const WINDOW_MS = (WRITERS + READERS) * 0.1;

test("[ROOM-3] a thousand readers get every edit in few frames, when twenty people type", async () => {
  const load = { fragments: 1, writers: WRITERS, readers: READERS, rate: 5, seconds: 1 };
  const dialect = { ...OWN_DIALECT, path: (id: string) => `/v1/sync/${id}?create=1` };
  const target = { origin: file.server.url, dialect, fragments: null };
  const result = await runLoad(load, target, { signal: new AbortController().signal });
  expect(result.errors).toEqual([]);
  expect(isClean(result)).toBe(true);
  const edits = WRITERS * load.rate * load.seconds;
  expect(result.totals.deliveries).toBe(edits * (WRITERS + READERS - 1));
  // A slow machine makes the load last longer, which allows for more windows, and never for a frame an edit.
  const updatesToEach = (result.totals.framesIn - edits) / (WRITERS + READERS); // at most one `saved` an edit
  expect(updatesToEach).toBeLessThanOrEqual(result.elapsedMs / WINDOW_MS + 2);
});
