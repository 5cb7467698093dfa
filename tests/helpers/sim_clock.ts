/**
 * Time that only moves when nothing else does.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { CancelTimer, Clock } from "../../lib/platform/mod.ts";

/** When every simulation begins, in milliseconds since 1970. */
const EPOCH = 1_700_000_000_000;

/** Timers of one run: a hundred times what the longest seed has needed. */
const STEPS_MAX = 2_000_000;

interface Timer {
  readonly at: number;
  readonly sequence: number;
  callback: (() => void) | undefined;
}

/** A simulation cannot go on. */
export class StuckError extends Error {
  override name = "StuckError";
}

/**
 * A clock without real time. {@linkcode SimClock.run} fires one timer after the
 * other, each after every promise job that the one before had set off is done;
 * of two for the same moment the older one first.
 */
export class SimClock implements Clock {
  readonly #heap: Timer[] = [];
  #time = 0;
  #sequence = 0;

  /** Whole milliseconds since 1970. */
  now(): number {
    return EPOCH + Math.floor(this.#time);
  }

  /** Milliseconds since the simulation began. */
  monotonic(): number {
    return this.#time;
  }

  /** Calls `callback` when the virtual time has come. */
  after(delay: number, callback: () => void): CancelTimer {
    const at = this.#time + Math.max(0, delay);
    const timer: Timer = { at, sequence: this.#sequence++, callback };
    this.#push(timer);
    return () => timer.callback = undefined;
  }

  /** Resolves when the virtual time has come. */
  sleep(delay: number): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve));
  }

  /**
   * Lets time pass until `work` is settled.
   *
   * @throws {StuckError} When nothing is left that could settle it, or it takes
   * too many steps.
   */
  async run<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const settle = () => settled = true;
    work.then(settle, settle);
    for (let steps = 0;; steps++) {
      await promiseJobs();
      if (settled) return await work;
      if (steps > STEPS_MAX) {
        throw new StuckError(`no end after ${STEPS_MAX} timers`);
      }
      if (!this.#fire()) {
        throw new StuckError("everything waits, and no timer is left");
      }
    }
  }

  #fire(): boolean {
    for (let timer = this.#pop(); timer !== undefined; timer = this.#pop()) {
      if (timer.callback === undefined) continue;
      this.#time = Math.max(this.#time, timer.at);
      timer.callback();
      return true;
    }
    return false;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(timer, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) {
      return first;
    }
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) {
        below++;
      }
      if (!isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at ||
    one.at === other.at && one.sequence < other.sequence;
}

/**
 * Resolves when no promise job is left: the event loop runs an immediate only
 * after them all. Takes 1.5 µs.
 */
function promiseJobs(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => resolve()));
}
