import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type Expansion, expand, type FetchedText } from "../../src/language/expansion.ts";
import { type FragmentId, parseFragmentId } from "../../src/language/fragment-id.ts";
import { type FragmentFile, parseFragmentFile } from "../../tools/dev/front-matter.ts";

const SAMPLES = new URL("../../samples/", import.meta.url);

describe("samples", () => {
  test("[SEED-5] the samples expand without a warning and three deep, when all are stored", async () => {
    const files = await readSamples();
    expect(files.size).toBeGreaterThanOrEqual(12);
    let deepest = 0;
    for (const [id, { content, prompt_type, description, tags }] of files) {
      const expansion = await expandSample(id, content, files);
      expect(expansion.warnings, id).toEqual([]);
      expect(prompt_type === "composite", id).toBe(expansion.dependencies.length > 0);
      expect(description, id).not.toBe("");
      expect(tags.length, id).toBeGreaterThan(0);
      deepest = Math.max(deepest, expansion.levels);
    }
    expect(deepest).toBeGreaterThanOrEqual(3);
  });
});

async function readSamples(): Promise<ReadonlyMap<FragmentId, FragmentFile>> {
  const files = new Map<FragmentId, FragmentFile>();
  for (const path of await readdir(SAMPLES, { recursive: true })) {
    if (!path.endsWith(".md")) continue;
    const name = parseFragmentId(path.slice(0, -3).replaceAll("\\", "/"));
    const parsed = parseFragmentFile(await readFile(new URL(path, SAMPLES), "utf8"));
    if (!name.ok || !parsed.ok) throw new Error(`${path} is no valid sample`);
    files.set(name.id, parsed.file);
  }
  return files;
}

/** Expands a sample, counting the levels of inclusion below it. */
async function expandSample(
  root: FragmentId,
  content: string,
  files: ReadonlyMap<FragmentId, FragmentFile>,
): Promise<Expansion & { levels: number }> {
  let levels = 0;
  const expansion = await expand({ content, root, unresolved: "keep" }, async (ids) => {
    levels++;
    const found = new Map<FragmentId, FetchedText>();
    for (const each of ids) {
      const file = files.get(each);
      if (file) found.set(each, { text: file.content, revision: 1 });
    }
    return found;
  });
  return { ...expansion, levels };
}
