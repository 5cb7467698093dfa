/**
 * The data connections of one session: opened when needed, used by one transfer
 * at a time, kept for the next.
 *
 * @module
 */

import type { FrameChannel } from "../transport/mod.ts";
import type { ControlSession } from "./control_session.ts";
import type { FerryError } from "./errors.ts";
import { Places } from "./places.ts";

/** A connection that was lent. */
export interface Loan {
  /** The connection. */
  readonly channel: FrameChannel;
  /** Whether it was used before: the server may have closed it since. */
  readonly isReused: boolean;
}

/** Lends data connections. */
export class DataPool {
  readonly #session: ControlSession;
  readonly #idle: FrameChannel[] = [];
  readonly #all = new Set<FrameChannel>();
  readonly #places: Places;

  /** @param session The session whose data connections these are. */
  constructor(session: ControlSession) {
    this.#session = session;
    this.#places = new Places(Math.max(1, session.info.dataConnections));
    session.onLost((error) => {
      for (const channel of this.#all) channel.close();
      this.#places.fail(error);
    });
  }

  /** Why the session is over; `undefined` while it is not. */
  get error(): FerryError | undefined {
    return this.#session.error;
  }

  /** Whether the next one that is borrowed is there already. */
  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /**
   * Borrows a connection for one transfer; waits while all are lent.
   *
   * @param signal Ends the wait.
   */
  async borrow(signal?: AbortSignal): Promise<Loan> {
    await this.#places.take(signal);
    const idle = this.#idle.pop();
    if (idle !== undefined) return { channel: idle, isReused: true };
    try {
      const channel = await this.#session.openData(signal);
      if (this.#session.error !== undefined) {
        channel.close();
        throw this.#session.error;
      }
      this.#all.add(channel);
      return { channel, isReused: false };
    } catch (error) {
      this.#places.give();
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
    this.#places.give();
  }
}
