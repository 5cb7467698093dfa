/**
 * A bound on work that costs much: so many at once, so many in wait.
 *
 * @module
 */

/** Runs so many at once; the others wait, and what does not fit is refused. */
export class WorkQueue {
  readonly #atOnce: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /**
   * @param atOnce How many may run.
   * @param waitingMax How many more may wait.
   */
  constructor(atOnce: number, waitingMax: number) {
    this.#atOnce = atOnce;
    this.#waitingMax = waitingMax;
  }

  /** How many run. */
  get running(): number {
    return this.#running;
  }

  /** Whether one more could neither run nor wait. */
  get isFull(): boolean {
    return this.#running >= this.#atOnce &&
      this.#waiting.length >= this.#waitingMax;
  }

  /** Runs `work` when its turn comes. To be called only while there is room. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) {
      // Whoever ends hands the place over, so that nobody slips in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
