/**
 * Where in the bytes of one way of one connection the faults are. It is settled
 * by the seed before the first byte comes, and has no state.
 *
 * @module
 */
import { DRAW, draw } from "./chance.ts";
import { type CutKind, type Direction, type Faults, isOn } from "./faults.ts";

/** Which way of which connection. */
export interface LaneIdentity {
  /** The seed of the run. */
  readonly seed: number;
  /** The connection's number; the first is 1. */
  readonly connection: number;
  /** Which way. */
  readonly direction: Direction;
}

/** A wrong bit. */
export interface FlipPoint {
  /** The byte, counted from the first of the connection. */
  readonly position: number;
  /** What it is combined with by exclusive or: one bit. */
  readonly mask: number;
}

/** Where the faults are. */
export class LanePlan {
  readonly #identity: LaneIdentity;
  readonly #faults: Faults;
  readonly #cuts = new Map<CutKind, number>();

  /**
   * Makes the plan.
   *
   * @param identity Which way of which connection.
   * @param faults What is wrong.
   */
  constructor(identity: LaneIdentity, faults: Faults) {
    this.#identity = identity;
    this.#faults = faults;
    this.#place("reset");
    this.#place("close");
    this.#place("silence");
  }

  /** The position at which a cut happens; `undefined` if none does on its own. */
  cutAt(kind: CutKind): number | undefined {
    return this.#cuts.get(kind);
  }

  /** Bytes from `position` to the next cut. */
  bytesToCut(position: number): number {
    let bytes = Infinity;
    for (const at of this.#cuts.values()) {
      if (at > position) bytes = Math.min(bytes, at - position);
    }
    return bytes;
  }

  /** Bytes of the stammer's piece of this number; `undefined` without stammer. */
  pieceSize(index: number): number | undefined {
    const stammer = this.#faults.stammer;
    if (stammer === undefined) return undefined;
    if (!isOn(stammer.direction, this.#identity.direction)) return undefined;
    return 1 + Math.floor(this.#draw(DRAW.stammer, index) * stammer.sizeMax);
  }

  /** The wrong bits from `start` up to, not including, `end`. */
  flips(start: number, end: number): FlipPoint[] {
    const flip = this.#faults.flip;
    if (flip === undefined) return [];
    const { connection, direction } = this.#identity;
    if (!isOn(flip.direction, direction)) return [];
    if ((flip.connection ?? connection) !== connection) return [];
    const { every, from = 0, times = Infinity } = flip;
    const points: FlipPoint[] = [];
    let block = Math.max(0, Math.floor((start - from) / every));
    for (; from + block * every < end && block < times; block++) {
      const offset = Math.floor(this.#draw(DRAW.flipPosition, block) * every);
      const position = from + block * every + offset;
      if (position < start || position >= end) continue;
      const mask = 1 << Math.floor(this.#draw(DRAW.flipBit, block) * 8);
      points.push({ position, mask });
    }
    return points;
  }

  #place(kind: CutKind): void {
    const cut = this.#faults[kind];
    if (cut === undefined || cut.total !== undefined) return;
    const { connection, direction } = this.#identity;
    if (!isOn(cut.direction, direction)) return;
    if ((cut.connection ?? connection) !== connection) return;
    const [min, max] = cut.between ?? [cut.after ?? 0, cut.after ?? 0];
    const offset = Math.floor(this.#draw(DRAW[kind], 0) * (max - min + 1));
    this.#cuts.set(kind, min + offset);
  }

  #draw(what: number, index: number): number {
    const { seed, connection, direction } = this.#identity;
    return draw(seed, what, connection, direction === "up" ? 0 : 1, index);
  }
}
