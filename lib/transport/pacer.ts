/**
 * A limit on bandwidth that is shared fairly.
 *
 * @module
 */

import type { Clock } from "../platform/mod.ts";

/** Milliseconds of the rate that may be moved at once after a pause. */
const BURST = 100;

interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

/** Limits of a {@linkcode Pacer}, in bytes a second. */
export interface PacerLimits {
  /** Of all together. @default no limit */
  readonly total?: number | undefined;
  /** Of each owner. @default no limit */
  readonly each?: number | undefined;
}

/**
 * Says when bytes may be moved. Owners take turns, whatever each of them asks
 * for, so that two who want all get half each. Without limits nothing waits.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #limits: PacerLimits;
  readonly #queues = new Map<object, Waiter[]>();
  /** When the last bytes will have been moved at the total rate. */
  #totalUntil = 0;
  readonly #eachUntil = new WeakMap<object, number>();
  #isPlanned = false;

  /**
   * @param clock The time.
   * @param limits The limits.
   */
  constructor(clock: Clock, limits: PacerLimits = {}) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Waits until `owner` may move `bytes` more.
   *
   * @param owner Who; what it holds is of no interest.
   * @param bytes How many.
   */
  take(owner: object, bytes: number): Promise<void> {
    const { total, each } = this.#limits;
    if (total === undefined && each === undefined) return Promise.resolve();
    return new Promise((go) => {
      const queue = this.#queues.get(owner);
      if (queue === undefined) this.#queues.set(owner, [{ bytes, go }]);
      else queue.push({ bytes, go });
      this.#serve();
    });
  }

  /** Lets go whoever may, and plans the next look. */
  #serve(): void {
    if (this.#isPlanned) return;
    const now = this.#clock.monotonic();
    let next = Infinity;
    // A Map keeps the order of insertion: who was served goes to its end.
    for (const [owner, queue] of [...this.#queues]) {
      const at = Math.max(
        this.#totalUntil,
        this.#eachUntil.get(owner) ?? 0,
      ) - BURST;
      if (at > now) {
        next = Math.min(next, at);
        continue;
      }
      const { bytes, go } = queue.shift()!;
      this.#queues.delete(owner);
      if (queue.length > 0) {
        this.#queues.set(owner, queue);
        next = now;
      }
      this.#charge(owner, bytes, now);
      go();
    }
    if (next === Infinity) return;
    this.#isPlanned = true;
    this.#clock.after(Math.max(0, next - now), () => {
      this.#isPlanned = false;
      this.#serve();
    });
  }

  #charge(owner: object, bytes: number, now: number): void {
    const { total, each } = this.#limits;
    if (total !== undefined) {
      this.#totalUntil = Math.max(this.#totalUntil, now) + bytes / total * 1000;
    }
    if (each !== undefined) {
      const until = Math.max(this.#eachUntil.get(owner) ?? 0, now);
      this.#eachUntil.set(owner, until + bytes / each * 1000);
    }
  }
}
