/**
 * Chance that can be repeated: the same seed gives the same run, on every
 * machine. Not for secrets.
 *
 * @module
 */
import type { Random } from "../../lib/platform/mod.ts";

/** A source of chance that gives the same for the same seed (mulberry32). */
export class SeededRandom implements Random {
  /** What to print, so that a failure can be repeated. */
  readonly seed: number;
  #state: number;

  /** @param seed Any integer of 32 bits. */
  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** The next 32 bits. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from 0 up to, not including, `end`; at most 2^32 of them. */
  below(end: number): number {
    return this.u32() % end;
  }

  /** A whole number from `min` to `max`, both included; at most 2^32 of them. */
  integer(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** A number from 0 up to, not including, 1. */
  unit(): number {
    return this.u32() / 2 ** 32;
  }

  /** `true` with the given probability. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** One of several things. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Cannot pick: no items");
    return items[this.below(items.length)]!;
  }

  /** A size: one time in ten the least, one in ten the most, else any between. */
  size(min: number, max: number): number {
    const kind = this.below(10);
    return kind === 0 ? min : kind === 1 ? max : this.integer(min, max);
  }

  /** Random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let at = 0; at < words.length; at++) words[at] = this.u32();
    return new Uint8Array(words.buffer).subarray(0, length);
  }
}
