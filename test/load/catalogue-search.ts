/**
 * `npm run bench:catalogue -- [--fragments 10000] [--searches 500] [--seed 1]`
 *
 * Fills a server with fragments over REST, then searches, one request at a time, and prints how long each kind of
 * question takes, from the request to the whole answer.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildBundle, startServer } from "../../scripts/server-process.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

const { values } = parseArgs({
  options: {
    fragments: { type: "string", default: "10000" },
    searches: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
  },
});
const FRAGMENTS = Number(values.fragments);
const SEARCHES = Number(values.searches);
const CREATORS = 8;
const WORDS_PER_TEXT = 150;

const random = new SeededRandom(Number(values.seed));
/** Made words; the first are in most texts and the last in few, as in a language (Zipf). */
const vocabulary = Array.from(
  { length: 5_000 },
  (_, at) => `${at.toString(36)}${random.below(46_656).toString(36)}q`,
);
const word = () => vocabulary[Math.floor(vocabulary.length ** random.next()) - 1] ?? "";
const rareWord = () => vocabulary[vocabulary.length - 1 - random.below(1_000)] ?? "";

function text(): string {
  return Array.from({ length: WORDS_PER_TEXT }, word).join(" ");
}

/** Each kind of question, as the query of `GET /v1/fragments`. */
const QUESTIONS: Readonly<Record<string, () => string>> = {
  "a rare word": () => `query=${rareWord()}`,
  "a common word": () => `query=${vocabulary[random.below(5)]}`,
  "two words": () => `query=${word()}+${word()}`,
  "two letters": () => `query=${word().slice(0, 2)}`,
  "a word in a folder": () => `query=${word()}&prefix=folder${random.below(50)}`,
  "a tag, newest first": () => `tag=tag${random.below(20)}`,
  "the newest": () => "sort=-updated_at",
  "a folder by id": () => `prefix=folder${random.below(50)}&sort=id`,
};

await withTemporaryDir(async (dir) => {
  const bundleDir = await buildBundle(join(dir, "bundle"));
  const server = await startServer({ persistTo: join(dir, "data"), bundleDir });
  try {
    console.log(`${FRAGMENTS} fragments, ${WORDS_PER_TEXT} words each, ${CREATORS} creators`);
    const perSecond = await fill(server.url);
    console.log(`created: ${perSecond.toFixed(0)} a second`);
    await untilListed(server.url);
    for (const [kind, ask] of Object.entries(QUESTIONS)) {
      const times: number[] = [];
      let found = 0;
      for (let n = 0; n < SEARCHES; n++) {
        const startMs = performance.now();
        found += (await list(server.url, ask())).total;
        times.push(performance.now() - startMs);
      }
      times.sort((a, b) => a - b);
      const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
      const mean = Math.round(found / SEARCHES);
      console.log(`${kind.padEnd(22)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, ${mean} found on average`);
    }
  } finally {
    await server.kill();
  }
});

async function fill(url: string): Promise<number> {
  let next = 0;
  const startMs = performance.now();
  const creators = Array.from({ length: CREATORS }, async () => {
    while (next < FRAGMENTS) {
      const number = next++;
      const body = {
        id: `folder${number % 50}/fragment${number}`,
        content: `${text()} [[folder1/fragment${random.below(FRAGMENTS)}]]`,
        description: `${word()} ${word()}`,
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
  return FRAGMENTS / ((performance.now() - startMs) / 1000);
}

async function untilListed(url: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while ((await list(url, "limit=1")).total < FRAGMENTS) {
    if (performance.now() > deadline) throw new Error("not all fragments are listed after a minute");
    await delay(200);
  }
}

async function list(url: string, query: string): Promise<{ total: number }> {
  const response = await fetch(`${url}/v1/fragments?${query}`);
  if (!response.ok) throw new Error(`${query} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { total: number }; // the server's own word
}
