/**
 * `npm run bench:fanout -- [--writers 50] [--readers 50] [--rate 20] [--seconds 8] [--push-rate 10]`
 *
 * Writers type single characters into one fragment over the Yjs socket, `rate` a second each; everybody gets what
 * the others type. Prints one JSON line: milliseconds from a writer's send to a reader's receive (two of the readers
 * decode, the others only count), frames a second, CPU of the server, and what the writing costs in storage.
 * One more writer pushes `push-rate` characters a second with our subprotocol, to measure acknowledgements.
 *
 * Starts `npm run serve`'s build for itself. With --url it measures a running server instead (give its --pid), with
 * --frame hocus a Hocuspocus, where each frame begins with the document's name: the same load on both is a
 * comparison. Loads nothing but the loopback, for a minute at most.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import WebSocket from "ws";
import * as Y from "yjs";
import { buildBundle, startServer } from "../../scripts/server-process.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { opened } from "../support/live-socket.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { cpuSeconds, quantile, residentBytes } from "./server-figures.ts";

const { values } = parseArgs({
  options: {
    writers: { type: "string", default: "50" },
    readers: { type: "string", default: "50" },
    rate: { type: "string", default: "20" },
    seconds: { type: "string", default: "8" },
    /** Of the writer whose acknowledgements are timed. A quiet room is one where commits are not paced: 4 and less. */
    "push-rate": { type: "string", default: "10" },
    frame: { type: "string", default: "yjs" },
    url: { type: "string" },
    pid: { type: "string" },
    /** A new one each time, so that no run inherits another's text. */
    id: { type: "string", default: `bench/${Date.now().toString(36)}` },
  },
});

interface Load {
  readonly writers: number;
  readonly readers: number;
  /** Edits a second of each writer. */
  readonly rate: number;
  readonly seconds: number;
  readonly pushRate: number;
  readonly id: string;
  readonly isHocuspocus: boolean;
}

const MAX_SOCKETS = 1_000;
const MAX_SECONDS = 60;
const PROBES = 2;
const TICK_MS = 4;
const MAX_DRAIN_MS = 15_000;

const load: Load = {
  writers: bounded("writers", values.writers, MAX_SOCKETS / 2),
  readers: Math.max(PROBES, bounded("readers", values.readers, MAX_SOCKETS / 2)),
  rate: bounded("rate", values.rate, 1_000),
  seconds: bounded("seconds", values.seconds, MAX_SECONDS),
  pushRate: bounded("push-rate", values["push-rate"], 1_000),
  id: values.id,
  isHocuspocus: values.frame === "hocus",
};
if (values.url === undefined) {
  await withTemporaryDir(async (dir) => {
    const bundleDir = await buildBundle(join(dir, "bundle"));
    const server = await startServer({ persistTo: join(dir, "data"), bundleDir });
    try {
      console.log(JSON.stringify(await measure(server.url, server.pid)));
    } finally {
      await server.kill();
    }
  });
} else {
  if (!/^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(`${values.url}/`))
    throw new Error(`--url ${values.url}: must be http://127.0.0.1:PORT`);
  const pid = values.pid === undefined ? null : Number(values.pid);
  console.log(JSON.stringify(await measure(values.url.replace(/\/$/, ""), pid)));
}

function bounded(name: string, text: string, most: number): number {
  const number = Number(text);
  if (!(number >= 1 && number <= most)) throw new Error(`--${name} ${text}: must be from 1 to ${most}`);
  return number;
}

