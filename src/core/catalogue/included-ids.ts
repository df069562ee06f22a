import { type FragmentId, parseFragmentId } from "../../language/fragment-id.ts";
import { scanInclusions } from "../../language/inclusion.ts";

/** The distinct fragments that a text includes, sorted; names that are no ids are none. */
export function includedIds(text: string): FragmentId[] {
  const ids = new Set<FragmentId>();
  for (const { name } of scanInclusions(text)) {
    const parsed = parseFragmentId(name);
    if (parsed.ok) ids.add(parsed.id);
  }
  return [...ids].sort();
}
