/** CRC-32 (IEEE 802.3). It detects damaged rows, not malice. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export function checksum(bytes: Uint8Array): number {
  let crc = -1;
  // By index: rows of a megabyte are summed before the code is optimised, and an iterator takes ten times as long then.
  for (let at = 0; at < bytes.length; at++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  }
  return (crc ^ -1) >>> 0;
}
