/**
 * A real browser for the pages of the documents: headless Chromium, out of the package `@sparticuz/chromium`, which
 * holds the binary for Linux on x64 (and what it needs where the system has too little). Elsewhere, or to test another
 * one, CHROMIUM names the program.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";

/** None of its own connections to the outside; as root there is no sandbox. */
const ARGS = [
  "--no-sandbox",
  "--no-zygote",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** Throws with the reason if there is no browser for this system. */
export async function launchChromium(more: readonly string[] = []): Promise<Browser> {
  const args = [...ARGS, ...more];
  const { CHROMIUM } = process.env;
  if (CHROMIUM !== undefined) return chromium.launch({ executablePath: CHROMIUM, args });
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(
      `These tests need Chromium: set CHROMIUM to the path of one (its package has none for ${process.platform} ${process.arch}).`,
    );
  }
  const dir = await unpacked();
  const executablePath = join(dir, "chromium");
  const env: Record<string, string> = { ...(process.env as Record<string, string>) };
  // On a small system: the libraries and the fonts that came along.
  if (execFileSync("ldd", [executablePath], { encoding: "utf8" }).includes("not found")) {
    env["LD_LIBRARY_PATH"] = join(dir, "lib");
  }
  if (!existsSync("/etc/fonts/fonts.conf")) env["FONTCONFIG_FILE"] = join(dir, "fonts.conf");
  return chromium.launch({ executablePath, args, env });
}

/** The folder that the package was unpacked into: once for each version, and whole before anybody sees it. */
async function unpacked(): Promise<string> {
  const root = dirname(dirname(dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium"))));
  const { version }: { version: string } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const dir = join(PROJECT_DIR, "build", `chromium-${version}`);
  if (existsSync(dir)) return dir;
  await mkdir(dirname(dir), { recursive: true });
  const staging = await mkdtemp(`${dir}-`);
  const read = async (file: string) =>
    promisify(brotliDecompress)(await readFile(join(root, "bin", `${file}.br`)));
  await writeFile(join(staging, "chromium"), await read("chromium"), { mode: 0o755 });
  for (const archive of ["al2023.tar", "fonts.tar"]) {
    execFileSync("tar", ["-x", "-C", staging], { input: await read(archive) });
  }
  // Its own names the folders of another system.
  await writeFile(join(staging, "fonts.conf"), `<fontconfig><dir>${join(dir, "fonts")}</dir></fontconfig>`);
  await rename(staging, dir).catch(async (error) => {
    await rm(staging, { recursive: true });
    if (!existsSync(dir)) throw error; // else another process was first
  });
  return dir;
}
