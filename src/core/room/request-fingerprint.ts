import { digest } from "lib0/hash/sha256";
import { encodeUtf8 } from "lib0/string";
import type { ClientFrame } from "../../protocol/json-frames.ts";

/** 128 bits: no two different requests share a fingerprint by chance. */
const FINGERPRINT_BYTES = 16;

/** A digest of all that a frame asks for. It tells a repetition from another request under the same id. */
export function fingerprintOf({ request_id: _, ...asked }: ClientFrame): string {
  // The decoder has put the fields in the order of their schema. Null and absent fields mean the same.
  const text = JSON.stringify(asked, (_key, value: unknown) => (value === null ? undefined : value));
  const bytes = digest(encodeUtf8(text)).subarray(0, FINGERPRINT_BYTES);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
