/** The floors of the house, read off the imports. Nothing imports upwards, and no files import each other in a circle. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What each floor may import besides itself, by folder. A folder that is not named belongs to the one it stands in. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  "src/language": [],
  "src/protocol": ["src/language"],
  "src/core/text": ["src/protocol", "src/language"],
  "src/core/history": ["src/core/text", "src/protocol", "src/language"],
  "src/core/catalogue": ["src/protocol", "src/language"],
  "src/core/fragment": ["src/core/history", "src/core/text", "src/protocol", "src/language"],
  "src/core/feed": ["src/core/fragment", "src/core/history", "src/core/text", "src/protocol", "src/language"],
  "src/core/room": ["src/core/fragment", "src/core/history", "src/core/text", "src/protocol", "src/language"],
  "src/worker": [
    "src/core/room",
    "src/core/feed",
    "src/core/fragment",
    "src/core/catalogue",
    "src/core/history",
    "src/core/text",
    "src/protocol",
    "src/language",
  ],
  tools: ["src/protocol", "src/language"],
};

interface Source {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly floor: string;
  readonly text: string;
  readonly imports: readonly string[];
  /** The files of ours among them, by path. */
  readonly targets: readonly string[];
}

const sources: readonly Source[] = ["src", "tools"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => readSource(join(entry.parentPath, entry.name))),
);

describe("floors", () => {
  test("[LAYER-1] the sources are found, and their imports with them", () => {
    expect(sources.length).toBeGreaterThan(40);
    expect(sources.flatMap(({ targets }) => targets).length).toBeGreaterThan(150);
    expect(sources.map(({ path }) => path)).toContain("src/core/room/room.ts");
    expect(sources.map(({ path }) => path)).toContain("tools/check/main.ts");
  });

  test("[LAYER-1] every source stands on a known floor", () => {
    expect(sources.filter(({ floor }) => BELOW[floor] === undefined).map(({ path }) => path)).toEqual([]);
  });

  test("[LAYER-1] no file imports upwards", () => {
    const upwards = sources.flatMap(({ path, floor, targets }) =>
      targets
        .filter((target) => floorOf(target) !== floor && !BELOW[floor]?.includes(floorOf(target)))
        .map((target) => `${path} imports ${target}`),
    );
    expect(upwards).toEqual([]);
  });

  test("[LAYER-6] no files import each other in a circle", () => {
    expect(findCircle(new Map(sources.map(({ path, targets }) => [path, targets])))).toEqual([]);
  });

  test("[LAYER-6] a circle is found where there is one", () => {
    const imports = { a: ["b", "d"], b: ["c"], c: ["b"], d: [] };
    expect(findCircle(new Map(Object.entries(imports)))).toEqual(["b", "c", "b"]);
  });

  test("[LAYER-2] only the core's text knows Yjs", () => {
    const knowing = sources.filter(({ imports }) => imports.includes("yjs"));
    const elsewhere = knowing.filter(({ floor }) => floor !== "src/core/text" && floor !== "tools");
    expect(elsewhere.map(({ path }) => path)).toEqual([]);
    expect(knowing.length).toBeGreaterThan(2);
  });

  test("[LAYER-3] language, protocol and core import no platform", () => {
    const platform = lower().flatMap(({ path, imports }) =>
      imports
        .filter((name) => /^(node:|cloudflare:|hono)/.test(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(platform).toEqual([]);
  });

  test("[LAYER-3] language, protocol and core ask for no time and no randomness", () => {
    const asking = lower().filter(({ text }) =>
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bcrypto\./.test(text),
    );
    expect(asking.map(({ path }) => path)).toEqual([]);
  });

  test("[LAYER-4] SQL stands in the worker's storage only", () => {
    const statement =
      /\bsql\.exec\(|\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE TABLE)\b[^"`]*\b(?:FROM|INTO|SET|\()/;
    const writing = sources.filter(({ text }) => statement.test(text)).map(({ path }) => path);
    expect(writing.filter((path) => !path.startsWith("src/worker/storage/"))).toEqual([]);
    expect(writing.length).toBeGreaterThan(1);
  });

  test("[LAYER-5] a Durable Object's class is a shell, when its file has fewer than 250 lines", () => {
    const shells = sources.filter(({ text }) => /extends DurableObject\b/.test(text));
    expect(shells.length).toBeGreaterThan(0);
    expect(shells.filter(({ text }) => text.split("\n").length > 250).map(({ path }) => path)).toEqual([]);
  });

  test("[LAYER-7] only the file of addresses names the binding of a Durable Object", () => {
    const naming = sources.filter(({ text }) =>
      /\b(?:env|this\.env|c\.env)\.(?:FRAGMENT|CATALOGUE|ACCESS|DIRECTORY)\b/.test(text),
    );
    expect(naming.map(({ path }) => path)).toEqual(["src/worker/addresses.ts"]);
  });
});

function readSource(file: string): Source {
  const path = slashed(relative(ROOT, file));
  const text = readFileSync(file, "utf8");
  const imports = [...text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => name ?? "");
  const targets = imports
    .filter((name) => name.startsWith("."))
    .map((name) => slashed(relative(ROOT, resolve(dirname(file), name))));
  return { path, floor: floorOf(path), text, imports, targets };
}

function slashed(path: string): string {
  return path.replaceAll("\\", "/");
}

/** The longest folder of `BELOW` that the file stands in; the top folder of one that stands in none. */
function floorOf(path: string): string {
  const known = Object.keys(BELOW).filter((floor) => path.startsWith(`${floor}/`));
  return known.sort((a, b) => b.length - a.length)[0] ?? path.split("/").slice(0, 2).join("/");
}

function lower(): readonly Source[] {
  return sources.filter(({ path }) => /^src\/(?:language|protocol|core)\//.test(path));
}

/** The paths of one circle, the first again at its end; empty where there is none. */
function findCircle(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): readonly string[] => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const target of imports.get(path) ?? []) {
      const circle = walk(target, [...way, path]);
      if (circle.length > 0) return circle;
    }
    done.add(path);
    return [];
  };
  for (const path of imports.keys()) {
    const circle = walk(path, []);
    if (circle.length > 0) return circle;
  }
  return [];
}
