import type { Change } from "../../src/protocol/json-frames.ts";

/** What the changes of a frame make of a text, as PROTOCOL.md has it: all positions are of the text before. */
export function applyChanges(text: string, changes: readonly Change[]): string {
  return changes.reduceRight(
    (made, { from, to, insert }) => made.slice(0, from) + insert + made.slice(to),
    text,
  );
}
