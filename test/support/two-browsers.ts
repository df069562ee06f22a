/** Two people with the same page of a document open, who type at the same moment. */
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";
import type { BrowserScene } from "./document-story.ts";
import { HANG_LIMIT_MS } from "./hang-limit.ts";
import { putFragment, readFragment } from "./rest.ts";

/** The fragment that the editors of docs/yjs-by-example.md open. */
const ID = "yjs-tour/greeting";
const BEFORE = "Good morning.";
const ANN = "Written by Ann.\nAnd a line. ";
const BOB = " Bob adds.\nOne more";
const POLL_MS = 50;
/** What is typed within half a second is one step. */
const MAX_UNDO = 20;

/** Opens the page twice, types in both at once, and compares both with what the server keeps. */
export async function typeInTwoBrowsers(scene: BrowserScene): Promise<void> {
  const { pageUrl, selector, serverUrl, hasOwnUndo } = scene;
  await putFragment(serverUrl, ID, BEFORE);
  const browser = await launchChromium();
  try {
    // Of one profile they would talk to each other past the server.
    const pages = await Promise.all([openIn(), openIn()]);
    const [ann, bob] = pages;
    await placeCursor(ann, "Control+Home");
    await placeCursor(bob, "Control+End");
    const pace = { delay: 20 };
    await Promise.all([ann.keyboard.type(ANN, pace), bob.keyboard.type(BOB, pace)]);
    await agree(pages, ANN + BEFORE + BOB);
    if (!hasOwnUndo) return;
    for (let times = 0; times < MAX_UNDO && (await linesOf(ann)) !== BEFORE + BOB; times++) {
      await ann.keyboard.press("Control+z");
    }
    await agree(pages, BEFORE + BOB);
  } finally {
    await browser.close();
  }

  async function openIn(): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error.stack)));
    await page.goto(pageUrl);
    await page.waitForSelector(selector, { timeout: HANG_LIMIT_MS });
    await becomes(BEFORE, () => linesOf(page));
    if (faults.length > 0) throw new Error(faults.join("\n"));
    return page;
  }

  async function placeCursor(page: Page, key: string): Promise<void> {
    await page.click(selector);
    await page.keyboard.press(key);
    // An editor learns of it from the browser, at the next change of the selection.
    await page.evaluate("new Promise((settle) => requestAnimationFrame(() => setTimeout(settle, 100)))");
  }

  async function agree(pages: readonly Page[], text: string): Promise<void> {
    const all = async () => [
      (await readFragment(serverUrl, ID)).content,
      ...(await Promise.all(pages.map(linesOf))),
    ];
    await becomes([text, text, text], all);
  }
}

/** Settles when `read` gives the wanted value; else throws with the last one. */
async function becomes<T>(wanted: T, read: () => Promise<T>): Promise<void> {
  const endMs = performance.now() + HANG_LIMIT_MS;
  for (;;) {
    const value = await read();
    if (isDeepStrictEqual(value, wanted)) return;
    if (performance.now() > endMs) throw new Error(`${JSON.stringify(value)}, not ${JSON.stringify(wanted)}`);
    await delay(POLL_MS);
  }
}

/** What the editor shows, from top to bottom, without the names at others' cursors. */
function linesOf(page: Page): Promise<string> {
  return page.evaluate(`
    [...document.querySelectorAll(".cm-line, .view-line, .ProseMirror > p")]
      .toSorted((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
      .map((line) => {
        const copy = line.cloneNode(true);
        for (const caret of copy.querySelectorAll(".cm-ySelectionCaret")) caret.remove();
        return copy.textContent.replaceAll("\\u00a0", " ").replaceAll(/[\\u200b\\u2060\\ufeff]/g, "");
      })
      .join("\\n")`);
}
