import { type FragmentId, parseFragmentId } from "./fragment-id.ts";
import { namesMeant, scanMarkers } from "./inclusion.ts";
import { parseReference } from "./reference.ts";

/**
 * Lists the fragments that a text may include by the grammar of `/v1`, from left to right, with repeats, lazily:
 * `[[a.md]]` may mean `a.md` and `a`. Names that are no ids do not count, nor do markers behind a backslash.
 */
export function* scanIncludedIds(text: string): Generator<FragmentId, void, undefined> {
  for (const marker of scanMarkers(text)) {
    if (marker.backslashes % 2 === 1) continue;
    for (const name of namesMeant(parseReference(marker.name).name)) {
      const parsed = parseFragmentId(name);
      if (parsed.ok) yield parsed.id;
    }
  }
}
