/**
 * The servers that are broken on purpose are made by replacing passages of the source: a change of such a passage is noticed
 * here, and not minutes later from a server that could not be built.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { ACKNOWLEDGING_EARLY, FORGETTING, LOSING } from "../support/broken-bundle.ts";
import { PLANTED_FAULTS } from "../support/planted-faults.ts";

const PLANTED = PLANTED_FAULTS.map(({ alteration }) => alteration);

test.each([...ACKNOWLEDGING_EARLY, ...FORGETTING, ...LOSING, ...PLANTED])(
  "[E2E-2] a passage that is replaced stands once in $file: $passage",
  async ({ file, passage, replacement }) => {
    const source = await readFile(join(PROJECT_DIR, file), "utf8");
    expect(source.split(passage).length - 1).toBe(1);
    expect(replacement).not.toBe(passage);
  },
);
