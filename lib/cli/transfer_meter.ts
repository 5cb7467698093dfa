/**
 * How far a command's transfers are, taken together. Pure: it is told what
 * happens and asks nobody but the clock.
 *
 * What is kept: bytes and percentage never go backwards, however often a file
 * starts over; a total is only named while all of it is known.
 *
 * @module
 */

import type { Clock } from "../platform/mod.ts";

/** How far everything is. */
export interface MeterReading {
  /** Files that are through, failed ones included. */
  readonly files: number;
  /** Files in all. */
  readonly filesTotal: number;
  /** Bytes so far. */
  readonly bytes: number;
  /** Bytes in all, where known. */
  readonly bytesTotal: number | undefined;
  /** Share in percent, where the total is known; whole, and never less than before. */
  readonly percent: number | undefined;
  /** Bytes a second over the last seconds; `undefined` while it is too early to say. */
  readonly rate: number | undefined;
  /** Seconds to go; `undefined` where nobody can say. */
  readonly remaining: number | undefined;
  /** The file that is being moved. */
  readonly name: string;
  /** How much of that file is there, in percent, where that is known. */
  readonly filePercent?: number | undefined;
  /** Data connections at work on that file, where known. */
  readonly streams?: number | undefined;
  /** Files that are being moved at once; only told of trees. */
  readonly active?: number;
  /** Milliseconds since the last byte came. */
  readonly standstill: number;
  /** Whether the totals may still grow; only told of trees. */
  readonly isCounting?: boolean;
}

/** Knows how far transfers are. */
export interface Meter {
  /** How far everything is now. */
  read(): MeterReading;
}

/** Milliseconds that the rate looks back: long enough to be steady, short enough to be true. */
const WINDOW = 5000;
/** Milliseconds between two samples: 20 a window. */
const SAMPLE_INTERVAL = 250;
/** Milliseconds before the first rate. */
const RATE_DELAY = 500;
/** Milliseconds that a promise looks back: a pause of a moment must not make days of minutes. */
const PROMISE_WINDOW = 30_000;
/** Milliseconds before the first promise. */
const PROMISE_DELAY = 2000;
/** How many times as long as it was watched a promise may be: what was seen in two seconds is good for half an hour. */
const PROMISE_FACTOR = 1000;
/** Seconds beyond which a remaining time is no information: 100 hours. */
const REMAINING_MAX = 360_000;

/**
 * Bytes from which on the first report of a file tells of what an earlier try
 * has moved: more than a network brings before anybody reports.
 */
const HELD_SIZE_MIN = 8_388_608;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** Watches how fast bytes come in. */
export class RateWindow {
  readonly #clock: Clock;
  #startedAt: number;
  #samples: Sample[] = [];
  #lastBytes = 0;
  #movedAt: number;

  /** @param clock The time. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = this.#movedAt = clock.monotonic();
    this.#samples.push({ at: this.#startedAt, bytes: 0 });
  }

  /** Milliseconds since the beginning. */
  get elapsed(): number {
    return this.#clock.monotonic() - this.#startedAt;
  }

  /** Milliseconds since the last byte. */
  get standstill(): number {
    return this.#clock.monotonic() - this.#movedAt;
  }

  /** Leaves out time in which nothing was to move. */
  leaveOut(milliseconds: number): void {
    this.#startedAt += milliseconds;
    this.#movedAt += milliseconds;
    this.#samples = this.#samples.map(({ at, bytes }) => ({
      at: at + milliseconds,
      bytes,
    }));
  }

  /** So many bytes have come by now. */
  sample(bytes: number): void {
    const at = this.#clock.monotonic();
    if (bytes !== this.#lastBytes) {
      [this.#lastBytes, this.#movedAt] = [bytes, at];
    }
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < SAMPLE_INTERVAL) return;
    this.#samples.push({ at, bytes });
    // The newest sample that is older than the window is where it begins.
    while ((this.#samples[1]?.at ?? at) <= at - PROMISE_WINDOW) {
      this.#samples.shift();
    }
  }

  /** Bytes a second over the last seconds; `undefined` while it is too early to say. */
  rate(bytes: number): number | undefined {
    return this.#rate(bytes, WINDOW, RATE_DELAY);
  }

  /**
   * Seconds until `left` more bytes are there, as steady as such a promise can
   * be; `undefined` where nobody can say.
   */
  remaining(bytes: number, left: number): number | undefined {
    const steady = this.#rate(bytes, PROMISE_WINDOW, PROMISE_DELAY);
    const isMoving = (this.rate(bytes) ?? 0) > 0;
    if (steady === undefined || steady <= 0 || !isMoving) return undefined;
    const seconds = left / steady;
    const limit = Math.min(
      REMAINING_MAX,
      this.elapsed * PROMISE_FACTOR / 1000,
    );
    return seconds > limit ? undefined : seconds;
  }

  #rate(bytes: number, window: number, delay: number): number | undefined {
    const now = this.#clock.monotonic();
    const first = this.#samples.findLast(({ at }) => at <= now - window) ??
      this.#samples[0];
    if (first === undefined || now - first.at < delay) return undefined;
    return (bytes - first.bytes) * 1000 / (now - first.at);
  }
}

