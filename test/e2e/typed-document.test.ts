import { expect, test } from "vitest";
import * as Y from "yjs";
import { startServer } from "../../tools/dev/server-process.ts";
import { readStoredFragment, Typist, timeOpen } from "../load/typing.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

// A tenth of what `npm run bench:typed` does.

const PATH = "/v1/sync/typed/document?create=1";

test("[LIVE-14] a document takes few rows and bytes and opens whole, when 10,000 keys were typed as fast as the server takes them and 100 slowly", async () => {
  await withTemporaryDir(async (persistTo) => {
    let server = await startServer({ persistTo });
    let typed: string;
    try {
      const typist = await Typist.open(server.url, PATH, new SeededRandom(14));
      await typist.type(10_000, null);
      await typist.type(100, 30);
      typed = typist.doc.getText("content").toString();
      typist.close();
    } finally {
      await server.stop();
    }
    const { rows, liveBytes } = await readStoredFragment(persistTo);
    server = await startServer({ persistTo });
    try {
      const { doc } = await timeOpen(server.url, PATH);
      expect(doc.getText("content").toString()).toBe(typed);
      expect(rows).toBeLessThan(500);
      expect(liveBytes).toBeLessThan(4 * Y.encodeStateAsUpdate(doc).length);
    } finally {
      await server.kill();
    }
  });
});
