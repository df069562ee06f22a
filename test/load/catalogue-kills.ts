/**
 * Tests whether the catalogue agrees with the fragments. Programs create, change and delete fragments while the server is
 * killed at random moments (SIGKILL) and started again. At the end every fragment is read, and the list must say the same.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { FragmentPage, FragmentSummary } from "../../src/protocol/catalogue.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { type ServerOptions, type ServerProcess, startServer } from "../../tools/dev/server-process.ts";
import { SeededRandom } from "../support/seeded-random.ts";

export interface CatalogueKillsOptions {
  readonly server: ServerOptions;
  /** Number of kills. */
  readonly rounds: number;
  readonly seed: number;
  readonly onRound?: (round: number, writes: number) => void;
}

export interface CatalogueKillsReport {
  readonly writes: number;
  readonly fragments: number;
  /** The differences, in words. */
  readonly differences: readonly string[];
}

const IDS = Array.from({ length: 120 }, (_, at) => `kills/f${at}`);
const WRITERS = 6;
const MAX_ROUND_MS = 700;
/** Long enough for a slow machine to answer some writes in each round. */
const MIN_ROUND_WRITES = 60;
/** More than the 8 s that an alarm can be away. */
const SETTLED_MS = 9_000;
const MAX_WAITS = 6;

export async function runCatalogueKills(options: CatalogueKillsOptions): Promise<CatalogueKillsReport> {
  const random = new SeededRandom(options.seed);
  let writes = 0;
  let server = await startServer(options.server);
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const over = new AbortController();
      const writers = Array.from({ length: WRITERS }, async () => {
        while (!over.signal.aborted) if (await write(server.url, random, over.signal)) writes++;
      });
      const before = writes;
      await delay(random.below(MAX_ROUND_MS));
      while (writes - before < MIN_ROUND_WRITES) await delay(1);
      await server.kill();
      over.abort();
      await Promise.all(writers);
      server = await startServer(options.server);
      options.onRound?.(round, writes);
    }
    return { writes, ...(await compare(server)) };
  } finally {
    await server.kill();
  }
}

/** The verdict on a server that is not broken. Without answered writes, nothing is proved. */
export function isListRight({ writes, differences }: CatalogueKillsReport): boolean {
  return writes > 0 && differences.length === 0;
}

/** Makes one random write. Returns whether it was answered. */
async function write(url: string, random: SeededRandom, signal: AbortSignal): Promise<boolean> {
  const id = IDS[random.below(IDS.length)] ?? "";
  const method = ["PUT", "PUT", "PATCH", "DELETE"][random.below(4)] ?? "PUT";
  const number = random.below(1_000_000);
  const body = { content: `text ${number} [[kills/f${number % IDS.length}]]`, tags: [`t${number % 7}`] };
  const content = method === "DELETE" ? {} : { body: JSON.stringify(body) };
  const headers = { "content-type": "application/json" };
  try {
    const response = await fetch(`${url}/v1/fragments/${id}`, { method, headers, signal, ...content });
    await response.text();
    if (response.status >= 500) throw new Error(`${method} answered ${response.status}`);
    return true;
  } catch (error) {
    if (signal.aborted || (error instanceof TypeError && error.message === "fetch failed")) {
      await delay(1);
      return false; // the server was killed
    }
    throw error;
  }
}

/** Reads the fragments last, because reading a fragment makes it deliver to the catalogue what is pending. */
async function compare(server: ServerProcess): Promise<Omit<CatalogueKillsReport, "writes">> {
  const listed = await readSettledList(server.url);
  const fragments = await readAll(server.url);
  return { fragments: fragments.size, differences: differencesOf(listed, fragments) };
}

/** The list, once it has not changed for as long as an alarm can take. */
async function readSettledList(url: string): Promise<Map<string, FragmentSummary>> {
  let listed = await readList(url);
  for (let waits = 0; waits < MAX_WAITS; waits++) {
    await delay(SETTLED_MS);
    const next = await readList(url);
    if (JSON.stringify([...next]) === JSON.stringify([...listed])) return next;
    listed = next;
  }
  throw new Error("the list never comes to rest");
}

async function readList(url: string): Promise<Map<string, FragmentSummary>> {
  const listed = new Map<string, FragmentSummary>();
  let cursor: string | null = "";
  while (cursor !== null) {
    const query = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await fetch(`${url}/v1/fragments?sort=id&limit=200${query}`);
    if (!response.ok) throw new Error(`the list answered ${response.status}: ${await response.text()}`);
    const page = (await response.json()) as FragmentPage; // trusted: the server is ours
    for (const one of page.fragments) listed.set(one.id, one);
    cursor = page.next_cursor;
  }
  return listed;
}

async function readAll(url: string): Promise<Map<string, Fragment>> {
  const fragments = new Map<string, Fragment>();
  for (const id of IDS) {
    const response = await fetch(`${url}/v1/fragments/${id}`);
    if (response.ok) fragments.set(id, (await response.json()) as Fragment);
    else if (response.status === 404) await response.body?.cancel();
    else throw new Error(`${id} answered ${response.status}`);
  }
  return fragments;
}

function differencesOf(
  listed: ReadonlyMap<string, FragmentSummary>,
  fragments: ReadonlyMap<string, Fragment>,
): string[] {
  const differences: string[] = [];
  for (const id of listed.keys())
    if (!fragments.has(id)) differences.push(`${id} is listed and is not there`);
  for (const [id, { content, version, tags, size, updated_at, created_at }] of fragments) {
    const entry = listed.get(id);
    if (entry === undefined) {
      differences.push(`${id} is not listed`);
      continue;
    }
    const is = JSON.stringify([version, tags, size, updated_at, created_at, content]);
    const says = [entry.version, entry.tags, entry.size, entry.updated_at, entry.created_at, entry.excerpt];
    if (is !== JSON.stringify(says))
      differences.push(`${id} is ${is}, the list says ${JSON.stringify(says)}`);
  }
  return differences;
}
