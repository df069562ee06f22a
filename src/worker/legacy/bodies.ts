import * as v from "valibot";
import { metadataEntries } from "../../protocol/fragment.ts";

/**
 * The bodies of the old system's requests. Other fields, such as `directory`, are ignored, as the old system did. Null means
 * absent.
 */

/** POST /api/prompts */
export const OldCreateSchema = v.object({
  id: v.string(),
  content: v.nullish(v.string(), ""),
  ...metadataEntries,
});

/** PUT /api/prompts/{id}: absent fields stay. */
export const OldUpdateSchema = v.object({ content: v.nullish(v.string()), ...metadataEntries });

/** POST /api/prompts/expand: a text and the id of its fragment, or a stored fragment by its id. */
export const OldExpandSchema = v.object({
  content: v.nullish(v.string()),
  prompt_id: v.nullish(v.string()),
});
