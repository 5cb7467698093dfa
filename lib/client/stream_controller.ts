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

/**
 * Milliseconds of a round trip below which one connection has the whole link: at
 * 5 ms the 6 MiB that Linux lets a window grow to carry 1.2 GB/s.
 */
const ROUND_TRIP_SHORT = 5;

/**
 * Milliseconds of a round trip from which on a connection is probably bounded:
 * at 20 ms a window of 1 MiB carries 50 MB/s, and one lost packet costs seconds.
 */
const ROUND_TRIP_LONG = 20;

/** Connections to begin with there: half of the most that servers allow. */
const COUNT_LONG = 4;

/**
 * Intervals that more connections have to show that they pay: one may be slow by
 * chance, and of two the better counts.
 */
const LOOKS = 2;

/**
 * Intervals between a search that has changed nothing and the next: 2 s, for it
 * may have been misled. Doubles with each, for each costs something.
 */
const PATIENCE_MIN = 8;

/** The same at most: 16 s, for links change. */
const PATIENCE_MAX = 64;

/** On what links. */
export interface StreamControllerOptions {
  /** The most connections that may be used. */
  readonly countMax: number;
  /** Milliseconds of a round trip. */
  readonly roundTrip: number;
}

/**
 * Finds the number of connections by measuring: doubles it while that pays. On a
 * long link it begins with several, and halves them while no more pay, until a
 * measurement has shown that they do.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const controller = new StreamController({ countMax: 8, roundTrip: 10 });
 * for (let interval = 0; interval < 20; interval++) {
 *   controller.measured(10 * controller.count); // each connection is capped
 * }
 * assertEquals(controller.count, 8);
 * ```
 */
export class StreamController {
  readonly #countMax: number;
  #count: number;
  /** Whether the number is a guess that nothing measured speaks for. */
  #isGuess: boolean;
  /** The rate and the number before the trial that is under way. */
  #before: StreamTrial | undefined;
  /** The best rates of the trial so far. */
  #best = 0;
  /** Intervals of the trial so far. */
  #looks = 0;
  /** Intervals until the next search. */
  #rest = 0;
  /** Intervals to rest after a search. */
  #patience = PATIENCE_MIN;
  /** The number that the last search has ended with. */
  #found: number | undefined;

  /** @param options How many there may be, and how long the link is. */
  constructor({ countMax, roundTrip }: StreamControllerOptions) {
    this.#countMax = roundTrip < ROUND_TRIP_SHORT ? 1 : Math.max(1, countMax);
    const count = roundTrip < ROUND_TRIP_LONG ? 1 : COUNT_LONG;
    this.#count = Math.min(count, this.#countMax);
    this.#isGuess = this.#count > 1;
  }

  /** How many connections to use now. */
  get count(): number {
    return this.#count;
  }

  /** The most that it may ever say. */
  get countMax(): number {
    return this.#countMax;
  }

  /**
   * Takes what one interval has shown in which that many were under way.
   *
   * @param rate Bytes a second of all connections together.
   */
  measured(rate: number): void {
    const before = this.#before;
    const count = this.#count;
    if (before === undefined) {
      if (--this.#rest <= 0) this.#search({ rate, count });
      return;
    }
    this.#best = Math.max(this.#best, rate);
    this.#looks++;
    this.#judge(before, { rate: this.#best, count });
  }

  #search(from: StreamTrial): void {
    if (from.count < this.#countMax) this.#tryMore(from);
    else this.#tryFewer(from);
  }

  #judge(before: StreamTrial, now: StreamTrial): void {
    const isMore = now.count > before.count;
    const [fewer, more] = isMore ? [before, now] : [now, before];
    const pays = more.rate >= fewer.rate * GAIN_MIN;
    if (isMore && !pays && this.#looks < LOOKS) return;
    if (pays) this.#isGuess = false;
    if (!pays) this.#tryFewer(fewer);
    else if (isMore) this.#tryMore(more);
    else this.#stay(more);
  }

  #tryMore(from: StreamTrial): void {
    this.#try(from, Math.min(2 * from.count, this.#countMax));
  }

  /** Fewer are worth a trial only while the number is a guess. */
  #tryFewer(from: StreamTrial): void {
    this.#try(from, this.#isGuess ? Math.ceil(from.count / 2) : from.count);
  }

  #try(from: StreamTrial, count: number): void {
    if (count === from.count) return this.#stay(from);
    this.#before = from;
    this.#count = count;
    this.#best = 0;
    this.#looks = 0;
  }

  #stay({ count }: StreamTrial): void {
    this.#before = undefined;
    this.#count = count;
    this.#isGuess = false;
    this.#patience = count === this.#found
      ? Math.min(2 * this.#patience, PATIENCE_MAX)
      : PATIENCE_MIN;
    this.#found = count;
    this.#rest = this.#patience;
  }
}

/** A number of connections, and what it gave. */
interface StreamTrial {
  readonly rate: number;
  readonly count: number;
}
