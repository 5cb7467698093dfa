/**
 * Copies of what came in small pieces, to be kept for a while.
 *
 * @module
 */

/** Bytes of a block: 256 KiB, so that a few are enough for a group of small files. */
const BLOCK_SIZE = 262_144;

/** A piece of more than this has a buffer of its own: little of a block is wasted. */
const PIECE_SIZE_MAX = BLOCK_SIZE / 8;

/**
 * Copies bytes into blocks that many pieces share. A block is free once none of
 * its pieces is held; ten thousand buffers of a few KiB each would keep the
 * garbage collector busy.
 */
export class KeptBytes {
  #block = new Uint8Array(0);
  #used = 0;

  /** A copy of `bytes`, as long as anybody wants it. */
  keep(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const { length } = bytes;
    if (length > PIECE_SIZE_MAX) return new Uint8Array(bytes);
    if (this.#used + length > this.#block.length) {
      this.#block = new Uint8Array(BLOCK_SIZE);
      this.#used = 0;
    }
    const kept = this.#block.subarray(this.#used, this.#used + length);
    kept.set(bytes);
    this.#used += length;
    return kept;
  }
}
