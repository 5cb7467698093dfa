/**
 * How many connections one large file is worth. Pure: it is told what moved and
 * says how many to use; clocks and connections are elsewhere.
 *
 * @module
 */

/**
 * How much faster twice the connections must be to be kept: 15 %, more than
 * rates vary by chance, and less than any link with a cap per connection gives.
 */
const GAIN_MIN = 1.15;

/** Intervals that do not count after a change: new connections start slowly. */
const WARM_UP = 1;

/** Intervals after which more connections are tried again. */
const PATIENCE = 30;

/**
 * Finds the number of connections by measuring: doubles it while that pays, goes
 * back when it does not, and tries again after a while, for links change.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const controller = new StreamController({ countMax: 8 });
 * for (let interval = 0; interval < 20; interval++) {
 *   controller.measured(10 * controller.count); // each connection is capped
 * }
 * assertEquals(controller.count, 8);
 * ```
 */
export class StreamController {
  readonly #countMax: number;
  #count = 1;
  /** Intervals since the last change. */
  #age = 0;
  /** The rate and the count before the trial that is under way. */
  #before: { readonly rate: number; readonly count: number } | undefined;

  /**
   * Begins with one connection.
   *
   * @param options The most that may be used.
   */
  constructor({ countMax }: { readonly countMax: number }) {
    this.#countMax = Math.max(1, countMax);
  }

  /** How many connections to use now. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes what one interval has shown.
   *
   * @param rate Bytes a second of all connections together.
   */
  measured(rate: number): void {
    this.#age++;
    if (this.#age <= WARM_UP) return;
    if (this.#before !== undefined) return this.#judge(rate, this.#before);
    const mayTry = this.#age === WARM_UP + 1 || this.#age % PATIENCE === 0;
    if (mayTry && this.#count < this.#countMax) {
      this.#before = { rate, count: this.#count };
      this.#use(Math.min(2 * this.#count, this.#countMax));
    }
  }

  #judge(
    rate: number,
    before: { readonly rate: number; readonly count: number },
  ): void {
    this.#before = undefined;
    if (rate >= before.rate * GAIN_MIN) {
      // It pays: the next interval may try more.
      this.#age = WARM_UP;
      return;
    }
    this.#use(before.count);
    // Not again at once.
    this.#age = WARM_UP + 1;
  }

  #use(count: number): void {
    this.#count = count;
    this.#age = 0;
  }
}
