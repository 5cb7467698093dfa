/**
 * In which order the chunks of a file are taken, and by whom.
 *
 * @module
 */

import { chunkCount, type ChunkDigest } from "../storage/mod.ts";

/** One sequence that several loops take from; none of them ends it for the others. */
export function share<T>(items: Iterable<T>): Iterable<T> {
  const iterator = items[Symbol.iterator]();
  return { [Symbol.iterator]: () => ({ next: () => iterator.next() }) };
}

/** A sequence that ends, before anything is taken from it, when `isOver` says so. */
export function until<T>(
  iterator: Iterator<T>,
  isOver: () => boolean,
): Iterable<T> {
  const next = (): IteratorResult<T> =>
    isOver() ? { done: true, value: undefined } : iterator.next();
  return { [Symbol.iterator]: () => ({ next }) };
}

/** The chunks of a file of `size` bytes of which no sum is known. */
export function* lacking(sums: ChunkDigest, size: number): Iterable<number> {
  for (const index of countFrom(0, size)) {
    if (sums.get(index) === undefined) yield index;
  }
}

/** The chunks of a file of `size` bytes; without it, all there can be. */
export function* countFrom(
  first: number,
  size: number | undefined,
): Iterable<number> {
  const end = size === undefined ? Infinity : chunkCount(size);
  for (let index = first; index < end; index++) yield index;
}
