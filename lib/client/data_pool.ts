/**
 * The data connections of one session: opened when needed, used by one transfer
 * at a time, kept for the next.
 *
 * @module
 */

import type { FrameChannel } from "../transport/mod.ts";
import type { ControlSession } from "./control_session.ts";
import { cancelled, type FerryError } from "./errors.ts";

interface Waiter {
  resolve(): void;
  reject(error: FerryError): void;
}

/** Lends data connections. */
export class DataPool {
  readonly #session: ControlSession;
  readonly #idle: FrameChannel[] = [];
  readonly #all = new Set<FrameChannel>();
  readonly #waiters: Waiter[] = [];
  #places: number;

  /** @param session The session whose data connections these are. */
  constructor(session: ControlSession) {
    this.#session = session;
    this.#places = Math.max(1, session.info.dataConnections);
    session.onLost((error) => {
      for (const channel of this.#all) channel.close();
      for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    });
  }

  /**
   * Borrows a connection for one transfer; waits while all are lent.
   *
   * @param signal Ends the wait.
   */
  async borrow(signal?: AbortSignal): Promise<FrameChannel> {
    while (this.#places === 0) await this.#wait(signal);
    this.#places--;
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    try {
      const channel = await this.#session.openData(signal);
      this.#all.add(channel);
      if (this.#session.error !== undefined) {
        channel.close();
        throw this.#session.error;
      }
      return channel;
    } catch (error) {
      this.#free();
      throw error;
    }
  }

  /**
   * Takes a connection back.
   *
   * @param usable Whether it stands between two transfers; otherwise it is closed.
   */
  giveBack(channel: FrameChannel, usable: boolean): void {
    if (usable && this.#session.error === undefined) {
      this.#idle.push(channel);
    } else {
      channel.close();
      this.#all.delete(channel);
    }
    this.#free();
  }

  #free(): void {
    this.#places++;
    this.#waiters.shift()?.resolve();
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
