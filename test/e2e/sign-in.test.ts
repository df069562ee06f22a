/** Signing in and out in a real browser, and what pages of other origins can do with its cookie. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { launchChromium } from "../support/chromium.ts";
import { type ClosedServer, startClosedServer } from "../support/closed-server.ts";
import { FOREIGN_SCRIPT, type Loot, type PageServer, servePage } from "../support/foreign-page.ts";
import { makeTemporaryDir, removeDir } from "../support/temporary-dir.ts";

const ID = "kept/by-its-owner";
const NEW_ID = "made/by-the-page";

let browser: Browser;
let elsewhere: PageServer;
let dir: string;
let server: ClosedServer;

beforeAll(async () => {
  dir = await makeTemporaryDir();
  elsewhere = await servePage();
  // The other page may call with a token, so that nothing but the rules for cookies keeps it out.
  const vars = { ALLOWED_ORIGINS: `http://127.0.0.1:${elsewhere.port}` };
  server = await startClosedServer(dir, { vars });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.kill();
  await elsewhere?.close();
  await removeDir(dir);
});

async function invite(fields: object = {}): Promise<string> {
  const body = { user: { id: "ann", name: "Ann" }, role: "editor", ...fields };
  const answer = await fetch(`${server.url}/v1/invitations`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { link: string }).link; // an answer of our server
}

interface Opened {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser has complained about: errors of scripts, and what a policy has stopped. */
  readonly faults: readonly string[];
}

async function newBrowser(options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  return { context, page, faults };
}

async function signedIn() {
  const opened = await newBrowser();
  await opened.page.goto(await invite());
  await opened.page.click("button");
  await opened.page.waitForSelector("h1:text('Signed in')");
  return opened;
}

/** The status of a GET that the browser makes when its address is typed. */
async function statusOf(page: Page, path: string): Promise<number | undefined> {
  return (await page.goto(`${server.url}${path}`))?.status();
}

