/** Expectations of a check, and the messages when they are not met. */
import { isDeepStrictEqual } from "node:util";

/** The server did something wrong. The message is for the reader of the report. */
export class CheckFailure extends Error {}

const MAX_SHOWN_UNITS = 300;

/** @param what the thing that is compared, as the subject of "expected …, got …" */
export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new CheckFailure(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Looks only at the fields that `expected` names. */
export function expectFields(
  what: string,
  actual: unknown,
  expected: Readonly<Record<string, unknown>>,
): void {
  if (typeof actual !== "object" || actual === null) expectEqual(what, actual, expected);
  const fields = new Map(Object.entries(actual ?? {}));
  const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, fields.get(name)]));
  expectEqual(what, seen, expected);
}

/** @param claim the sentence of the failure: what should be true, and what was seen */
export function expectThat(isSo: boolean, claim: string): asserts isSo {
  if (!isSo) throw new CheckFailure(claim);
}

/** A value on one line, cut if it is long. */
export function show(value: unknown, maxUnits = MAX_SHOWN_UNITS): string {
  const text = JSON.stringify(value, readable) ?? "nothing";
  return text.length <= maxUnits ? text : `${text.slice(0, maxUnits)}… (${text.length} characters)`;
}

/** Shows undefined fields, which JSON would leave out. Of bytes, it shows only the number. */
function readable(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return value === undefined ? "(absent)" : value;
}
