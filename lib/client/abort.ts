/**
 * Waits that end when their caller gives up.
 *
 * @module
 */

import { cancelled } from "./errors.ts";

/**
 * Waits for `work`, but no longer than the signal allows; `work` itself goes on.
 *
 * @throws {FerryError} `cancelled` when the signal fired first.
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(cancelled(signal.reason));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
