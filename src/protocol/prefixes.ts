import * as v from "valibot";
import { parseFragmentId } from "../language/fragment-id.ts";
import { MAX_PREFIXES, MAX_PREFIXES_UNITS } from "./limits.ts";

/** Ends a prefix that is a whole id. No id contains it. */
const END = "$";

/** The rule in words, for error answers. */
const PREFIX_RULE =
  'must be the beginning of fragment ids, such as "team/", or one id with "$" at its end, such as "team/greeting$"';

/** The canonical form, in which it can be compared with ids; null if no id begins so. */
export function parsePrefix(text: string): string | null {
  if (text.endsWith(END)) {
    const parsed = parseFragmentId(text.slice(0, -END.length));
    return parsed.ok ? `${parsed.id}${END}` : null;
  }
  if (text === "") return null;
  const parsed = parseFragmentId(`${text}_`); // a character that may follow any other
  return parsed.ok ? parsed.id.slice(0, -1) : null;
}

/** The prefixes that a right is given, in their canonical form. Null: all fragments. */
export const GivenPrefixesSchema = v.pipe(
  v.nullable(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.check((text) => parsePrefix(text) !== null, PREFIX_RULE),
          v.transform((text) => parsePrefix(text) ?? text),
        ),
      ),
      v.minLength(1, "must not be empty; null stands for all fragments"),
      v.maxLength(MAX_PREFIXES, `must be at most ${MAX_PREFIXES} prefixes`),
      v.check(
        (prefixes) => prefixes.join("").length <= MAX_PREFIXES_UNITS,
        `must have at most ${MAX_PREFIXES_UNITS} characters in all`,
      ),
    ),
  ),
  v.description(
    "Beginnings of ids: the right holds for these fragments only. One that ends with `$` is one whole id. Null: all fragments.",
  ),
);

/** The same in an answer. */
export const PrefixesSchema = v.pipe(
  v.nullable(v.pipe(v.array(v.string()), v.readonly())),
  v.description("Beginnings of ids, or whole ids with a `$` at the end. Null: all fragments."),
);

/** The prefix that holds for one fragment only. */
export function prefixOf(id: string): string {
  return `${id}${END}`;
}
