/**
 * The faults as they are now, and what all connections share of them.
 *
 * @module
 */
import type { Clock } from "../../lib/platform/mod.ts";
import { Tally } from "./counters.ts";
import {
  checkFaults,
  type Cut,
  CUT_KINDS,
  type CutKind,
  type Direction,
  type Faults,
  isOn,
  oneWay,
} from "./faults.ts";
import { TokenBucket } from "./token_bucket.ts";

/** A cut's progress. */
interface CutProgress {
  /** How often it may still happen. */
  timesLeft: number;
  /** Bytes over all connections at which the next happens to all. */
  totalAt: number;
}

/** What all connections share. */
export class Conditions {
  readonly seed: number;
  readonly clock: Clock;
  readonly tally = new Tally();
  #faults: Faults = {};
  readonly #cuts = new Map<CutKind, CutProgress>();
  readonly #buckets = new Map<Direction, TokenBucket>();

  /**
   * Begins with nothing wrong.
   *
   * @param seed Settles all that is left to chance.
   * @param clock What time it is.
   */
  constructor(seed: number, clock: Clock) {
    this.seed = seed;
    this.clock = clock;
  }

  /** What is wrong; another object after each change. */
  get faults(): Faults {
    return this.#faults;
  }

  /**
   * Changes what is wrong; what `changes` does not name stays.
   *
   * @throws {RangeError} if it makes no sense; nothing has changed then.
   */
  set(changes: Faults): void {
    const faults = { ...this.#faults, ...changes };
    checkFaults(faults);
    this.#faults = faults;
    for (const kind of CUT_KINDS) {
      if (kind in changes) this.#begin(kind, faults[kind]);
    }
    for (const direction of ["up", "down"] as const) {
      const rate = oneWay(faults.totalRate, direction);
      const bucket = this.#buckets.get(direction);
      if (rate === undefined) this.#buckets.delete(direction);
      else if (bucket !== undefined) bucket.rate = rate;
      else this.#buckets.set(direction, new TokenBucket(rate));
    }
  }

  /** The rate limit over all connections. */
  totalBucket(direction: Direction): TokenBucket | undefined {
    return this.#buckets.get(direction);
  }

  /** Bytes that may go this way until a cut happens to all connections. */
  bytesToTotalCut(direction: Direction): number {
    let bytes = Infinity;
    for (const [kind, { totalAt }] of this.#cuts) {
      if (!isOn(this.#faults[kind]?.direction, direction)) continue;
      bytes = Math.min(bytes, totalAt - this.#count(kind));
    }
    // Not 0: another connection is just about to cut this one too.
    return Math.max(1, bytes);
  }

  /** Whether so many bytes went that it happens to all now; then it counts as done. */
  takeTotalCut(kind: CutKind): boolean {
    const progress = this.#cuts.get(kind);
    const total = this.#faults[kind]?.total;
    if (progress === undefined || total === undefined) return false;
    if (this.#count(kind) < progress.totalAt) return false;
    progress.timesLeft--;
    progress.totalAt = progress.timesLeft > 0
      ? progress.totalAt + total
      : Infinity;
    return true;
  }

  /** Whether a cut may happen to one more connection; then it counts as done. */
  takeCut(kind: CutKind): boolean {
    const progress = this.#cuts.get(kind);
    if (progress === undefined || progress.timesLeft <= 0) return false;
    progress.timesLeft--;
    return true;
  }

  #begin(kind: CutKind, cut: Cut | undefined): void {
    this.#cuts.delete(kind);
    if (cut === undefined) return;
    const { total, times = total === undefined ? Infinity : 1 } = cut;
    const totalAt = total === undefined ? Infinity : this.#count(kind) + total;
    this.#cuts.set(kind, { timesLeft: times, totalAt });
  }

  #count(kind: CutKind): number {
    const direction = this.#faults[kind]?.direction;
    return (isOn(direction, "up") ? this.tally.bytes("up") : 0) +
      (isOn(direction, "down") ? this.tally.bytes("down") : 0);
  }
}
