/**
 * Sizes in UTF-8, the unit of every byte limit.
 *
 * This folder compiles without DOM types, so it has no TextEncoder. Counting also saves the copy that encoding makes.
 */

/**
 * Returns the number of bytes that `text` takes in UTF-8.
 *
 * A lone surrogate counts 3 bytes, as an encoder writes U+FFFD in its place. Linear, a few milliseconds for 1 MiB.
 */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      bytes += 1;
    } else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) {
      // Two code units make four bytes; both units are already counted once.
      bytes += 2;
      index++;
    } else {
      bytes += 2;
    }
  }
  return bytes;
}

/** The first half of a surrogate pair. */
export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** The second half. False for NaN, which charCodeAt gives after the end. */
export function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
