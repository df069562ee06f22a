/**
 * `npm run bench:catalogue -- [--fragments 10000] [--searches 500] [--seed 1]`
 *
 * Fills a server with fragments over REST, then searches, one request at a time, and prints how long each kind of
 * question takes, from the request to the whole answer.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parseWhole, runCommand } from "../../tools/command-line.ts";
import { buildBundle, startServer } from "../../tools/dev/server-process.ts";
import { MAX_SEED } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { MadeWords } from "./made-words.ts";

interface Settings {
  readonly fragments: number;
  readonly searches: number;
  readonly seed: number;
}

const CREATORS = 8;
const WORDS_PER_TEXT = 150;

const USAGE = `Usage: npm run bench:catalogue -- [--fragments N] [--searches N] [--seed N]

Fills a server of its own with fragments, and measures how long searches take.

  --fragments N   10000
  --searches N    of each kind; 500
  --seed N        what is written and asked; 1`;

await runCommand({ name: "npm run bench:catalogue", usage: USAGE, parse }, measure);

function parse(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      fragments: { type: "string", default: "10000" },
      searches: { type: "string", default: "500" },
      seed: { type: "string", default: "1" },
    },
  });
  return {
    fragments: parseWhole("fragments", values.fragments, 1, 1_000_000),
    searches: parseWhole("searches", values.searches, 1, 1_000_000),
    seed: parseWhole("seed", values.seed, 0, MAX_SEED),
  };
}

/** Returns the exit code. */
async function measure({ fragments, searches, seed }: Settings): Promise<number> {
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

/** Each kind of question, as the query of `GET /v1/fragments`. */
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
  return (await response.json()) as { total: number }; // the server's own word
}
