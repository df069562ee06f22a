import { EXPANSION_BUDGETS } from "../../language/expansion.ts";
import { type FragmentId, parseFragmentId } from "../../language/fragment-id.ts";
import { dropExtension, namesMeant, scanInclusions } from "../../language/inclusion.ts";

/**
 * The distinct fragments that a text may include, sorted: `[[a.md]]` may mean `a.md` and `a`. Names that are no ids do
 * not count. Each id is a row in the catalogue, so only the first are taken, as many as an expansion can hold.
 */
export function includedIds(text: string): FragmentId[] {
  const ids = new Set<FragmentId>();
  for (const { name } of scanInclusions(text)) {
    for (const meant of namesMeant(name)) {
      const parsed = parseFragmentId(meant);
      if (parsed.ok && ids.size < EXPANSION_BUDGETS.fragments) ids.add(parsed.id);
    }
  }
  return [...ids].sort();
}

/** How many fragments these are: an inclusion of `a.md` gets one of the two that it may mean. */
export function countIncluded(ids: readonly string[]): number {
  const all = new Set(ids);
  return ids.filter((id) => dropExtension(id) === id || !all.has(dropExtension(id))).length;
}
