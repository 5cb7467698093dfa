/**
 * Sizes of 64 bits in network order.
 *
 * @module
 */

/**
 * Reads a size. Beyond 2^53, where no file is, it is only about right.
 *
 * @param bytes Where it stands.
 * @param offset Where in there.
 */
export function readU64(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8);
  return Number(view.getBigUint64(0));
}

/**
 * Writes a size.
 *
 * @param bytes Where to.
 * @param offset Where in there.
 * @param size The size, at most 2^53.
 */
export function writeU64(
  bytes: Uint8Array,
  offset: number,
  size: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8);
  view.setBigUint64(0, BigInt(size));
}
