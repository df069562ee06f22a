/**
 * What all commands of package.json do alike with their command lines: `--help` prints the usage and exits with 0; one
 * that is wrong is answered with a sentence and the usage on standard error, and exits with 2 before anything else is
 * done.
 *
 * `parseArgs` of Node reads the words. What they mean, and how many are too many, is each command's own.
 */
import { parseArgs } from "node:util";
import { whenOutputCloses } from "./closed-output.ts";
import { grouped } from "./quantity.ts";

export interface Command<Settings> {
  /** As it is typed: `npm run load`. */
  readonly name: string;
  /** Begins with `Usage: `, and names every option. */
  readonly usage: string;
  /** Throws a `UsageError`, or what `parseArgs` throws. */
  readonly parse: (args: string[]) => Settings;
  /**
   * What the run throws says by its message all that a person can do about it: shown without a stack, with exit code 1.
   * Absent: it is thrown on, for those who develop the command are the ones who use it.
   */
  readonly tellsFailures?: true;
}

export type CommandLine<Settings> =
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "wrong"; readonly text: string };

/** What the person at the terminal can mend by typing something else. */
export class UsageError extends Error {}

/** Runs the command that this process was started as. What `run` resolves to is the exit code. */
export async function runCommand<Settings>(
  command: Command<Settings>,
  run: (settings: Settings) => Promise<number>,
): Promise<void> {
  const line = readCommandLine(command, process.argv.slice(2));
  whenOutputCloses(() => undefined); // who has read enough does not stop the work
  switch (line.kind) {
    case "help":
      process.stdout.write(line.text);
      return;
    case "wrong":
      process.stderr.write(line.text);
      process.exitCode = 2;
      return;
    case "settings":
      process.exitCode = await run(line.settings).catch((error: unknown) => tellFailure(command, error));
      return;
    default:
      line satisfies never;
  }
}

/** @param args without Node's path and the script's */
export function readCommandLine<Settings>(
  { name, usage, parse }: Command<Settings>,
  args: readonly string[],
): CommandLine<Settings> {
  if (asksForHelp(args)) return { kind: "help", text: `${usage}\n` };
  try {
    return { kind: "settings", settings: parse([...args]) };
  } catch (error) {
    if (!isFaultOfArguments(error)) throw error;
    return { kind: "wrong", text: `${name}: ${error.message}\n\n${usage}\n` };
  }
}

/** From `least` to `most`, both among them, in decimals. Throws a `UsageError`. */
export function parseNumber(option: string, text: string, least: number, most: number): number {
  return parseWithin(option, text, least, most, /^\d*\.?\d+$/, "a number");
}

/** From `least` to `most`, both among them. Throws a `UsageError`. */
export function parseWhole(option: string, text: string, least: number, most: number): number {
  return parseWithin(option, text, least, most, /^\d+$/, "a whole number");
}

function parseWithin(
  option: string,
  text: string,
  least: number,
  most: number,
  form: RegExp,
  what: string,
): number {
  const number = form.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= most))
    throw new UsageError(`--${option} ${text}: must be ${what} from ${grouped(least)} to ${grouped(most)}.`);
  return number;
}

function tellFailure({ name, tellsFailures }: Command<unknown>, error: unknown): number {
  if (!tellsFailures) throw error;
  console.error(`${name}: ${error instanceof Error ? error.message : error}`);
  return 1;
}

/** Whatever else stands there, right or wrong. */
function asksForHelp(args: readonly string[]): boolean {
  const options = { help: { type: "boolean", short: "h" } } as const;
  return parseArgs({ args: [...args], options, strict: false }).values.help === true;
}

function isFaultOfArguments(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof Error && "code" in error && /^ERR_PARSE_ARGS_/.test(String(error.code));
}
