/**
 * The durability check. Many writers edit one fragment; the server is killed meanwhile (SIGKILL) and started again on the
 * same data, round after round. Newcomers then look for everything that was acknowledged: at the end, when all writers are
 * gone, and on every second restart before any writer reconnects, because a returning Yjs editor would bring back edits that
 * the server has lost.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Fragment } from "../../src/protocol/fragment.ts";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import { type ServerOptions, type ServerProcess, startServer } from "../../tools/dev/server-process.ts";
import { closed, makeSocket, within } from "../support/live-socket.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { JsonWriter, type JsonWriterKind } from "./json-writers.ts";
import { PushWriter } from "./push-writer.ts";
import { readFreshDocument } from "./sync-socket.ts";
import { TokenLedger } from "./token-ledger.ts";
import type { TokenWriter } from "./token-writer.ts";

export interface KillRoundsOptions {
  readonly server: ServerOptions;
  /** Number of kills. */
  readonly rounds: number;
  /** Least number of acknowledged edits at the end. */
  readonly edits: number;
  readonly seed: number;
  readonly onRound?: (report: RoundReport) => void;
}

export interface RoundReport {
  readonly round: number;
  readonly acknowledged: number;
  readonly resent: number;
  /** Null in a round without a reading. */
  readonly lost: number | null;
  readonly restartMs: number;
}

interface Cast {
  readonly kind: "push" | JsonWriterKind;
  readonly count: number;
  /** At most this many tokens a second from each writer. */
  readonly rate: number;
}

const CAST: readonly Cast[] = [
  { kind: "push", count: 6, rate: 30 },
  { kind: "edit", count: 4, rate: 25 },
  { kind: "update", count: 2, rate: 10 },
  { kind: "old", count: 1, rate: 4 },
];

const FRAGMENT_ID = "check/kill";
const TICK_MS = 10;
/**
 * The longest time from the last edit that a round waits for to the cut of some connections, and from there to the
 * kill, so that it falls anywhere in a commit window. The writers that are cut off have requests that the server still
 * commits, and send them again.
 */
const MAX_KILL_DELAY_MS = 400;
const ROUND_TIMEOUT_MS = 120_000;
/** At a kill, one writer in this many leaves for ever, and another one comes. */
const LEAVES_ONE_IN = 4;

/** Runs all rounds and the last reading. Throws if the check itself cannot go on. */
export async function runKillRounds(options: KillRoundsOptions): Promise<TokenLedger> {
  const { rounds, edits } = options;
  const random = new SeededRandom(options.seed);
  const ledger = new TokenLedger();
  const troupe = new Troupe(random, ledger);
  const onOutput = (text: string) => ledger.fault(`the server printed ${text.slice(0, 500)}`);
  const start = () => startServer({ ...options.server, onOutput });
  let server = await start();
  try {
    await createFragment(server);
    troupe.connect(server.url);
    for (let round = 1; round <= rounds; round++) {
      const fair = (edits * round) / rounds;
      const wanted = round === rounds ? edits : fair + (random.next() - 0.5) * (edits / rounds);
      await troupe.writeUntil(wanted, server);
      await delay(random.below(MAX_KILL_DELAY_MS));
      troupe.cutSomeOff();
      await delay(random.below(MAX_KILL_DELAY_MS));
      const isLast = round === rounds;
      if (isLast) troupe.isWriting = false; // otherwise the editors type on while the server is away
      await server.kill();
      await troupe.disconnected();
      const startedMs = performance.now();
      server = await start();
      const restartMs = performance.now() - startedMs;
      const lost = isLast || round % 2 === 1 ? await readAsNewcomers(server, ledger) : null;
      const { acknowledged, resent } = ledger;
      options.onRound?.({ round, acknowledged, resent, lost, restartMs });
      if (isLast) continue;
      troupe.replaceSome();
      troupe.connect(server.url);
    }
  } finally {
    troupe.end();
    await server.kill();
  }
  return ledger;
}

/** The verdict on a server that is not broken. Without acknowledged edits, nothing is proved. */
export function hasKeptAll({
  acknowledged,
  lost,
  twice,
  faults,
}: Pick<TokenLedger, "acknowledged" | "lost" | "twice" | "faults">): boolean {
  return acknowledged > 0 && lost.size + twice.size + faults.length === 0;
}

