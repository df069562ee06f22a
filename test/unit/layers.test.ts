/** The floors of the house, read off the imports: language <- protocol <- core <- worker, and never the other way. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));

/** What each floor may import besides itself. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  language: [],
  protocol: ["language"],
  core: ["protocol", "language"],
  worker: ["core", "protocol", "language"],
  cli: ["protocol", "language"],
};

interface Source {
  /** Relative to src, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
  .map((entry) => {
    const file = join(entry.parentPath, entry.name);
    const text = readFileSync(file, "utf8");
    const imports = [...text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => name ?? "");
    return { path: relative(SRC, file), text, imports };
  });

describe("floors", () => {
  test("[LAYER-1] the sources are found, and their imports with them", () => {
    expect(sources.length).toBeGreaterThan(40);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(150);
    expect(sources.map(({ path }) => path)).toContain(join("core", "room", "room.ts"));
    expect(sources.map(({ path }) => path)).toContain(join("cli", "e2e", "main.ts"));
  });

  test("[LAYER-1] every source stands on a known floor", () => {
    const unknown = sources.filter(({ path }) => BELOW[floorOf(path)] === undefined);
    expect(unknown.map(({ path }) => path)).toEqual([]);
  });

  test("[LAYER-1] nothing imports upwards", () => {
    const upwards = sources.flatMap(({ path, imports }) =>
      imports
        .filter((name) => name.startsWith("."))
        .map((name) => relative(SRC, resolve(SRC, dirname(path), name)))
        .filter((target) => !allowed(floorOf(path), floorOf(target)))
        .map((target) => `${path} imports ${target}`),
    );
    expect(upwards).toEqual([]);
  });

  test("[LAYER-2] only the core's text knows Yjs", () => {
    const knowing = sources.filter(({ imports }) => imports.includes("yjs"));
    const elsewhere = knowing.filter(
      ({ path }) => path.startsWith("core") && !path.startsWith(join("core", "text")),
    );
    expect(elsewhere.map(({ path }) => path)).toEqual([]);
    const outside = knowing.filter(({ path }) => ["language", "protocol", "worker"].includes(floorOf(path)));
    expect(outside.map(({ path }) => path)).toEqual([]);
    expect(knowing.length).toBeGreaterThan(2);
  });

  test("[LAYER-3] language, protocol and core import no platform", () => {
    const lower = sources.filter(({ path }) => ["language", "protocol", "core"].includes(floorOf(path)));
    const platform = lower.flatMap(({ path, imports }) =>
      imports
        .filter((name) => /^(node:|cloudflare:|hono)/.test(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(platform).toEqual([]);
  });

  test("[LAYER-3] language, protocol and core ask for no time and no randomness", () => {
    const lower = sources.filter(({ path }) => ["language", "protocol", "core"].includes(floorOf(path)));
    const asking = lower.filter(({ text }) =>
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bcrypto\./.test(text),
    );
    expect(asking.map(({ path }) => path)).toEqual([]);
  });

  test("[LAYER-4] SQL stands in the worker's storage only", () => {
    const statement =
      /\bsql\.exec\(|\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE TABLE)\b[^"`]*\b(?:FROM|INTO|SET|\()/;
    const writing = sources.filter(({ text }) => statement.test(text)).map(({ path }) => path);
    expect(writing.filter((path) => !path.startsWith(join("worker", "storage")))).toEqual([]);
    expect(writing.length).toBeGreaterThan(1);
  });

  test("[LAYER-5] a Durable Object's class is a shell, when its file has fewer than 250 lines", () => {
    const shells = sources.filter(({ text }) => /extends DurableObject\b/.test(text));
    expect(shells.length).toBeGreaterThan(0);
    expect(shells.filter(({ text }) => text.split("\n").length > 250).map(({ path }) => path)).toEqual([]);
  });
});

function floorOf(path: string): string {
  return path.split(/[\\/]/)[0] ?? "";
}

function allowed(from: string, to: string): boolean {
  return from === to || (BELOW[from]?.includes(to) ?? false);
}
