/**
 * A bounded number of places for what runs at once.
 *
 * @module
 */

import { cancelled, type FerryError } from "./errors.ts";

interface Waiter {
  resolve(): void;
  reject(error: FerryError): void;
}

/** Hands out places; whoever finds none waits in line. */
export class Places {
  readonly #waiters: Waiter[] = [];
  #free: number;

  /** @param count How many there are. */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Takes a place; waits while there is none.
   *
   * @param signal Ends the wait.
   * @throws {FerryError} `cancelled`, or what {@linkcode Places.fail} was told.
   */
  async take(signal: AbortSignal | undefined): Promise<void> {
    while (this.#free === 0) await this.#wait(signal);
    this.#free--;
  }

  /** Gives a place back. */
  give(): void {
    this.#free++;
    this.#waiters.shift()?.resolve();
  }

  /** Sends everybody away who waits now. */
  fail(error: FerryError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { resolve, reject };
    const onAbort = () => {
      const at = this.#waiters.indexOf(waiter);
      if (at >= 0) this.#waiters.splice(at, 1);
      reject(cancelled(signal?.reason));
    };
    this.#waiters.push(waiter);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    return promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }
}
