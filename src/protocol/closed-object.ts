import * as v from "valibot";
import { nearestName } from "./nearest-name.ts";

/**
 * An object that has the fields of `entries` and no others. An unknown field is refused with the name that was probably
 * meant, so that a misspelt request is never taken for one that leaves the field out.
 */
export function closedObject<const E extends v.ObjectEntries>(entries: E) {
  const names = Object.keys(entries);
  return v.strictObject(entries, (issue) =>
    issue.expected === "never" ? unknownName(String(issue.input), names) : issue.message,
  );
}

/** Says that a name is unknown, and names the nearest known one. The text follows the name in a sentence. */
export function unknownName(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  if (nearest !== null) return `is not known; did you mean \`${nearest}\`?`;
  if (known.length === 0) return "is not known; nothing is known here";
  return `is not known; known here: ${known.map((one) => `\`${one}\``).join(", ")}`;
}
