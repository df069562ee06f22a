import * as v from "valibot";
import type { Expansion } from "../language/expansion.ts";
import {
  describeAsBefore,
  describeWarning,
  type ExpansionWarning,
  WARNING_CODES,
} from "../language/expansion-warning.ts";
import type { EncodedSourceMap } from "../language/source-map.ts";
import { type Refusal, type Refused, refusal } from "./errors.ts";
import { listOf, textFault } from "./fragment.ts";
import { shorten } from "./issues.ts";
import { MAX_SHOWN_WARNINGS, MAX_VARIABLES } from "./limits.ts";

/** How an expansion is asked for and shown, over REST and on the sockets. */

const UNRESOLVED = ["keep", "marker", "empty", "error"] as const;
export type UnresolvedChoice = (typeof UNRESOLVED)[number];

/** What may be in the place of an inclusion; on `/v1` it is kept if a request does not say. */
export const DEFAULT_UNRESOLVED: UnresolvedChoice = "keep";

const unresolved = v.nullish(
  v.pipe(
    v.picklist(UNRESOLVED),
    v.description(
      "What stands for an inclusion that cannot be resolved: the inclusion as it was written (`keep`, the default), nothing (`empty`), or the old system's notice (`marker`; the texts are then read by the old system's grammar). `error` refuses the expansion with 422.",
    ),
  ),
);

/** Not a record of Valibot, which would drop a variable named `constructor`. */
const values = v.custom<Record<string, string>>(
  (input) =>
    typeof input === "object" &&
    input !== null &&
    !Array.isArray(input) &&
    Object.values(input).every((value) => typeof value === "string"),
  "must be an object of strings",
);

/** The values of variables by name, as a body, a frame or an address has them; a Map, because `__proto__` may be a name. */
export const VariablesSchema = v.pipe(
  values,
  v.transform((given): ReadonlyMap<string, string> => new Map(Object.entries(given))),
  v.check(({ size }) => size <= MAX_VARIABLES, `must have at most ${MAX_VARIABLES} values`),
  v.check(
    (given) => [...given.values()].every((value) => textFault(value) === null),
    "must not have NUL (U+0000) or lone surrogates in a value",
  ),
  v.description("The values of variables by name: `city` fills `{{city}}` and `{{ city }}`."),
);

/** The fields of a body or frame that say how to expand. */
export const expansionEntries = {
  unresolved,
  variables: v.nullish(VariablesSchema),
  map: v.nullish(v.pipe(v.boolean(), v.description("Answer with the source map, too."))),
};

/** The parameters of GET /v1/expansions/{id}, besides the variables. */
export const ExpansionQuerySchema = v.object({
  unresolved,
  map: v.nullish(v.pipe(v.picklist(["0", "1"]), v.description("`1`: answer with the source map, too."))),
});

export interface ExpandOptions {
  readonly unresolved: UnresolvedChoice;
  readonly variables: ReadonlyMap<string, string>;
  readonly wantsMap: boolean;
  /** One `.md` at the end of a name never belongs to the name. */
  readonly dropsExtension: boolean;
}

/** The expansion of the old paths: the old system's grammar, notices and names. */
export const AS_BEFORE: ExpandOptions = {
  unresolved: "marker",
  variables: new Map(),
  wantsMap: false,
  dropsExtension: true,
};

/** The options in a body or frame of `/v1`. */
export function expandOptions(
  given: v.InferOutput<v.ObjectSchema<typeof expansionEntries, undefined>>,
): ExpandOptions {
  return {
    unresolved: given.unresolved ?? DEFAULT_UNRESOLVED,
    variables: given.variables ?? new Map(),
    wantsMap: given.map ?? false,
    dropsExtension: false,
  };
}

const fragmentName = v.nullable(
  v.pipe(v.string(), v.description("Null: the content that was given, without an id.")),
);

export const WarningSchema = v.object({
  code: v.pipe(
    v.picklist([...WARNING_CODES, "more_warnings"]),
    v.description("The kind; `more_warnings` says how many are not listed."),
  ),
  message: v.pipe(v.string(), v.description("A sentence for people.")),
  fragment: v.pipe(fragmentName, v.description("The fragment in whose text the inclusion stands.")),
  range: v.pipe(
    v.object({ from: v.number(), to: v.number() }),
    v.description("Its place there, in UTF-16 code units."),
  ),
  chain: v.pipe(listOf(v.string()), v.description("The inclusions that led there, outermost first.")),
});

