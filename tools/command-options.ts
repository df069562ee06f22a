/**
 * The options of a command, each with its kind, its default and its limits:
 *
 *     const { rounds, broken } = parseOptions(args, { rounds: whole(20, 1, 10_000), broken: flag() });
 *
 * An option that is not given has its default, or null if it has none. Node's `parseArgs` splits the command line.
 */
import { parseArgs } from "node:util";
import { UsageError } from "./command-line.ts";
import { grouped } from "./quantity.ts";

export interface Option<Value> {
  readonly type: "string" | "boolean";
  readonly multiple?: true;
  /** Converts the given value, which is undefined if the option was not given. Throws a `UsageError`. */
  readonly read: (name: string, given: Given | undefined) => Value;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of these options, by their names. */
export type ValuesOf<All extends Options> = {
  readonly [Name in keyof All]: All[Name] extends Option<infer Value> ? Value : never;
};

/** The form in which `parseArgs` gives a value. */
type Given = string | boolean | readonly (string | boolean)[];

/** Throws a `UsageError`, or an error of `parseArgs`, for anything that the options do not allow. */
export function parseOptions<All extends Options>(args: readonly string[], options: All): ValuesOf<All> {
  const kinds = Object.entries(options).map(([name, { type, multiple = false }]) => [
    name,
    { type, multiple },
  ]);
  const { values } = parseArgs({ args: [...args], options: Object.fromEntries(kinds) });
  const given: Readonly<Record<string, Given | undefined>> = values;
  const read = Object.entries(options).map(([name, option]) => [name, option.read(name, given[name])]);
  return Object.fromEntries(read) as ValuesOf<All>; // each option has read the value of its own name
}

/** True if it is given. */
export function flag(): Option<boolean> {
  return { type: "boolean", read: (_, given) => given === true };
}

/** A text that is not empty. */
export function text(): Option<string | null>;
export function text(otherwise: string): Option<string>;
export function text(otherwise: string | null = null): Option<string | null> {
  return {
    type: "string",
    read: (name, given) => {
      if (given === "") throw new UsageError(`--${name} must not be empty.`);
      return typeof given === "string" ? given : otherwise;
    },
  };
}

/** A text that is parsed. `parse` gets the default too, and throws a `UsageError`. */
export function parsed<Value>(otherwise: string, parse: (text: string) => Value): Option<Value> {
  return { type: "string", read: (_, given) => parse(typeof given === "string" ? given : otherwise) };
}

/** An option that may be given several times. */
export function texts(): Option<readonly string[]> {
  return {
    type: "string",
    multiple: true,
    read: (_, given) => (Array.isArray(given) ? given.filter((one) => typeof one === "string") : []),
  };
}

/** A whole number from `least` to `most`, inclusive. */
export function whole(otherwise: number, least: number, most: number): Option<number>;
export function whole(otherwise: null, least: number, most: number): Option<number | null>;
export function whole(otherwise: number | null, least: number, most: number): Option<number | null> {
  return within(otherwise, least, most, { form: /^\d+$/, what: "a whole number" });
}

/** A decimal number from `least` to `most`, inclusive. */
export function decimal(otherwise: number, least: number, most: number): Option<number>;
export function decimal(otherwise: number | null, least: number, most: number): Option<number | null> {
  return within(otherwise, least, most, { form: /^\d*\.?\d+$/, what: "a number" });
}

interface NumberKind {
  readonly form: RegExp;
  /** In words, for the message. */
  readonly what: string;
}

function within(
  otherwise: number | null,
  least: number,
  most: number,
  { form, what }: NumberKind,
): Option<number | null> {
  return {
    type: "string",
    read: (name, given) => {
      if (typeof given !== "string") return otherwise;
      const number = form.test(given) ? Number(given) : Number.NaN;
      if (number >= least && number <= most) return number;
      throw new UsageError(`--${name} ${given}: must be ${what} from ${grouped(least)} to ${grouped(most)}.`);
    },
  };
}
