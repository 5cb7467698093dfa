/**
 * Shows how far transfers are, from time to time: on a terminal one line that
 * is written over, elsewhere lines that follow each other, or JSON events.
 *
 * @module
 */

import type { CancelTimer, Clock } from "../platform/mod.ts";
import type { Output } from "./environment.ts";
import { progressLine } from "./progress_line.ts";
import type { Meter, MeterReading } from "./transfer_meter.ts";

/** How often a display shows something, and how. */
export interface ProgressStyle {
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Shows one reading. */
  readonly show: (reading: MeterReading) => Promise<void>;
  /** Takes away what stands there, so that something else can be written. */
  readonly clear: () => Promise<void>;
}

/** Five times a second: as fast as people read numbers. */
const LINE_INTERVAL = 200;
/** For logs: seldom enough not to fill them. */
const LOG_INTERVAL = 2000;
/** For programs. */
const EVENT_INTERVAL = 500;

const ERASE_LINE = "\r\x1b[K";

/** A line on a terminal, written over again and again. */
export function lineStyle(output: Output): ProgressStyle {
  let isShown = false;
  return {
    interval: LINE_INTERVAL,
    async show(reading): Promise<void> {
      isShown = true;
      // The last column stays free: some terminals wrap when it is filled.
      const line = progressLine(reading, output.columns() - 1);
      await output.write(`${ERASE_LINE}${line}`);
    },
    async clear(): Promise<void> {
      if (isShown) await output.write(ERASE_LINE);
      isShown = false;
    },
  };
}

/** Columns of a line in a log. */
const LOG_COLUMNS = 120;

/** Lines that follow each other, for files and pipes. */
export function logStyle(output: Output): ProgressStyle {
  return {
    interval: LOG_INTERVAL,
    show: (reading) => output.write(`${progressLine(reading, LOG_COLUMNS)}\n`),
    clear: () => Promise.resolve(),
  };
}

/** Events for programs. */
export function eventStyle(
  show: (reading: MeterReading) => Promise<void>,
): ProgressStyle {
  return { interval: EVENT_INTERVAL, show, clear: () => Promise.resolve() };
}

/** Looks at a meter from time to time and shows what it says. */
export class ProgressDisplay {
  readonly #clock: Clock;
  readonly #style: ProgressStyle;
  readonly #meter: Meter;
  #cancel: CancelTimer = () => {};
  #isStopped = false;

  /**
   * @param clock The time.
   * @param meter What to look at.
   * @param style How to show it.
   */
  constructor(clock: Clock, meter: Meter, style: ProgressStyle) {
    this.#clock = clock;
    this.#meter = meter;
    this.#style = style;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#clock.after(this.#style.interval, () => {
      // The next look waits for a slow terminal; a closed one is the business
      // of whoever writes results.
      this.#style.show(this.#meter.read()).catch(() => {})
        .then(() => this.#schedule());
    });
  }

  /** Takes away what stands there; the next look brings it back. */
  clear(): Promise<void> {
    return this.#style.clear();
  }

  /** Ends the display. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#style.clear();
  }
}
