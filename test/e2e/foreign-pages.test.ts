/** A page of another origin gets nowhere, in a real browser and in every mode. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startServer } from "../../tools/dev/server-process.ts";
import { launchChromium } from "../support/chromium.ts";
import { startClosedServer } from "../support/closed-server.ts";
import { FOREIGN_SCRIPT, type Loot, type PageServer, servePage } from "../support/foreign-page.ts";
import { makeTemporaryDir, removeDir } from "../support/temporary-dir.ts";

/** The browser finds this name on this machine, as after DNS rebinding. */
const EVIL = "evil.example";
const ID = "kept/by-its-owner";
const NEW_ID = "made/by-the-page";

let browser: Browser;
let pages: PageServer;
let dir: string;

beforeAll(async () => {
  dir = await makeTemporaryDir();
  pages = await servePage();
  browser = await launchChromium([`--host-resolver-rules=MAP ${EVIL} 127.0.0.1`]);
});

afterAll(async () => {
  await browser?.close();
  await pages?.close();
  await removeDir(dir);
});

/** A server, and how its owner reaches it. */
interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

let servers = 0;

async function openServer(vars: Readonly<Record<string, string>>): Promise<Target> {
  const server = await startServer({ persistTo: `${dir}/${++servers}`, vars });
  onTestFinished(() => server.kill());
  return prepared({ url: server.url, headers: {} });
}

async function closedServer(vars: Readonly<Record<string, string>>): Promise<Target> {
  const server = await startClosedServer(`${dir}/${++servers}`, { vars });
  onTestFinished(() => server.kill());
  return prepared({ url: server.url, headers: { authorization: `Bearer ${server.key}` } });
}

async function prepared(target: Target): Promise<Target> {
  const body = JSON.stringify({ content: "kept" });
  const answer = await fetch(`${target.url}/v1/fragments/${ID}`, {
    method: "PUT",
    headers: target.headers,
    body,
  });
  expect(answer.status).toBe(201);
  return target;
}

const MODES: readonly (readonly [string, () => Promise<Target>])[] = [
  ["is open to this machine", () => openServer({ OPEN_ACCESS: "loopback" })],
  [
    "is open, and names pages",
    () => openServer({ OPEN_ACCESS: "anyone", ALLOWED_ORIGINS: "https://a.example" }),
  ],
  ["is closed", () => closedServer({})],
  ["is closed, but for anonymous editors", () => closedServer({ ANONYMOUS_ROLE: "editor" })],
];

interface Raid {
  readonly loot: readonly Loot[];
  /** The status of each answer that the browser got from the server, for whomever. */
  readonly statuses: readonly number[];
}

/** Opens the page under this origin, and lets it try everything. */
async function raid(origin: string, server: string): Promise<Raid> {
  const context = await browser.newContext();
  const page = await context.newPage();
  try {
    await page.goto(origin);
    return await tryAll(page, server);
  } finally {
    await context.close();
  }
}

/** @param only the names of the tries; null for all */
async function tryAll(page: Page, server: string, only: readonly string[] | null = null): Promise<Raid> {
  const statuses: number[] = [];
  const devtools = await page.context().newCDPSession(page);
  // Also of answers that the browser keeps from the page.
  devtools.on("Network.responseReceivedExtraInfo", ({ statusCode }) => void statuses.push(statusCode));
  await devtools.send("Network.enable");
  const args = [server, ID, NEW_ID, only].map((arg) => JSON.stringify(arg));
  const loot = await page.evaluate<Loot[]>(`attack(${args.join()})`);
  return { loot, statuses };
}

/** The ids and versions of all fragments. */
async function listAll({ url, headers }: Target): Promise<[string, number][]> {
  const list = await fetch(`${url}/v1/fragments`, { headers });
  const { fragments } = (await list.json()) as { fragments: { id: string; version: number }[] }; // an answer of our server
  return fragments.map(({ id, version }) => [id, version]);
}

const UNTOUCHED = [[ID, 1]];

describe.each(MODES)("a server that %s", (name, start) => {
  const origins = name.includes("this machine") ? [EVIL] : [EVIL, "127.0.0.1"];

  test.each(origins)(
    "[ORIGIN-2] a page reads nothing and changes nothing, when it comes from another port of %s",
    async (host) => {
      const target = await start();
      const { loot, statuses } = await raid(`http://${host}:${pages.port}`, target.url);
      expect(loot.length).toBeGreaterThan(20);
      expect(loot.filter(({ read }) => read !== null)).toEqual([]);
      expect(statuses.length).toBeGreaterThan(10);
      expect([...new Set(statuses)].filter((status) => status !== 403 && status !== 101)).toEqual([]);
      expect(await listAll(target)).toEqual(UNTOUCHED);
    },
  );

  test("[HOST-1] a page gets nowhere, when its own name leads to the server", async () => {
    const target = await start();
    const server = target.url.replace("127.0.0.1", EVIL);
    const isClosed = name === "is closed";
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const first = await page.goto(`${server}/v1/fragments/${ID}`);
    expect(first?.status()).toBe(isClosed ? 401 : 403);
    await page.evaluate(
      `(() => { const script = document.createElement("script"); script.textContent = ${JSON.stringify(FOREIGN_SCRIPT)}; document.body.append(script); })()`,
    );
    const { loot, statuses } = await tryAll(page, server);
    const isNothing = (read: string | null) => read === null || /^40[13] /.test(read);
    const isPublic = (what: string) => isClosed && /description|health|script|style/.test(what);
    expect(loot.filter(({ what, read }) => !isNothing(read) && !isPublic(what))).toEqual([]);
    if (!isClosed) expect([...new Set(statuses)]).toEqual([403]);
    expect(await listAll(target)).toEqual(UNTOUCHED);
  });
});

/** The page could do nothing with these even if it were allowed to: a browser shows it no answer, and they change nothing. */
const HARMLESS = [
  "a GET with the user's credentials",
  "a GET without CORS",
  "the health",
  "a stream of events with credentials",
  "a picture",
  "a script",
  "a style",
  "a prefetch",
  "a frame",
];

test("[ORIGIN-1] every other try tells or changes something, when the page's origin is named", async () => {
  const ALLOWED_ORIGINS = `http://${EVIL}:${pages.port}`;
  const target = await openServer({ OPEN_ACCESS: "loopback", ALLOWED_ORIGINS });
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(ALLOWED_ORIGINS);
  const { loot } = await tryAll(page, target.url);
  for (const { what } of loot.filter((one) => !HARMLESS.includes(one.what))) {
    await Promise.all([ID, NEW_ID].map((id) => removeFragment(target, id)));
    await fetch(`${target.url}/v1/fragments/${ID}`, { method: "PUT", body: '{"content": "kept"}' });
    const before = await listAll(target);
    const [tried] = (await tryAll(page, target.url, [what])).loot;
    const changed = JSON.stringify(await listAll(target)) !== JSON.stringify(before);
    expect([what, tried?.read !== null || changed]).toEqual([what, true]);
  }
});

async function removeFragment({ url }: Target, id: string): Promise<void> {
  const answer = await fetch(`${url}/v1/fragments/${id}`, { method: "DELETE" });
  await answer.body?.cancel();
}
