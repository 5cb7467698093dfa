/**
 * Finds data connections that have died without a word while the control
 * connection lives.
 *
 * @module
 */

import type { Clock } from "../platform/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import { FerryError } from "./errors.ts";
import { SILENCE_CHECKS } from "./limits.ts";
import { wireBytes } from "./loan.ts";

/** How long is too long. */
export interface StallOptions {
  /** The time. */
  readonly clock: Clock;
  /** Milliseconds in which no byte moved, while one should have. */
  readonly timeout: number;
}

/**
 * Runs a transfer, and closes its connection when the server is to send or to
 * take bytes and not one moves for the time-out. A connection on which this end
 * has nothing to say is left alone, however long.
 *
 * @param channel The data connection.
 * @param options How long is too long.
 * @param isWaiting Whether it is the server's turn.
 * @param work The transfer.
 * @throws {FerryError} `connection-lost` when it was closed for that.
 */
export async function withStallWatch<T>(
  channel: FrameChannel,
  { clock, timeout }: StallOptions,
  isWaiting: () => boolean,
  work: Promise<T>,
): Promise<T> {
  let moved = -1;
  let still = 0;
  let stalled = false;
  const check = (): void => {
    const bytes = wireBytes(channel);
    still = isWaiting() && bytes === moved ? still + 1 : 0;
    moved = bytes;
    stalled = still >= SILENCE_CHECKS;
    if (stalled) channel.close();
    else cancel = clock.after(timeout / SILENCE_CHECKS, check);
  };
  let cancel = clock.after(0, check);
  try {
    return await work;
  } catch (cause) {
    if (!stalled) throw cause;
    throw new FerryError(
      "connection-lost",
      `the data connection has been silent for ${timeout / 1000} s`,
      { cause },
    );
  } finally {
    cancel();
  }
}
