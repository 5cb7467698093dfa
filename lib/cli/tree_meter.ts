/**
 * How far the trees of a command are, taken together. A percentage is only
 * named once everything is listed, and never goes backwards.
 *
 * @module
 */

import type { TreeProgress } from "../client/mod.ts";
import type { Clock } from "../platform/mod.ts";
import { type Meter, type MeterReading, RateWindow } from "./transfer_meter.ts";

const NOTHING: TreeProgress = {
  files: 0,
  filesTotal: 0,
  bytes: 0,
  bytesTotal: 0,
  isCounting: true,
  name: "",
  active: 0,
};

/** Adds up the trees of one command, which are moved one after the other. */
export class TreeMeter implements Meter {
  readonly #window: RateWindow;
  #before = NOTHING;
  #now = NOTHING;
  #treesLeft: number;
  #percent = 0;

  /**
   * @param clock The time.
   * @param trees How many there are.
   */
  constructor(clock: Clock, trees: number) {
    this.#window = new RateWindow(clock);
    this.#treesLeft = trees;
  }

  /** Milliseconds since the beginning. */
  get elapsed(): number {
    return this.#window.elapsed;
  }

  /** The tree is this far. */
  update(progress: TreeProgress): void {
    this.#now = progress;
    this.#window.sample(this.#before.bytes + progress.bytes);
  }

  /** The tree is through. */
  next(): void {
    this.#treesLeft--;
    this.#before = this.#sum();
    this.#now = { ...NOTHING, isCounting: this.#treesLeft > 0 };
  }

  read(): MeterReading {
    const { files, filesTotal, bytes, bytesTotal, name, active } = this.#sum();
    // Whoever looks during a standstill makes it count.
    this.#window.sample(bytes);
    const isCounting = this.#now.isCounting || this.#treesLeft > 1;
    return {
      files,
      filesTotal,
      bytes,
      bytesTotal,
      percent: isCounting ? undefined : this.#readPercent(bytes, bytesTotal),
      rate: this.#window.rate(bytes),
      remaining: isCounting
        ? undefined
        : this.#window.remaining(bytes, bytesTotal - bytes),
      name,
      active,
      standstill: this.#window.standstill,
      isCounting,
    };
  }

  #sum(): TreeProgress {
    const [before, now] = [this.#before, this.#now];
    return {
      ...now,
      files: before.files + now.files,
      filesTotal: before.filesTotal + now.filesTotal,
      bytes: before.bytes + now.bytes,
      bytesTotal: before.bytesTotal + now.bytesTotal,
    };
  }

  #readPercent(bytes: number, total: number): number {
    const percent = total === 0 ? 0 : Math.floor(bytes * 100 / total);
    this.#percent = Math.max(this.#percent, percent);
    return this.#percent;
  }
}