async function measure(url: string, pid: number | null): Promise<object> {
  const sentAt = new Map<number, number[]>(); // by client id and clock
  const latencies: number[] = [];
  let frames = 0;
  const count = () => {
    frames++;
  };
  const probe = (message: Uint8Array) => {
    frames++;
    const nowMs = performance.now();
    const update = updateIn(message);
    if (update === null) return;
    for (const { id, length } of Y.decodeUpdate(update).structs) {
      const times = sentAt.get(id.client);
      if (times === undefined) continue;
      for (let clock = id.clock; clock < id.clock + length; clock++)
        latencies.push(nowMs - (times[clock] ?? nowMs));
    }
  };
  const sockets: WebSocket[] = [];
  const open = async (onMessage: (message: Uint8Array) => void) => {
    const socket = await openSocket(url, onMessage);
    sockets.push(socket);
    return socket;
  };
  for (let reader = 0; reader < load.readers; reader++) await open(reader < PROBES ? probe : count);
  const writers: Writer[] = [];
  for (let writer = 0; writer < load.writers; writer++) {
    const one = makeWriter(await open(count));
    sentAt.set(one.doc.clientID, one.sentAt);
    writers.push(one);
  }
  const acknowledgements = load.isHocuspocus
    ? null
    : await Acknowledgements.start(url, load.id, load.pushRate);
  await delay(800); // everybody is in sync, and the server has tidied up after the joins

  const before = { cpu: pid === null ? 0 : cpuSeconds(pid), revision: await readRevision(url) };
  frames = 0;
  const startedMs = performance.now();
  const sent = await typeAll(writers);
  const typedMs = performance.now() - startedMs;
  const deadlineMs = performance.now() + MAX_DRAIN_MS;
  while (latencies.length < sent * PROBES && performance.now() < deadlineMs) await delay(20);
  const elapsedS = (performance.now() - startedMs) / 1000;
  acknowledgements?.stop();
  const cpu = pid === null ? null : cpuSeconds(pid) - before.cpu;
  const received = latencies.length / PROBES;
  const deliveries = received * (load.writers + load.readers - 1);
  latencies.sort((a, b) => a - b);
  const revision = await readRevision(url);
  const result = {
    ...load,
    sent,
    lost: sent - received,
    p50_ms: round(quantile(latencies, 0.5)),
    p95_ms: round(quantile(latencies, 0.95)),
    p99_ms: round(quantile(latencies, 0.99)),
    drain_ms: Math.round(elapsedS * 1000 - typedMs),
    frames_per_s: Math.round(frames / elapsedS),
    deliveries_per_s: Math.round(deliveries / elapsedS),
    cpu_s: cpu === null ? null : round(cpu),
    cpu_s_per_1m: cpu === null ? null : round((cpu / deliveries) * 1e6),
    rss_mb: pid === null ? null : Math.round(residentBytes(pid) / 1e6),
    ack_p50_ms: toMs(acknowledgements?.quantile(0.5)),
    ack_p95_ms: toMs(acknowledgements?.quantile(0.95)),
    // A commit writes one row; what compaction and alarms write comes on top.
    commits_per_s: revision === null ? null : round((revision - (before.revision ?? 0)) / elapsedS),
  };
  for (const socket of sockets) socket.terminate();
  return result;
}

interface Writer {
  readonly doc: Y.Doc;
  readonly socket: WebSocket;
  readonly sentAt: number[];
}

function makeWriter(socket: WebSocket): Writer {
  const doc = new Y.Doc();
  const sentAt: number[] = [];
  doc.on("update", (update: Uint8Array) => socket.send(encodeSync(2, update)));
  return { doc, socket, sentAt };
}

/** Everybody types at the end of what it wrote itself, in turn. Returns how many characters were sent. */
async function typeAll(writers: readonly Writer[]): Promise<number> {
  const { rate, seconds } = load;
  const startedMs = performance.now();
  let sent = 0;
  for (;;) {
    const elapsedS = Math.min((performance.now() - startedMs) / 1000, seconds);
    for (const due = Math.floor(elapsedS * rate * writers.length); sent < due; sent++) {
      const { doc, sentAt } = writers[sent % writers.length] as Writer; // there is one at least
      sentAt.push(performance.now());
      doc.getText("content").insert(sentAt.length - 1, "x");
    }
    if (elapsedS >= seconds) return sent;
    await delay(TICK_MS);
  }
}

async function openSocket(url: string, onMessage: (message: Uint8Array) => void): Promise<WebSocket> {
  const base = url.replace(/^http/, "ws");
  const address = load.isHocuspocus ? base : `${base}/v1/sync/${load.id}?create=1`;
  const socket = new WebSocket(address, { perMessageDeflate: false });
  socket.on("message", (data) => onMessage(data as Buffer)); // ws gives Buffers unless told otherwise
  await opened(socket);
  if (load.isHocuspocus) socket.send(encodeAuthentication());
  socket.send(encodeSync(0, Y.encodeStateVector(new Y.Doc())));
  return socket;
}

function begin(): encoding.Encoder {
  const encoder = encoding.createEncoder();
  if (load.isHocuspocus) encoding.writeVarString(encoder, load.id);
  return encoder;
}

/** @param kind 0: step 1, 2: update */
function encodeSync(kind: 0 | 2, bytes: Uint8Array): Uint8Array {
  const encoder = begin();
  encoding.writeVarUint(encoder, 0);
  encoding.writeVarUint(encoder, kind);
  encoding.writeVarUint8Array(encoder, bytes);
  return encoding.toUint8Array(encoder);
}

/** Hocuspocus' first message: any token, and the version of its protocol. */
function encodeAuthentication(): Uint8Array {
  const encoder = begin();
  encoding.writeVarUint(encoder, 2);
  encoding.writeVarUint(encoder, 0);
  encoding.writeVarString(encoder, "token");
  encoding.writeVarString(encoder, "4.7.0");
  return encoding.toUint8Array(encoder);
}

function updateIn(message: Uint8Array): Uint8Array | null {
  const decoder = decoding.createDecoder(message);
  if (load.isHocuspocus) decoding.readVarString(decoder);
  if (decoding.readVarUint(decoder) !== 0) return null;
  return decoding.readVarUint(decoder) === 0 ? null : decoding.readVarUint8Array(decoder);
}

/** The fragment's revision; null for a server that has none. */
async function readRevision(url: string): Promise<number | null> {
  if (load.isHocuspocus) return null;
  const response = await fetch(`${url}/v1/fragments/${load.id}`);
  if (!response.ok) throw new Error(`GET answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as Fragment).version;
}

function toMs(value: number | undefined): number | null {
  return value === undefined ? null : round(value);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
