/**
 * The digest that costs almost nothing and needs no order.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { CHUNK_COUNT_MAX, CHUNK_SIZE } from "./limits.ts";

/** What the hash begins with, so that no other use of SHA-256 gives the same. */
const PREFIX = "ferry crc32-chunks 1\n";

/** Sums turned to network order at a time: 64 KiB of them. */
const BLOCK_SUMS = 16_384;

/** How many chunks a file of `size` bytes has. */
export function chunkCount(size: number): number {
  return Math.ceil(size / CHUNK_SIZE);
}

/** How many bytes chunk `index` of a file of `size` bytes has; 0 beyond its end. */
export function chunkLength(index: number, size: number): number {
  return Math.max(0, Math.min(CHUNK_SIZE, size - index * CHUNK_SIZE));
}

/** What is summed up of a file of one chunk: prefix, size, chunk size, the chunk's CRC-32. */
const SMALL = new Uint8Array(PREFIX.length + 16);
new TextEncoder().encodeInto(PREFIX, SMALL);
const SMALL_FIELDS = new DataView(SMALL.buffer, PREFIX.length);
SMALL_FIELDS.setUint32(8, CHUNK_SIZE);

/**
 * The same as {@linkcode ChunkDigest.value} for a file of at most one chunk,
 * for a fraction of the cost.
 *
 * @param size Bytes of the file.
 * @param checksum The CRC-32 of them; of no meaning for an empty file.
 */
export function smallDigest(size: number, checksum: number): string {
  SMALL_FIELDS.setBigUint64(0, BigInt(size));
  SMALL_FIELDS.setUint32(12, checksum);
  const bytes = size === 0 ? SMALL.subarray(0, -4) : SMALL;
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Collects the CRC-32 of every chunk of a file, in any order, and sums them up:
 * lower-case hexadecimal SHA-256 over the ASCII text `ferry crc32-chunks 1` and
 * a line feed, the size as 64-bit big-endian, the chunk size as 32-bit
 * big-endian, then every chunk's CRC-32 as 32-bit big-endian in order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const digest = new ChunkDigest();
 * digest.set(0, 0x3610a686); // the CRC-32 of "hello"
 * assertEquals(digest.value(5).length, 64);
 * ```
 */
export class ChunkDigest {
  #sums = new Uint32Array(16);
  #present = new Uint8Array(16);
  #count = 0;
  #top = 0;

  /** One more than the highest index that has a sum. */
  get top(): number {
    return this.#top;
  }

  /** How many chunks have a sum. */
  get count(): number {
    return this.#count;
  }

  /**
   * Notes the sum of a chunk; a later one replaces an earlier.
   *
   * @throws {RangeError} When there can be no such chunk.
   */
  set(index: number, checksum: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= CHUNK_COUNT_MAX) {
      throw new RangeError(`Cannot note a chunk: ${index} is out of range`);
    }
    if (index >= this.#sums.length) this.#grow(index + 1);
    if (this.#present[index] === 0) this.#count++;
    this.#present[index] = 1;
    this.#sums[index] = checksum;
    this.#top = Math.max(this.#top, index + 1);
  }

  /** Forgets the sum of a chunk; {@linkcode top} stays. */
  delete(index: number): void {
    if (this.#present[index] !== 1) return;
    this.#present[index] = 0;
    this.#count--;
  }

  /** The sum of a chunk, if it was noted. */
  get(index: number): number | undefined {
    return this.#present[index] === 1 ? this.#sums[index] : undefined;
  }

  /**
   * The digest of a file of `size` bytes, all of whose chunks are noted.
   *
   * @throws {RangeError} When one is missing or there are too many.
   */
  value(size: number): string {
    const count = chunkCount(size);
    if (this.#count !== count || this.#present.subarray(0, count).includes(0)) {
      throw new RangeError(
        `Cannot sum up a file of ${count} chunks: ${this.#count} are noted`,
      );
    }
    const hash = createHash("sha256");
    const head = new DataView(new ArrayBuffer(12));
    head.setBigUint64(0, BigInt(size));
    head.setUint32(8, CHUNK_SIZE);
    hash.update(PREFIX).update(new Uint8Array(head.buffer));
    const room = 4 * Math.min(count, BLOCK_SUMS);
    const block = new DataView(new ArrayBuffer(room));
    for (let start = 0; start < count; start += BLOCK_SUMS) {
      const sums = this.#sums.subarray(
        start,
        Math.min(count, start + BLOCK_SUMS),
      );
      sums.forEach((sum, at) => block.setUint32(4 * at, sum));
      hash.update(new Uint8Array(block.buffer, 0, 4 * sums.length));
    }
    return hash.digest("hex");
  }

  #grow(needed: number): void {
    let length = this.#sums.length;
    while (length < needed) length *= 2;
    const sums = new Uint32Array(length);
    sums.set(this.#sums);
    this.#sums = sums;
    const present = new Uint8Array(length);
    present.set(this.#present);
    this.#present = present;
  }
}
