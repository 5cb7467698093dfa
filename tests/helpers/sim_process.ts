/**
 * A program that can be killed between any two of its steps.
 *
 * @module
 */
import type { CancelTimer, Clock } from "../../lib/platform/mod.ts";
import type { SeededRandom } from "./seeded_random.ts";
import type { SimClock } from "./sim_clock.ts";

/** What a killed program's calls return: nobody ever hears of them. */
export function never<T>(): Promise<T> {
  return new Promise(() => {});
}

/**
 * One run of a program. Whatever it does goes through a port, and every port
 * asks {@linkcode SimProcess.alive} first: after {@linkcode SimProcess.kill}
 * no call returns and none has an effect, so its code stands still where it
 * waits, as that of a killed process does.
 */
export class SimProcess {
  /** What the trace calls it. */
  readonly name: string;
  /** Its clock. */
  readonly clock: Clock;
  /** Its ids, nonces and jitter. */
  readonly random: SeededRandom;
  /** Resolves when it is killed. */
  readonly killed: Promise<"killed">;
  readonly #timers = new Set<CancelTimer>();
  readonly #onKill: ((how: Death) => void)[] = [];
  #alive = true;
  #resolveKilled: (value: "killed") => void;

  /**
   * @param name What the trace calls it.
   * @param clock The time of the world.
   * @param random Its own chance.
   */
  constructor(name: string, clock: SimClock, random: SeededRandom) {
    this.name = name;
    this.random = random;
    this.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delay, callback) => this.#after(clock, delay, callback),
    };
    const { promise, resolve } = Promise.withResolvers<"killed">();
    this.killed = promise;
    this.#resolveKilled = resolve;
  }

  /** Whether it runs. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Its timers that have not fired. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Calls `callback` when it is killed. */
  onKill(callback: (how: Death) => void): void {
    this.#onKill.push(callback);
  }

  /** Ends it in the middle of whatever it does. */
  kill(how: Death): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    for (const callback of this.#onKill) callback(how);
    this.#resolveKilled("killed");
  }

  /** Waits for a result of its code, or for its end. */
  guard<T>(work: Promise<T>): Promise<T | "killed"> {
    return Promise.race([work, this.killed]);
  }

  #after(clock: Clock, delay: number, callback: () => void): CancelTimer {
    if (!this.#alive) return () => {};
    const stop = clock.after(delay, () => {
      this.#timers.delete(cancel);
      callback();
    });
    const cancel = () => {
      this.#timers.delete(cancel);
      stop();
    };
    this.#timers.add(cancel);
    return cancel;
  }
}

/** How a process ends: alone, or with its machine, which then is silent. */
export type Death = "killed" | "power";