describe("a person with a link", () => {
  test("[INVITE-1] the link opens a page with one button, and the button signs the person in", async () => {
    const { context, page, faults } = await newBrowser();
    const link = await invite();
    await page.goto(link);
    expect(page.url()).toBe(`${server.url}/sign-in`);
    expect(await page.locator("button:visible").allTextContents()).toEqual(["Sign in"]);
    expect(await page.locator("input:visible").count()).toBe(0);
    expect(await context.cookies()).toEqual([]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector("h1:text('Signed in')");
    expect(await page.textContent("main")).toContain(
      "You are signed in as Ann, editor of the workspace default.",
    );
    expect(await page.content()).not.toContain("pmi_");
    const [cookie, ...others] = await context.cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/", domain: "127.0.0.1" });
    expect(cookie?.name).toBe(`prompt_session_${new URL(server.url).port}`);
    expect(await page.evaluate("document.cookie")).toBe("");
    expect(faults.filter((fault) => !fault.includes("favicon.ico"))).toEqual([]);
    expect(await statusOf(page, "/v1/me")).toBe(200);
  });

  test("[INVITE-2] a second use of the link says that it was used, with a way back", async () => {
    const link = await invite();
    for (const isFirst of [true, false]) {
      const { page } = await newBrowser();
      await page.goto(link);
      await page.click("button");
      await page.waitForSelector(isFirst ? "h1:text('Signed in')" : "h1:text('Not signed in')");
      if (isFirst) continue;
      expect(await page.textContent("[role=alert]")).toContain("has been used already");
      await page.click("text=Back");
      await page.waitForSelector("h1:text('Sign in')");
      expect(await statusOf(page, "/v1/me")).toBe(401);
    }
  });

  test("[INVITE-2] without scripts the person copies the link into the page", async () => {
    const { page } = await newBrowser({ javaScriptEnabled: false });
    const link = await invite();
    await page.goto(link);
    await page.getByLabel("Invitation link").fill(link);
    await page.click("button");
    await page.waitForSelector("h1:text('Signed in')");
    expect(await statusOf(page, "/v1/me")).toBe(200);
  });

  test("[INVITE-2] a preview that loads the link and runs its scripts uses nothing up", async () => {
    const link = await invite();
    for (let times = 0; times < 3; times++) await (await newBrowser()).page.goto(link);
    const { page } = await newBrowser();
    await page.goto(link);
    await page.click("button");
    await page.waitForSelector("h1:text('Signed in')");
  });

  test("[BROWSER-5] the link of another user replaces the session of the browser", async () => {
    const { page } = await signedIn();
    await page.goto(await invite({ user: { id: "bob", name: "Bob" }, role: "viewer" }));
    await page.click("button:visible");
    await page.waitForSelector("strong:text('Bob')");
  });

  test("[BROWSER-5] signing out in all browsers signs out here and elsewhere", async () => {
    const [here, there] = [await signedIn(), await signedIn()];
    await here.page.click("text=Sign out");
    await here.page.click("text=Sign out in all my browsers");
    await here.page.waitForSelector("h1:text('Signed out')");
    expect(await here.context.cookies()).toEqual([]);
    expect(await statusOf(here.page, "/v1/me")).toBe(401);
    await expect.poll(() => statusOf(there.page, "/v1/me")).toBe(401);
    expect(await there.context.cookies()).toEqual([]);
  });
});

describe("pages, while a person is signed in", () => {
  /** What everybody may read whose origin is named, and what shows the page nothing. */
  const PUBLIC = ["the description of the API", "the health", "a script", "a style", "a frame", "a prefetch"];

  async function attack(page: Page, target: string): Promise<Loot[]> {
    return page.evaluate<Loot[]>(
      `attack(${JSON.stringify(target)}, ${JSON.stringify(ID)}, ${JSON.stringify(NEW_ID)})`,
    );
  }

  async function stateOf(): Promise<unknown> {
    const list = await fetch(`${server.url}/v1/fragments`, {
      headers: { authorization: `Bearer ${server.key}` },
    });
    const { fragments } = (await list.json()) as { fragments: { id: string; version: number }[] }; // of our server
    return fragments.map(({ id, version }) => [id, version]);
  }

  test("[COOKIE-3] a page of another port reads and changes nothing; a page of the server does both", async () => {
    await fetch(`${server.url}/v1/fragments/${ID}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${server.key}` },
      body: JSON.stringify({ content: "kept" }),
    });
    const { context, page } = await signedIn();
    await page.goto(`http://127.0.0.1:${elsewhere.port}/`);
    expect((await context.cookies(server.url)).length).toBe(1); // the browser sends it to all ports
    const loot = await attack(page, server.url);
    expect(
      loot.filter(({ what, read }) => read !== null && !/^40[13] /.test(read) && !PUBLIC.includes(what)),
    ).toEqual([]);
    expect(await stateOf()).toEqual([[ID, 1]]);

    // The same from a page of the server: so the tries can succeed, and the cookie is what they succeed with.
    await page.goto(`${server.url}/v1/tags`);
    const script = JSON.stringify(FOREIGN_SCRIPT);
    await page.evaluate(
      `(() => { const script = document.createElement("script"); script.textContent = ${script}; document.body.append(script); })()`,
    );
    const own = await attack(page, server.url);
    const opened = own.filter(({ read }) => read !== null && !/^40[13] /.test(read)).map(({ what }) => what);
    expect(opened).toEqual(
      expect.arrayContaining(["a simple GET", "a socket of events", "a stream of events"]),
    );
    expect(await stateOf()).not.toEqual([[ID, 1]]);
  });

  test("[INVITE-7] a page of another port signs nobody in and nobody out", async () => {
    const { page } = await signedIn();
    const link = await invite({ user: { id: "eve", name: "Eve" } });
    await page.goto(`http://127.0.0.1:${elsewhere.port}/`);
    for (const [path, name, value] of [
      ["/sign-in", "invitation", link],
      ["/sign-out", "sessions", "all"],
    ] as const) {
      const action = JSON.stringify(`${server.url}${path}`);
      await page.evaluate(`(() => {
        const form = Object.assign(document.createElement("form"), { method: "POST", action: ${action} });
        form.append(Object.assign(document.createElement("input"), ${JSON.stringify({ name, value })}));
        document.body.append(form);
        form.submit();
      })()`);
      await page.waitForSelector("[role=alert]:text('must be sent from a page of this server')");
      await page.goBack();
    }
    await page.goto(`${server.url}/sign-in`);
    expect(await page.textContent("strong")).toBe("Ann");
  });
});
