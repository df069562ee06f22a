/**
 * Puts a folder of markdown files into a running server as fragments: `npm run seed -- [--url URL] [--key KEY] [--dir DIR]`.
 *
 * A file's path below the folder, without `.md`, is the fragment's id. All files are read and checked before the first
 * one is sent, so a bad file changes nothing. Running it again replaces the same fragments.
 */
import { readdir, readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { type FragmentId, parseFragmentId } from "../../src/language/fragment-id.ts";
import { scanIncludedIds } from "../../src/language/included-ids.ts";
import {
  authorization,
  credential,
  describeKeyOption,
  describeUnauthorised,
  KEY_VARIABLE,
} from "../access/credential.ts";
import { runCommand } from "../command-line.ts";
import { parsed, parseOptions, text, type ValuesOf } from "../command-options.ts";
import { describeProblem } from "../problem.ts";
import { counted } from "../quantity.ts";
import {
  DEFAULT_SERVER_URL,
  describeCause,
  describeNoServer,
  encodePath,
  fragmentPath,
  parseServerUrl,
} from "../server-url.ts";
import { type FragmentFile, parseFragmentFile } from "./front-matter.ts";

type Samples = ReadonlyMap<FragmentId, FragmentFile>;

const OPTIONS = { url: parsed(DEFAULT_SERVER_URL, parseServerUrl), key: credential(), dir: text("samples") };

const REQUEST_TIMEOUT_MS = 15_000;

const USAGE = `Usage: npm run seed -- [--url URL] [--key KEY] [--dir DIR]

Puts a folder of markdown files into a running server, one fragment for each file. If one file is bad, nothing is sent.

  --url URL   the server; ${DEFAULT_SERVER_URL} unless given
${describeKeyOption(12)}
  --dir DIR   the folder; samples unless given`;

await runCommand(
  { name: "npm run seed", usage: USAGE, parse: (args) => parseOptions(args, OPTIONS), tellsFailures: true },
  seed,
);

/** Returns the exit code. */
async function seed({ url, key, dir }: ValuesOf<typeof OPTIONS>): Promise<number> {
  const samples = await readSamples(dir);
  for (const [id, file] of samples) {
    const isNew = await putFragment(url, key, id, file);
    console.log(
      `${isNew ? "created " : "replaced"}  ${id}  (${file.prompt_type}, ${counted(file.content.length, "character")})`,
    );
  }
  const are = samples.size === 1 ? "is" : "are";
  console.log(`\n${counted(samples.size, "fragment")} ${are} at ${url.origin}. Try next:`);
  const header = key === null ? "" : `-H "Authorization: Bearer $${KEY_VARIABLE}" `;
  for (const id of findEntries(samples).slice(0, 5)) {
    console.log(`  curl ${header}${new URL(`/v1/expansions/${encodePath(id)}`, url)}`);
  }
  return 0;
}

/** Reads all files. Throws one error that names every bad one. */
async function readSamples(dir: string): Promise<Samples> {
  const samples = new Map<FragmentId, FragmentFile>();
  const faults: string[] = [];
  for (const path of await listMarkdown(dir)) {
    const name = parseFragmentId(path.slice(0, -".md".length).split(sep).join("/"));
    const parsed = parseFragmentFile(await readFile(join(dir, path), "utf8"));
    if (!name.ok) faults.push(`${path}: ${name.reason}`);
    else if (!parsed.ok) faults.push(`${path}: ${parsed.reason}`);
    else if (samples.has(name.id)) faults.push(`${path}: another file has the same id, ${name.id}`);
    else samples.set(name.id, parsed.file);
  }
  if (faults.length > 0) throw new Error(`Nothing was sent, because of:\n  ${faults.join("\n  ")}`);
  if (samples.size === 0) throw new Error(`There is no .md file below "${dir}".`);
  return samples;
}

async function listMarkdown(dir: string): Promise<string[]> {
  try {
    const paths = await readdir(dir, { recursive: true });
    return paths.filter((path) => path.endsWith(".md")).sort();
  } catch (error) {
    throw new Error(`The folder "${dir}" cannot be read (${describeCause(error)}).`);
  }
}

/** Returns whether the fragment is new. */
async function putFragment(
  url: URL,
  key: string | null,
  id: FragmentId,
  file: FragmentFile,
): Promise<boolean> {
  let response: Response;
  let body: string;
  try {
    response = await fetch(new URL(fragmentPath(id), url), {
      method: "PUT",
      headers: { ...authorization(key), "content-type": "application/json" },
      body: JSON.stringify(file),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    body = await response.text();
  } catch (error) {
    throw new Error(describeNoServer(url.origin, error));
  }
  if (response.status === 401) throw new Error(describeUnauthorised(url.origin, key, body));
  if (!response.ok) {
    throw new Error(`The server refused ${id}: ${response.status} ${describeProblem(body)}`);
  }
  return response.status === 201;
}

/** Composites that no other file includes: the prompts that the other files are parts of. */
function findEntries(samples: Samples): FragmentId[] {
  const included = new Set<string>();
  for (const { content } of samples.values()) for (const id of scanIncludedIds(content)) included.add(id);
  return [...samples]
    .filter(([id, file]) => file.prompt_type === "composite" && !included.has(id))
    .map(([id]) => id);
}
