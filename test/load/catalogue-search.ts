/**
 * `npm run bench:catalogue -- [--fragments 10000] [--searches 500] [--seed 1]`
 *
 * Fills a server with fragments over REST, then searches, one request at a time. Prints the time of each kind of search,
 * from the request to the whole answer.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand } from "../../tools/command-line.ts";
import { parseOptions, type ValuesOf, whole } from "../../tools/command-options.ts";
import { buildBundle, startServer } from "../../tools/dev/server-process.ts";
import { MAX_SEED } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { MadeWords } from "./made-words.ts";

const OPTIONS = {
  fragments: whole(10_000, 1, 1_000_000),
  searches: whole(500, 1, 1_000_000),
  seed: whole(1, 0, MAX_SEED),
};

const CREATORS = 8;
const WORDS_PER_TEXT = 150;

const USAGE = `Usage: npm run bench:catalogue -- [--fragments N] [--searches N] [--seed N]

Fills a server of its own with fragments, and measures how long searches take.

  --fragments N   10000 unless given
  --searches N    searches of each kind; 500 unless given
  --seed N        seed of the texts and the searches; 1 unless given`;

await runCommand(
  { name: "npm run bench:catalogue", usage: USAGE, parse: (args) => parseOptions(args, OPTIONS) },
  measure,
);

/** Returns the exit code. */
async function measure({ fragments, searches, seed }: ValuesOf<typeof OPTIONS>): Promise<number> {
  const words = new MadeWords(seed);
  await withTemporaryDir(async (dir) => {
    const bundleDir = await buildBundle(join(dir, "bundle"));
    const server = await startServer({ persistTo: join(dir, "data"), bundleDir });
    try {
      console.log(`${fragments} fragments, ${WORDS_PER_TEXT} words each, ${CREATORS} creators`);
      const perSecond = await fill(server.url, fragments, words);
      console.log(`created: ${perSecond.toFixed(0)} a second`);
      await untilListed(server.url, fragments);
      for (const [kind, ask] of Object.entries(questions(words))) {
        const times: number[] = [];
        let found = 0;
        for (let n = 0; n < searches; n++) {
          const startMs = performance.now();
          found += (await list(server.url, ask())).total;
          times.push(performance.now() - startMs);
        }
        times.sort((a, b) => a - b);
        const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
        const mean = Math.round(found / searches);
        console.log(`${kind.padEnd(22)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, ${mean} found on average`);
      }
    } finally {
      await server.kill();
    }
  });
  return 0;
}

/** Each kind of search, as the query of `GET /v1/fragments`. */
function questions(words: MadeWords): Readonly<Record<string, () => string>> {
  const { random } = words;
  return {
    "a rare word": () => `query=${words.rareWord()}`,
    "a common word": () => `query=${words.commonWord()}`,
    "two words": () => `query=${words.word()}+${words.word()}`,
    "two letters": () => `query=${words.word().slice(0, 2)}`,
    "a word in a folder": () => `query=${words.word()}&prefix=folder${random.below(50)}`,
    "a tag, newest first": () => `tag=tag${random.below(20)}`,
    "the newest": () => "sort=-updated_at",
    "a folder by id": () => `prefix=folder${random.below(50)}&sort=id`,
  };
}

async function fill(url: string, fragments: number, words: MadeWords): Promise<number> {
  let next = 0;
  const startMs = performance.now();
  const creators = Array.from({ length: CREATORS }, async () => {
    while (next < fragments) {
      const number = next++;
      const body = {
        id: `folder${number % 50}/fragment${number}`,
        content: `${words.text(WORDS_PER_TEXT)} [[folder1/fragment${words.random.below(fragments)}]]`,
        description: words.text(2),
        tags: [`tag${number % 20}`],
      };
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}/v1/fragments`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      const answer = await response.text();
      if (response.status !== 201) throw new Error(`POST answered ${response.status}: ${answer}`);
    }
  });
  await Promise.all(creators);
  return fragments / ((performance.now() - startMs) / 1000);
}

async function untilListed(url: string, fragments: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  while ((await list(url, "limit=1")).total < fragments) {
    if (performance.now() > deadline) throw new Error("not all fragments are listed after a minute");
    await delay(200);
  }
}

async function list(url: string, query: string): Promise<{ total: number }> {
  const response = await fetch(`${url}/v1/fragments?${query}`);
  if (!response.ok) throw new Error(`${query} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { total: number }; // trusted: the server is ours
}
