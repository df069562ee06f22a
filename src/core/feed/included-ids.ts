import { EXPANSION_BUDGETS } from "../../language/expansion.ts";
import { type FragmentId, parseFragmentId } from "../../language/fragment-id.ts";
import { scanInclusions } from "../../language/inclusion.ts";

/**
 * The distinct fragments that a text includes, sorted; names that are no ids are none. At most as many as an expansion
 * can hold, the first of them: each is a row in the catalogue.
 */
export function includedIds(text: string): FragmentId[] {
  const ids = new Set<FragmentId>();
  for (const { name } of scanInclusions(text)) {
    if (ids.size === EXPANSION_BUDGETS.fragments) break;
    const parsed = parseFragmentId(name);
    if (parsed.ok) ids.add(parsed.id);
  }
  return [...ids].sort();
}
