/**
 * Shows how far transfers are, from time to time: on a terminal lines that are
 * written over, elsewhere lines that follow each other, or JSON events.
 *
 * @module
 */

import type { CancelTimer, Clock } from "../platform/mod.ts";
import type { Output } from "./environment.ts";
import { progressLine, progressLines, type Shown } from "./progress_line.ts";
import type { Meter } from "./transfer_meter.ts";
import { textWidth } from "./width.ts";

/** How often a display shows something, and how. */
export interface ProgressStyle {
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Shows how far everything is. */
  readonly show: (shown: Shown) => Promise<void>;
  /** Writes a text where it stays; what stood there moves on. */
  readonly say: (text: string) => Promise<void>;
  /** Takes away what stands there, so that something else can be written. */
  readonly clear: () => Promise<void>;
}

/** Five times a second: as fast as people read numbers. */
const LINE_INTERVAL = 200;
/** For logs: seldom enough not to fill them. */
const LOG_INTERVAL = 2000;
/** For programs. */
const EVENT_INTERVAL = 500;

const ERASE_LINE = "\x1b[2K";
const ERASE_LINE_END = "\x1b[K";

/** From the last of so many rows to the beginning of the first. */
function upFrom(rows: number): string {
  return rows > 1 ? `\x1b[${rows - 1}A\r` : "\r";
}

/**
 * Lines on a terminal, written over again and again. Each time is one write that
 * never shows an empty line in between.
 */
export function lineStyle(output: Output): ProgressStyle {
  let lines: readonly string[] = [];
  let drawnColumns = 0;

  /** Rows that the lines take: a window that became narrower has broken them. */
  function countRows(): number {
    const columns = Math.max(1, output.columns());
    return lines.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / columns)),
      0,
    );
  }

  /** Takes the lines away, row by row: what erases a whole screen may keep a copy. */
  function erased(): string {
    const rows = countRows();
    if (rows === 0) return "";
    const empty = Array(rows).fill(ERASE_LINE).join("\n");
    return upFrom(rows) + empty + upFrom(rows);
  }

  function drawn(): string {
    return lines.map((line) => line + ERASE_LINE_END).join("\n");
  }

  return {
    interval: LINE_INTERVAL,
    async show(shown): Promise<void> {
      const columns = output.columns();
      // The last column stays free: some terminals wrap when it is filled.
      const next = progressLines(shown, columns - 1);
      // What a window has broken it may join again, unless it is erased first.
      const isOver = columns === drawnColumns && next.length === lines.length;
      const start = isOver ? upFrom(lines.length) : erased();
      [lines, drawnColumns] = [next, columns];
      await output.write(start + drawn());
    },
    async say(text): Promise<void> {
      await output.write(lines.length === 0 ? text : erased() + text + drawn());
    },
    async clear(): Promise<void> {
      const text = erased();
      lines = [];
      if (text !== "") await output.write(text);
    },
  };
}

/** Columns of a line in a log. */
const LOG_COLUMNS = 120;

/** Lines that follow each other, for files and pipes. */
export function logStyle(output: Output): ProgressStyle {
  return {
    interval: LOG_INTERVAL,
    show: (shown) => output.write(`${progressLine(shown, LOG_COLUMNS)}\n`),
    say: (text) => output.write(text),
    clear: () => Promise.resolve(),
  };
}

/** Events for programs. */
export function eventStyle(
  show: (shown: Shown) => Promise<void>,
): ProgressStyle {
  const nothing = () => Promise.resolve();
  return { interval: EVENT_INTERVAL, show, say: nothing, clear: nothing };
}

/** A connection that is tried again. */
interface Retry {
  readonly at: number;
  readonly bytes: number;
}

/** Looks at a meter from time to time and shows what it says. */
export class ProgressDisplay {
  readonly #clock: Clock;
  readonly #style: ProgressStyle;
  readonly #meter: Meter;
  #cancel: CancelTimer = () => {};
  #isStopped = false;
  #questions = 0;
  #retry: Retry | undefined;

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
      this.#look().catch(() => {}).then(() => this.#schedule());
    });
  }

  async #look(): Promise<void> {
    if (this.#questions > 0) return;
    const reading = this.#meter.read();
    // Bytes tell that it has worked.
    if (this.#retry?.bytes !== reading.bytes) this.#retry = undefined;
    const retryIn = this.#retry === undefined
      ? undefined
      : Math.max(0, this.#retry.at - this.#clock.monotonic());
    await this.#style.show({ reading, retryIn });
  }

  /** The connection is lost and tried again in so many milliseconds. */
  retry(delay: number): void {
    const at = this.#clock.monotonic() + delay;
    this.#retry = { at, bytes: this.#meter.read().bytes };
  }

  /** The connection is there again. */
  connected(): void {
    this.#retry = undefined;
  }

  /** Writes a text where it stays. */
  say(text: string): Promise<void> {
    return this.#style.say(text);
  }

  /** Takes away what stands there; the next look brings it back. */
  clear(): Promise<void> {
    return this.#style.clear();
  }

  /** Shows nothing while a question is asked. */
  async aside<T>(question: () => Promise<T>): Promise<T> {
    this.#questions++;
    try {
      await this.#style.clear();
      return await question();
    } finally {
      this.#questions--;
    }
  }

  /** Ends the display. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#style.clear();
  }
}
