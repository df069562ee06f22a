/**
 * The command line of every command in package.json. `--help` prints the usage and exits with 0. A wrong command line
 * gets a sentence and the usage on standard error, and exits with 2 before anything else is done.
 *
 * Node's `parseArgs` reads the words. Each command knows their meaning and limits.
 */
import { parseArgs } from "node:util";
import { whenOutputCloses } from "./closed-output.ts";

export interface Command<Settings> {
  /** As the user types it: `npm run load`. */
  readonly name: string;
  /** Begins with `Usage: `, and names every option. */
  readonly usage: string;
  /** Throws a `UsageError`, or what `parseArgs` throws. */
  readonly parse: (args: string[]) => Settings;
  /**
   * Errors of the run have messages for users: they are shown without a stack, with exit code 1. Absent: errors are
   * rethrown with their stacks, because only developers use the command.
   */
  readonly tellsFailures?: true;
}

export type CommandLine<Settings> =
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "wrong"; readonly text: string };

/** A mistake that the user can correct by typing something else. */
export class UsageError extends Error {}

/** Runs the command of this process. `run` resolves to the exit code. */
export async function runCommand<Settings>(
  command: Command<Settings>,
  run: (settings: Settings) => Promise<number>,
): Promise<void> {
  const line = readCommandLine(command, process.argv.slice(2));
  whenOutputCloses(() => undefined); // the work goes on without a reader
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

/** @param args without the paths of Node and of the script */
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

function tellFailure({ name, tellsFailures }: Command<unknown>, error: unknown): number {
  if (!tellsFailures) throw error;
  console.error(`${name}: ${error instanceof Error ? error.message : error}`);
  return 1;
}

/** Also true when the rest of the command line is wrong. */
function asksForHelp(args: readonly string[]): boolean {
  const options = { help: { type: "boolean", short: "h" } } as const;
  return parseArgs({ args: [...args], options, strict: false }).values.help === true;
}

function isFaultOfArguments(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof Error && "code" in error && /^ERR_PARSE_ARGS_/.test(String(error.code));
}
