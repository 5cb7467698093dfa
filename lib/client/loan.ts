/**
 * The loan of a data connection to one transfer.
 *
 * @module
 */

import type { FrameChannel } from "../transport/mod.ts";
import type { DataPool } from "./data_pool.ts";
import { FerryError, toFerryError } from "./errors.ts";

/** What came of a transfer, and whether its connection can be used again. */
export interface Used<T> {
  /** Whether the connection stands between two transfers. */
  readonly usable: boolean;
  /** What came of it. */
  readonly result: PromiseSettledResult<T>;
}

/** Waits for a transfer, and says whether its connection can be used again. */
export async function settle<T>(
  work: Promise<T>,
  usable: () => boolean,
): Promise<Used<T>> {
  const [result] = await Promise.allSettled([work]);
  return { usable: usable(), result };
}

/** The session's end is why its data connections were closed. */
function whyLost(error: FerryError): FerryError {
  return error.code === "cancelled"
    ? error
    : new FerryError("connection-lost", error.message, { cause: error });
}

/**
 * Lends a connection to one transfer; an abort closes it, so that nothing waits.
 * One that broke while nobody used it costs nothing but another try.
 */
export async function useChannel<T>(
  pool: DataPool,
  signal: AbortSignal | undefined,
  work: (channel: FrameChannel) => Promise<Used<T>>,
): Promise<T> {
  for (;;) {
    const { channel, isReused } = await pool.borrow(signal);
    const before = channel.bytesReceived;
    const onAbort = () => channel.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    let usable = false;
    try {
      const { usable: isWhole, result } = await work(channel);
      usable = isWhole && !signal?.aborted;
      if (result.status === "fulfilled") return result.value;
      const isLost = toFerryError(result.reason).code === "connection-lost";
      if (isLost && pool.error !== undefined) throw whyLost(pool.error);
      const isUnheard = channel.bytesReceived === before;
      const isStale = isReused && isLost && isUnheard && !signal?.aborted;
      if (!isStale) throw result.reason;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      pool.giveBack(channel, usable);
    }
  }
}

/** Bytes that a connection has carried, both ways. */
export function wireBytes(channel: FrameChannel): number {
  return channel.bytesReceived + channel.bytesSent;
}
