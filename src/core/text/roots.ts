export const ROOTS = { content: "content", metadata: "metadata", tags: "tags" } as const;
/** The types that a fragment's document is made of: a text, a map of single fields, a map with a key a tag. */
export type Root = keyof typeof ROOTS;

/** Yjs identifies clients by 53-bit numbers; the last one is our document's own idle id, and nobody's. */
export const IDLE_CLIENT_ID = Number.MAX_SAFE_INTEGER;

/** A text has no keys, and a map nothing but keys. */
export function rootNamed(name: string, hasKey: boolean): Root | null {
  if (name === ROOTS.content) return hasKey ? null : ROOTS.content;
  return (name === ROOTS.metadata || name === ROOTS.tags) && hasKey ? name : null;
}