/** Adds up the transfers of one command. */
export class TransferMeter implements Meter {
  readonly #sizes: Array<number | undefined>;
  readonly #window: RateWindow;
  #file = -1;
  #name = "";
  #streams: number | undefined;
  #bytesBefore = 0;
  #bytesOfFile = 0;
  #percent = 0;
  /** Bytes that were there already: no part of the rate. */
  #held = 0;
  #isReported = false;

  /**
   * @param clock The time.
   * @param sizes Size of each file, in their order, where known.
   */
  constructor(clock: Clock, sizes: ReadonlyArray<number | undefined>) {
    this.#sizes = [...sizes];
    this.#window = new RateWindow(clock);
  }

  /** Milliseconds since the beginning, less what was left out. */
  get elapsed(): number {
    return this.#window.elapsed;
  }

  /** Leaves out time in which nothing was to move. */
  leaveOut(milliseconds: number): void {
    this.#window.leaveOut(milliseconds);
  }

  /** The next file begins. */
  begin(name: string): void {
    this.#file++;
    this.#name = name;
    this.#bytesOfFile = 0;
    this.#streams = undefined;
    this.#isReported = false;
  }

  /** The file is this far. */
  advance(
    transferred: number,
    total: number | undefined,
    streams?: number,
  ): void {
    if (!this.#isReported && transferred >= HELD_SIZE_MIN) {
      this.#held += transferred;
    }
    this.#isReported = true;
    if (streams !== undefined) this.#streams = streams;
    this.#bytesOfFile = Math.max(this.#bytesOfFile, transferred);
    if (total !== undefined) this.#sizes[this.#file] = total;
    this.#sample();
  }

  /** The file is through; what is missing of it will not come. */
  end(): void {
    this.#bytesBefore += this.#bytesOfFile;
    this.#sizes[this.#file] = this.#bytesOfFile;
    this.#bytesOfFile = 0;
    this.#name = "";
    this.#sample();
  }

  /** How far everything is now. */
  read(): MeterReading {
    // Whoever looks during a standstill makes it count.
    this.#sample();
    const bytes = this.#bytesBefore + this.#bytesOfFile;
    const bytesTotal = this.#total();
    const moved = bytes - this.#held;
    const isRunning = this.#name !== "";
    return {
      files: this.#file + (isRunning ? 0 : 1),
      filesTotal: this.#sizes.length,
      bytes,
      bytesTotal,
      percent: this.#readPercent(bytes, bytesTotal),
      rate: this.#window.rate(moved),
      remaining: bytesTotal === undefined
        ? undefined
        : this.#window.remaining(moved, bytesTotal - bytes),
      name: this.#name,
      filePercent: isRunning ? this.#filePercent() : undefined,
      streams: isRunning ? this.#streams : undefined,
      standstill: this.#window.standstill,
    };
  }

  #total(): number | undefined {
    let total = this.#bytesBefore;
    for (const [index, size] of this.#sizes.entries()) {
      const isThrough = index < this.#file ||
        index === this.#file && this.#name === "";
      if (isThrough) continue;
      if (size === undefined) return undefined;
      // A file that grows is as large as what has come of it.
      total += index === this.#file ? Math.max(size, this.#bytesOfFile) : size;
    }
    return total;
  }

  #filePercent(): number | undefined {
    const size = this.#sizes[this.#file];
    if (size === undefined || size === 0) return undefined;
    return Math.min(100, Math.floor(this.#bytesOfFile * 100 / size));
  }

  #readPercent(bytes: number, total: number | undefined): number | undefined {
    if (total === undefined) return undefined;
    const percent = total === 0 ? 0 : Math.floor(bytes * 100 / total);
    this.#percent = Math.max(this.#percent, percent);
    return this.#percent;
  }

  #sample(): void {
    const bytes = this.#bytesBefore + this.#bytesOfFile;
    this.#window.sample(bytes - this.#held);
  }
}

/**
 * The share that is done, as far as the other end has said; `undefined` before
 * it has said anything: that is not the same as nothing.
 */
export function percentKnown(
  reading: Pick<MeterReading, "percent" | "bytes"> | undefined,
): number | undefined {
  return reading !== undefined && reading.bytes > 0
    ? reading.percent
    : undefined;
}
