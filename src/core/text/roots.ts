/** The root types of a fragment's document: a text, a map of single fields, and a map with one key for each tag. */
export const ROOTS = { content: "content", metadata: "metadata", tags: "tags" } as const;
export type Root = keyof typeof ROOTS;

/** Yjs identifies clients by 53-bit numbers. The largest is our document's own id while it only reads; no peer has it. */
export const IDLE_CLIENT_ID = Number.MAX_SAFE_INTEGER;

/** The root of this name; null if there is none. Items of a text have no key, and items of a map all have one. */
export function rootNamed(name: string, hasKey: boolean): Root | null {
  if (name === ROOTS.content) return hasKey ? null : ROOTS.content;
  return (name === ROOTS.metadata || name === ROOTS.tags) && hasKey ? name : null;
}
