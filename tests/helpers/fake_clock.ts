import { setImmediate } from "node:timers";
import type { CancelTimer, Clock } from "../../lib/platform/mod.ts";

/**
 * Lets everything go on that waits for nothing but promises: in a test whose
 * network, disk and clock are in memory, that is everything.
 */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #time = 1_800_000_000_000;
  readonly #timers = new Set<Timer>();

  /** How many timers have not fired; 0 when all was cleaned up. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  after(delay: number, callback: () => void): CancelTimer {
    const timer = { at: this.#time + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on, firing what is due in order; whatever follows has settled then. */
  async advance(milliseconds: number): Promise<void> {
    await settle();
    const end = this.#time + milliseconds;
    for (let due = this.#due(end); due !== undefined; due = this.#due(end)) {
      this.#timers.delete(due);
      this.#time = Math.max(this.#time, due.at);
      due.callback();
      await settle();
    }
    this.#time = end;
  }

  /** Moves on in steps until `work` has settled. */
  async run<T>(work: Promise<T>, step = 1000, stepCountMax = 500): Promise<T> {
    let over = false;
    const mark = () => {
      over = true;
    };
    work.then(mark, mark);
    await settle();
    for (let count = 0; !over && count < stepCountMax; count++) {
      await this.advance(step);
    }
    if (!over) throw new Error("Still waiting: nothing ends it");
    return await work;
  }

  #due(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) {
        first = timer;
      }
    }
    return first;
  }
}
