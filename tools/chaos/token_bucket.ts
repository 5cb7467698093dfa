/**
 * The rate limit: says how long to wait, and never waits itself.
 *
 * @module
 */

/**
 * Milliseconds of a rate that may pass at once: what a timer that comes late
 * has to make up for. A busy machine is seldom later.
 */
export const BURST_MS = 25;

/** A token bucket that goes into debt, so that its users wait in their order. */
export class TokenBucket {
  /** Bytes a second. */
  rate: number;
  /** When all that was taken will have passed. */
  #clearAt = -Infinity;

  /**
   * Makes a full bucket.
   *
   * @param rate Bytes a second; more than 0.
   */
  constructor(rate: number) {
    this.rate = rate;
  }

  /**
   * Takes bytes.
   *
   * @param bytes How many are to pass.
   * @param now Milliseconds; never less than before.
   * @returns Milliseconds until they may.
   */
  take(bytes: number, now: number): number {
    const start = Math.max(this.#clearAt, now - BURST_MS);
    this.#clearAt = start + bytes * 1000 / this.rate;
    return Math.max(0, this.#clearAt - now);
  }
}
