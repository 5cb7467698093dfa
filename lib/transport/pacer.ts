/**
 * A limit on bandwidth that is shared fairly.
 *
 * @module
 */

import type { CancelTimer, Clock } from "../platform/mod.ts";

/** Milliseconds of the rate that may be moved at once after a pause. */
const BURST = 100;

/** The least that is asked for at a time: less costs more than it smooths. */
const PIECE_SIZE_MIN = 512;

interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

/** What one owner waits for and has had. */
interface Share {
  readonly queue: Waiter[];
  /** When its last bytes will have been moved at its own rate. */
  until: number;
  /** Bytes that it has had, counted from when it began to compete. */
  had: number;
}

/** Leave to move bytes, for one owner. */
export interface Pace {
  /**
   * Bytes to ask for at a time at most, so that no wait is long: what the limit
   * lets pass in a tenth of a second. `Infinity` where nothing is limited.
   */
  readonly pieceSize: number;
  /** Waits until so many bytes may be moved. */
  take(bytes: number): Promise<void>;
}

/** Limits of a {@linkcode Pacer}, in bytes a second. */
export interface PacerLimits {
  /** Of all together. @default no limit */
  readonly total?: number | undefined;
  /** Of each owner. @default no limit */
  readonly each?: number | undefined;
}

/**
 * Says when bytes may be moved. The owner who has had least goes first, however
 * much each asks for at a time, so that two who want all get half each. Without
 * limits nothing waits.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #limits: PacerLimits;
  readonly #shares = new WeakMap<object, Share>();
  readonly #waiting = new Set<Share>();
  /** When the last bytes will have been moved at the total rate. */
  #totalUntil = 0;
  /** What the owner who was served last had had before: newcomers begin there. */
  #level = 0;
  #cancelPlan: CancelTimer = () => {};

  /**
   * @param clock The time.
   * @param limits The limits.
   */
  constructor(clock: Clock, limits: PacerLimits = {}) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** See {@linkcode Pace.pieceSize}. */
  get pieceSize(): number {
    const { total = Infinity, each = Infinity } = this.#limits;
    const size = Math.floor(Math.min(total, each) * BURST / 1000);
    return Math.max(PIECE_SIZE_MIN, size);
  }

  /**
   * Waits until `owner` may move `bytes` more.
   *
   * @param owner Who; what it holds is of no interest.
   * @param bytes How many.
   * @param signal Ends the wait at once: whoever is going to end need not wait.
   */
  take(owner: object, bytes: number, signal?: AbortSignal): Promise<void> {
    const { total, each } = this.#limits;
    const isFree = total === undefined && each === undefined;
    if (isFree || signal?.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const share = this.#join(owner);
    const waiter: Waiter = {
      bytes,
      go: () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      },
    };
    const leave = (): void => {
      share.queue.splice(share.queue.indexOf(waiter), 1);
      if (share.queue.length === 0) this.#waiting.delete(share);
      resolve();
      this.#serve();
    };
    signal?.addEventListener("abort", leave, { once: true });
    share.queue.push(waiter);
    this.#serve();
    return promise;
  }

  /** The share of an owner, who competes from now on. */
  #join(owner: object): Share {
    const share = this.#shares.get(owner) ?? { queue: [], until: 0, had: 0 };
    this.#shares.set(owner, share);
    if (!this.#waiting.has(share)) {
      // Nobody saves up for later.
      share.had = Math.max(share.had, this.#level);
      this.#waiting.add(share);
    }
    return share;
  }

  /** Lets go whoever may, and plans the next look. */
  #serve(): void {
    this.#cancelPlan();
    this.#cancelPlan = () => {};
    for (;;) {
      const now = this.#clock.monotonic();
      let next = Infinity;
      let first: Share | undefined;
      for (const share of this.#waiting) {
        const at = Math.max(this.#totalUntil, share.until) - BURST;
        if (at > now) next = Math.min(next, at);
        else if (first === undefined || share.had < first.had) first = share;
      }
      if (first !== undefined) {
        this.#letGo(first, now);
        continue;
      }
      if (next === Infinity) return;
      this.#cancelPlan = this.#clock.after(next - now, () => this.#serve());
      return;
    }
  }

  #letGo(share: Share, now: number): void {
    const { total, each } = this.#limits;
    const { bytes, go } = share.queue.shift()!;
    if (share.queue.length === 0) this.#waiting.delete(share);
    this.#level = share.had;
    share.had += bytes;
    if (total !== undefined) {
      this.#totalUntil = Math.max(this.#totalUntil, now) + bytes / total * 1000;
    }
    if (each !== undefined) {
      share.until = Math.max(share.until, now) + bytes / each * 1000;
    }
    go();
  }
}
