/**
 * Rows over 2 MB are refused in production, although the local runtime takes more (November 2026). Larger values are
 * cut.
 */
export const MAX_ROW_BYTES = 1_900_000;

/** At least one chunk, the last of them the shortest. The chunks are views. */
export function cut(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += MAX_ROW_BYTES) {
    chunks.push(bytes.subarray(at, at + MAX_ROW_BYTES));
  }
  return chunks;
}

export function join(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** A buffer of exactly these bytes, which SQLite stores as a BLOB. */
export function toBlob(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer;
}