class Troupe {
  isWriting = false;
  readonly #random: SeededRandom;
  readonly #ledger: TokenLedger;
  readonly #members: { readonly cast: Cast; readonly writer: TokenWriter }[] = [];
  readonly #timer: NodeJS.Timeout;
  #names = 0;

  constructor(random: SeededRandom, ledger: TokenLedger) {
    this.#random = random;
    this.#ledger = ledger;
    for (const cast of CAST)
      for (let count = 0; count < cast.count; count++)
        this.#members.push({ cast, writer: this.#makeWriter(cast.kind) });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  connect(serverUrl: string): void {
    for (const { writer } of this.#members) writer.connect(serverUrl);
    this.isWriting = true;
  }

  async writeUntil(acknowledged: number, server: ServerProcess): Promise<void> {
    const deadline = performance.now() + ROUND_TIMEOUT_MS;
    while (this.#ledger.acknowledged < acknowledged) {
      if (performance.now() > deadline) {
        const { faults } = this.#ledger;
        throw new Error(`no progress at ${this.#ledger.acknowledged} edits: ${faults}\n${server.output()}`);
      }
      await delay(TICK_MS);
    }
  }

  async disconnected(): Promise<void> {
    await Promise.all(this.#members.map(({ writer }) => writer.disconnected()));
  }

  cutSomeOff(): void {
    for (const { writer } of this.#members) if (this.#random.below(2) === 0) writer.vanish();
  }

  replaceSome(): void {
    for (const [index, { cast }] of this.#members.entries()) {
      if (this.#random.below(LEAVES_ONE_IN) > 0) continue;
      this.#members[index] = { cast, writer: this.#makeWriter(cast.kind) };
    }
  }

  end(): void {
    clearInterval(this.#timer);
    for (const { writer } of this.#members) writer.vanish();
  }

  #tick(): void {
    if (!this.isWriting) return;
    for (const { cast, writer } of this.#members) {
      if (this.#random.next() < (cast.rate * TICK_MS) / 1000) writer.write();
    }
  }

  #makeWriter(kind: Cast["kind"]): TokenWriter {
    const name = `${kind.charAt(0)}${++this.#names}`;
    const options = { name, id: FRAGMENT_ID, random: this.#random, ledger: this.#ledger };
    return kind === "push" ? new PushWriter(options) : new JsonWriter(kind, options);
  }
}

async function createFragment(server: ServerProcess): Promise<void> {
  const response = await fetch(`${server.url}/v1/fragments/${FRAGMENT_ID}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ content: "" }),
  });
  if (!response.ok) throw new Error(`PUT answered ${response.status}: ${await response.text()}`);
  await response.body?.cancel();
}

/** Reads by REST, by a JSON socket and by a new Yjs document, which must agree. Returns the number of lost edits. */
async function readAsNewcomers(server: ServerProcess, ledger: TokenLedger): Promise<number> {
  const response = await fetch(`${server.url}/v1/fragments/${FRAGMENT_ID}`);
  const fragment = (await response.json()) as Fragment; // or a problem, which has no content
  if (!response.ok) throw new Error(`GET answered ${response.status}: ${JSON.stringify(fragment)}`);
  ledger.sawVersion(fragment.version, fragment.content);

  const socket = makeSocket(server.url, `/v1/ws/${FRAGMENT_ID}`);
  const first = new Promise<ServerFrame>((settle) =>
    socket.once("message", (data) => settle(JSON.parse(String(data)) as ServerFrame)),
  );
  const initial = await within("the first frame", first);
  if (initial.action !== "initial") throw new Error(`the first frame is "${initial.action}"`);
  ledger.sawVersion(initial.version, initial.content);
  socket.close();
  await closed(socket);

  const doc = await within("a sync", readFreshDocument(server.url, `/v1/sync/${FRAGMENT_ID}`));
  const shared = doc.getText("content").toString();
  if (initial.content !== fragment.content) ledger.fault("the JSON socket and REST give two texts");
  if (shared !== fragment.content) ledger.fault("the Yjs socket and REST give two texts");
  ledger.check(shared, fragment.version);
  return ledger.check(fragment.content, fragment.version).lost.length;
}