type ShownWarning = v.InferOutput<typeof WarningSchema>;

const SourceMapSchema = v.object({
  sources: v.pipe(
    listOf(v.object({ id: fragmentName, version: v.nullable(v.number()) })),
    v.description("The fragments. The version of a text that is not stored is null."),
  ),
  spans: v.pipe(
    listOf(listOf(v.number())),
    v.description(
      "`[length, source, from]` for a part that stands so in the source, `[length, source, from, written]` for one that stands in place of `written` units of it. In order, they cover the expanded text.",
    ),
  ),
});

/** The answer of both addresses of expansion. */
export const ExpansionSchema = v.object({
  expanded: v.string(),
  dependencies: v.pipe(listOf(v.string()), v.description("The fragments included, each once.")),
  warnings: v.pipe(listOf(WarningSchema), v.description("In the order of their causes, with repeats.")),
  variables: v.object({
    filled: v.pipe(listOf(v.string()), v.description("The variables that got a value.")),
    left: v.pipe(listOf(v.string()), v.description("Those without a value, which stay as written.")),
  }),
  map: v.optional(v.pipe(SourceMapSchema, v.description("With `map`: where each part was written."))),
});
export type ShownExpansion = v.InferOutput<typeof ExpansionSchema>;

/**
 * The warnings with the beginnings of their names only: a name can be as long as a text, and stand in a thousand of them.
 * In the old grammar the whole names stand in the text, too, whose limit bounds them.
 */
export function shortenNames(
  warnings: readonly ExpansionWarning[],
  choice: UnresolvedChoice,
): readonly ExpansionWarning[] {
  if (choice === "marker") return warnings;
  return warnings.map((warning) => ({ ...warning, subject: shorten(warning.subject) }));
}

/** An expansion as `/v1` shows it, when this was asked for. */
export function showExpansion(
  { expanded, dependencies, warnings, variables, map }: ExpandedText,
  choice: UnresolvedChoice,
): ShownExpansion {
  const shown = { expanded, dependencies, warnings: showWarnings(warnings, choice), variables };
  return map === null ? shown : { ...shown, map };
}

/** The first ones; behind them, a last one says how many more there are. */
export function showWarnings(
  warnings: readonly ExpansionWarning[],
  choice: UnresolvedChoice,
): ShownWarning[] {
  const describe = choice === "marker" ? describeAsBefore : describeWarning;
  const shown = warnings
    .slice(0, MAX_SHOWN_WARNINGS)
    .map((warning) => showWarning(warning, warning.code, describe(warning)));
  const next = warnings[MAX_SHOWN_WARNINGS];
  if (next === undefined) return shown;
  const message = countMore(warnings.length - MAX_SHOWN_WARNINGS);
  return [...shown, showWarning(next, "more_warnings", message)];
}

function showWarning(
  { fragment, range, chain }: ExpansionWarning,
  code: ShownWarning["code"],
  message: string,
): ShownWarning {
  return { code, message, fragment, range, chain };
}

function countMore(more: number): string {
  return more === 1 ? "There is 1 more warning." : `There are ${more} more warnings.`;
}

/** An expansion as the old paths show it. */
export function showAsBefore({ expanded, dependencies, warnings }: ExpandedText) {
  return { expanded, dependencies, warnings: warnings.map(describeAsBefore) };
}

/** The parts of an expansion that are shown. */
export interface ExpandedText
  extends Pick<Expansion, "expanded" | "dependencies" | "warnings" | "variables"> {
  /** Null unless it was asked for. */
  readonly map: EncodedSourceMap | null;
}

/** A refusal for what could not be resolved has all of the warnings. */
export type ExpansionResult<T> =
  | { readonly ok: true; readonly value: T }
  | (Refused & { readonly warnings?: readonly ExpansionWarning[] });

/** Why an expansion that had to be resolved whole is refused; null if it is not. */
export function unresolvedFault(
  { unresolved: choice }: Pick<ExpandOptions, "unresolved">,
  warnings: readonly ExpansionWarning[],
): Refusal | null {
  const [first] = warnings;
  if (choice !== "error" || first === undefined) return null;
  const more = warnings.length > 1 ? ` ${countMore(warnings.length - 1)}` : "";
  return refusal("unresolved_inclusions", `${describeWarning(first)}${more}`);
}
