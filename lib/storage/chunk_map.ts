/**
 * What is known of every chunk of a file that is being received.
 *
 * @module
 */

import { chunkCount, ChunkDigest, chunkLength } from "./chunk_digest.ts";
import { CHUNK_COUNT_MAX, CHUNK_SIZE, JOURNAL_SUMS_MAX } from "./limits.ts";
import type { ChunkRun, ChunkSums, HeldChunks } from "./storage.ts";

/** Was there when the transfer was resumed, and is still the same. */
const HELD = 1;

/** The map on the disk vouches for it: its data was synced. */
const VOUCHED = 2;

/**
 * The sums of chunks, and for each whether the map on the disk vouches for it
 * and whether it was there before this try.
 */
export class ChunkMap {
  /** The sums, in the form that the digest is made of. */
  readonly digest: ChunkDigest = new ChunkDigest();
  #flags = new Uint8Array(16);
  /** Noted since the last {@linkcode vouch}; some may be dropped meanwhile. */
  #unvouched: number[] = [];
  #held = 0;

  /** How many chunks were there before this try, and still are. */
  get held(): number {
    return this.#held;
  }

  /** The sum of a chunk, if it is known. */
  get(index: number): number | undefined {
    return this.digest.get(index);
  }

  /** Notes the sum of a chunk that was written; nothing vouches for it yet. */
  note(index: number, sum: number): void {
    this.digest.set(index, sum);
    this.#grow(index + 1);
    this.#clear(index);
    this.#unvouched.push(index);
  }

  /** All that was noted so far is vouched for. */
  vouch(): void {
    for (const index of this.#unvouched) {
      if (this.get(index) !== undefined) this.#flags[index]! |= VOUCHED;
    }
    this.#unvouched = [];
  }

  /** Whether the map on the disk vouches for a chunk. */
  isVouched(index: number): boolean {
    return ((this.#flags[index] ?? 0) & VOUCHED) !== 0;
  }

  /** Whether a chunk was there before this try, and is still the same. */
  isHeld(index: number): boolean {
    return ((this.#flags[index] ?? 0) & HELD) !== 0;
  }

  /** The map on the disk vouches no more for these chunks, whose sums stay. */
  doubt({ first, count }: ChunkRun): void {
    const end = Math.min(first + count, this.digest.top);
    for (let index = first; index < end; index++) {
      if (!this.isVouched(index)) continue;
      this.#flags[index]! &= ~VOUCHED;
      this.#unvouched.push(index);
    }
  }

  /** Forgets chunks. */
  drop({ first, count }: ChunkRun): void {
    const end = Math.min(first + count, this.digest.top);
    for (let index = first; index < end; index++) {
      this.digest.delete(index);
      this.#clear(index);
    }
  }

  /** What is known now is what was there before this try. */
  hold(): void {
    for (let index = 0; index < this.digest.top; index++) {
      if (this.get(index) !== undefined) this.#flags[index]! |= HELD;
    }
    this.#held = this.digest.count;
  }

  /** Bytes in the chunks that were there before, of a file of `size` bytes. */
  heldBytes(size: number): number {
    const last = chunkCount(size) - 1;
    const missing = this.isHeld(last)
      ? CHUNK_SIZE - chunkLength(last, size)
      : 0;
    return this.#held * CHUNK_SIZE - missing;
  }

  /** Bytes in all chunks that are known, of a file of `size` bytes. */
  bytes(size: number): number {
    const last = chunkCount(size) - 1;
    const missing = this.get(last) === undefined
      ? 0
      : CHUNK_SIZE - chunkLength(last, size);
    return this.digest.count * CHUNK_SIZE - missing;
  }

  /** Every chunk that is known and not vouched for, in order. */
  *doubtful(): Iterable<number> {
    for (let index = 0; index < this.digest.top; index++) {
      if (this.get(index) !== undefined && !this.isVouched(index)) yield index;
    }
  }

  /** The sums of the chunks that pass a test, neighbours together. */
  *sums(
    passes: (index: number) => boolean = () => true,
    from: number = 0,
    to: number = this.digest.top,
  ): Iterable<ChunkSums> {
    let first = 0;
    let sums: number[] = [];
    for (let index = from; index < to; index++) {
      const sum = this.get(index);
      const isIn = sum !== undefined && passes(index);
      if (sums.length > 0 && (!isIn || sums.length === JOURNAL_SUMS_MAX)) {
        yield { first, sums };
        sums = [];
      }
      if (!isIn) continue;
      if (sums.length === 0) first = index;
      sums.push(sum);
    }
    if (sums.length > 0) yield { first, sums };
  }

  /** The chunks that a file of `size` bytes has and that are not known. */
  *missing(size: number): Iterable<ChunkRun> {
    const end = Math.min(chunkCount(size), CHUNK_COUNT_MAX);
    let first = 0;
    let count = 0;
    for (let index = 0; index < end; index++) {
      if (this.get(index) === undefined) {
        if (count++ === 0) first = index;
      } else if (count > 0) {
        yield { first, count };
        count = 0;
      }
    }
    if (count > 0) yield { first, count };
  }

  #clear(index: number): void {
    if (this.isHeld(index)) this.#held--;
    this.#flags[index] = 0;
  }

  #grow(needed: number): void {
    let length = this.#flags.length;
    if (needed <= length) return;
    while (length < needed) length *= 2;
    const flags = new Uint8Array(length);
    flags.set(this.#flags);
    this.#flags = flags;
  }
}

/** What of a map is held, of a file that has `size()` bytes. */
export function heldChunks(chunks: ChunkMap, size: () => number): HeldChunks {
  return {
    get count() {
      return chunks.held;
    },
    get bytes() {
      return chunks.heldBytes(size());
    },
    sum: (index) => chunks.isHeld(index) ? chunks.get(index) : undefined,
    runs: () => chunks.sums((index) => chunks.isHeld(index)),
  };
}
