import { EXPANSION_BUDGETS } from "../../language/expansion.ts";
import { type FragmentId, parseFragmentId } from "../../language/fragment-id.ts";
import { scanInclusions } from "../../language/inclusion.ts";

/**
 * The distinct fragments that a text includes, sorted; names that are no ids do not count. Each is a row in the catalogue,
 * so only the first are taken, as many as an expansion can hold.
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
