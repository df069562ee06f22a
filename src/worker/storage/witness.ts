const KEY = "catalogue";

/**
 * Whether this is the first catalogue that the witness hears of; it remembers the first for ever. Asked again by the
 * same catalogue, it gives the same answer.
 */
export function isFirstCatalogue(storage: DurableObjectStorage, catalogue: string): boolean {
  const first = storage.kv.get<string>(KEY);
  if (first === undefined) storage.kv.put(KEY, catalogue);
  return (first ?? catalogue) === catalogue;
}
