/**
 * Chance without a state: what is drawn depends on the seed and on what it is
 * drawn for, never on when or in which order. So the faults of one connection
 * are the same however the bytes arrive and whatever other connections do.
 *
 * @module
 */

/** What is drawn for; each has its own chance. */
export const DRAW = {
  flipPosition: 1,
  flipBit: 2,
  reset: 3,
  close: 4,
  silence: 5,
  stammer: 6,
} as const;

/** Multipliers of murmur3 (Appleby, public domain). */
const KEY_FACTOR = 0xcc9e2d51;
const STATE_FACTOR = 0x1b873593;

function absorb(state: number, word: number): number {
  let key = Math.imul(word, KEY_FACTOR);
  key = Math.imul((key << 15) | (key >>> 17), STATE_FACTOR);
  const mixed = state ^ key;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(state: number): number {
  let mixed = state;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * Draws a number from 0 up to, not including, 1, with 53 random bits.
 *
 * @param seed The seed of the whole run.
 * @param keys What it is drawn for: whole numbers, not negative.
 * @example The same for the same keys
 * ```ts
 * import { assertEquals, assertNotEquals } from "@std/assert";
 *
 * assertEquals(draw(1, 2, 3), draw(1, 2, 3));
 * assertNotEquals(draw(1, 2, 3), draw(1, 3, 2));
 * ```
 */
export function draw(seed: number, ...keys: readonly number[]): number {
  let state = absorb(0, seed | 0);
  for (const key of keys) {
    state = absorb(state, key | 0);
    state = absorb(state, Math.floor(key / 2 ** 32));
  }
  const high = finish(state) >>> 5;
  const low = finish(absorb(state, 1)) >>> 6;
  return (high * 2 ** 26 + low) / 2 ** 53;
}
