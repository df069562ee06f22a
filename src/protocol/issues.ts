import * as v from "valibot";
import { done, type ErrorCode, type Result, refusal, refused } from "./errors.ts";
import { findUnknownField, unknownName } from "./unknown-field.ts";

/** A message repeats at most this many UTF-16 code units of the input. */
const MAX_ECHO_UNITS = 100;

/** Valibot's name for a type, and ours. */
const TYPES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  Array: "a list",
  Object: "an object",
};

/**
 * Parses input from outside. A refusal has this code and one sentence, which begins with `where`.
 *
 * An unknown field is named before anything else that is wrong: the field that seems to be missing is often the one
 * that was misspelt.
 */
export function parseInput<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  code: ErrorCode,
  where = "",
): Result<v.InferOutput<S>> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return done(result.output);
  const unknown = findUnknownField(schema, input);
  const sentence =
    unknown === null
      ? describeIssues(result.issues)
      : `${shorten(unknown.path)}: ${unknownName(unknown.name, unknown.known)}`;
  return refused(refusal(code, toSentence(`${where}${sentence}`)));
}

/** With a full stop, unless it is a question. */
export function toSentence(text: string): string {
  return text.endsWith("?") ? text : `${text}.`;
}

/**
 * One sentence for a failed parse, without its full stop: where, and what was expected. It repeats little of the input.
 */
export function describeIssues(issues: readonly v.BaseIssue<unknown>[]): string {
  const [first] = issues;
  if (first === undefined) return "It is invalid";
  const path = v.getDotPath(first as v.BaseIssue<unknown>); // of whatever schema: the path is the same
  const fault = ownMessage(first) ?? describeFault(first);
  if (path !== null) return `${shorten(path)}: ${fault}`;
  return /^(?:must|is) /.test(fault) ? `It ${fault}` : fault;
}

/** The schema's own message; null if it has only Valibot's, which would repeat all of the input. */
function ownMessage({ message }: v.BaseIssue<unknown>): string | null {
  return message.startsWith("Invalid ") ? null : message;
}

function describeFault(issue: v.BaseIssue<unknown>): string {
  const { type, expected, received, input, requirement } = issue as v.BaseIssue<unknown> & {
    requirement?: unknown;
  };
  switch (type) {
    case "min_length":
      return `must have at least ${requirement} ${unitsOf(input, requirement)}`;
    case "max_length":
      return `must have at most ${requirement} ${unitsOf(input, requirement)}`;
    case "min_value":
      return `must be at least ${requirement}`;
    case "max_value":
      return `must be at most ${requirement}`;
    case "safe_integer":
      return "must be a whole number";
    case "iso_timestamp":
      return "must be a time in ISO 8601 with offset";
  }
  if (received === "undefined") return "is missing";
  if (expected === "never") return "is not known";
  const choices = expected?.match(/^\((.+)\)$/)?.[1]?.replaceAll(" | ", ", ");
  const wanted = choices === undefined ? (TYPES[expected ?? ""] ?? `${expected}`) : `one of ${choices}`;
  return `must be ${wanted}, not ${shorten(TYPES[received] ?? received)}`;
}

function unitsOf(input: unknown, count: unknown): string {
  const one = Array.isArray(input) ? "element" : "character";
  return count === 1 ? one : `${one}s`;
}

/** The beginning of a text, as far as a message repeats it. No character is cut in two. */
export function shorten(text: string): string {
  if (text.length <= MAX_ECHO_UNITS) return text;
  const isHalf = /[\uD800-\uDBFF]/.test(text.charAt(MAX_ECHO_UNITS - 1));
  return `${text.slice(0, isHalf ? MAX_ECHO_UNITS - 1 : MAX_ECHO_UNITS)}…`;
}
