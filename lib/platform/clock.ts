/**
 * The port for time: everything that waits or looks at a clock does it through
 * {@linkcode Clock}, so that a simulated one can drive the whole program.
 *
 * @module
 */

/** Stops a timer that has not fired yet; later calls do nothing. */
export type CancelTimer = () => void;

/** A source of time. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970-01-01T00:00:00Z; may jump. */
  now(): number;
  /** Milliseconds since an arbitrary moment; never goes back. */
  monotonic(): number;
  /**
   * Calls `callback` once, `delay` milliseconds from now.
   *
   * A timer does not keep the process alive by itself.
   */
  after(delay: number, callback: () => void): CancelTimer;
}

/**
 * Resolves after a delay.
 *
 * @param clock The clock to wait on.
 * @param delay Milliseconds to wait.
 * @param signal Ends the wait early: the promise then rejects with its reason.
 */
export function sleep(
  clock: Clock,
  delay: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delay, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};
