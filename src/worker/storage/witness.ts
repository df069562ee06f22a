const KEY = "catalogue";

/**
 * Whether this is the first catalogue that the witness has heard of. It remembers the first one for ever, so that the
 * same catalogue always gets the same answer.
 */
export function isFirstCatalogue(storage: DurableObjectStorage, catalogue: string): boolean {
  const first = storage.kv.get<string>(KEY);
  if (first === undefined) storage.kv.put(KEY, catalogue);
  return (first ?? catalogue) === catalogue;
}
