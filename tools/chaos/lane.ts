/**
 * One way of one connection. What is read waits for the rate limit, is under way
 * for the delay, and is then written; positions in the stream are counted there.
 *
 * @module
 */
import { sleep } from "../../lib/platform/mod.ts";
import type { Conditions } from "./conditions.ts";
import type { ConnectionTally } from "./counters.ts";
import { DelayLine } from "./delay_line.ts";
import { type Direction, type Faults, isOn, oneWay } from "./faults.ts";
import { LanePlan } from "./lane_plan.ts";
import type { Batch, Line } from "./line.ts";
import { TokenBucket } from "./token_bucket.ts";

/** The connection that a lane belongs to. */
export interface LaneOwner {
  /** Ends everything. */
  readonly signal: AbortSignal;
  /** Counts. */
  readonly tally: ConnectionTally;
  /** Resolves when the lane is not silent, at once if it is not. */
  whenAudible(direction: Direction): Promise<void>;
  /** Whether the lane is silent. */
  isSilent(direction: Direction): boolean;
  /** Bytes went on: is it time for a cut? */
  onMoved(lane: Lane): void;
  /** An end of the connection is broken. */
  onBroken(line: Line): void;
}

/** Milliseconds of a rate that pass as one piece: fine enough to be smooth. */
const PIECE_MS = 5;

/** Bytes under way beyond what the link holds: a socket's buffer, 256 KiB. */
const SLACK = 262_144;

/** Bytes under way where no rate bounds them: 1 GB/s for 60 ms, 64 MiB. */
const BUFFER_DEFAULT = 67_108_864;

/** The lane ends: a line broke, and its owner knows. */
class BrokenLane extends Error {}

/** One way of one connection. */
export class Lane {
  readonly direction: Direction;
  readonly #from: Line;
  readonly #to: Line;
  readonly #conditions: Conditions;
  readonly #owner: LaneOwner;
  readonly #underWay: DelayLine;
  #bucket: TokenBucket | undefined;
  #faults: Faults | undefined;
  #plan: LanePlan | undefined;
  /** Bytes that went on. */
  #position = 0;
  /** Where the stammer's piece ends, and how many there were. */
  #pieceEnd = 0;
  #pieceCount = 0;

  /**
   * Makes a lane; {@linkcode Lane.run} starts it.
   *
   * @param direction Which way.
   * @param ends Where its bytes come from and go to.
   * @param owner Its connection, and what that shares with the others.
   */
  constructor(
    direction: Direction,
    ends: { readonly from: Line; readonly to: Line },
    owner: LaneOwner & { readonly conditions: Conditions },
  ) {
    this.direction = direction;
    this.#from = ends.from;
    this.#to = ends.to;
    this.#owner = owner;
    this.#conditions = owner.conditions;
    this.#underWay = new DelayLine(owner.conditions.clock, owner.signal);
  }

  /** Bytes that went on. */
  get position(): number {
    return this.#position;
  }

  /** Where the faults are. */
  get plan(): LanePlan {
    const { faults, seed } = this.#conditions;
    if (this.#plan === undefined || this.#faults !== faults) {
      const { connection } = this.#owner.tally;
      const { direction } = this;
      this.#plan = new LanePlan({ seed, connection, direction }, faults);
      this.#faults = faults;
    }
    return this.#plan;
  }

  /** Runs until the end was passed on, a line broke or the owner's signal came. */
  async run(): Promise<void> {
    await Promise.all([
      this.#untilOver(() => this.#receive()),
      this.#untilOver(() => this.#forward()),
    ]);
  }

  async #untilOver(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof BrokenLane || this.#owner.signal.aborted) return;
      throw error;
    }
  }

  async #receive(): Promise<void> {
    for (;;) {
      const batch = await this.#use(this.#from, () => this.#from.read());
      if (batch.length === 0) break;
      if (this.#rateLimit() === undefined) await this.#send(batch);
      else await this.#sendSlowly(batch);
    }
    await this.#underWay.push(undefined, this.#delay(), Infinity);
  }

  async #forward(): Promise<void> {
    for (;;) {
      const { bytes } = await this.#underWay.next();
      if (bytes === undefined) break;
      await this.#deliver([bytes]);
      this.#underWay.shift();
    }
    await this.#owner.whenAudible(this.direction);
    await this.#use(this.#to, () => this.#to.end());
  }

  /** The lower of the two rates; `undefined` without any. */
  #rateLimit(): number | undefined {
    const own = oneWay(this.#conditions.faults.rate, this.direction);
    const total = oneWay(this.#conditions.faults.totalRate, this.direction);
    if (own === undefined) return total;
    return Math.min(own, total ?? Infinity);
  }

  #delay(): number {
    return oneWay(this.#conditions.faults.delay, this.direction) ?? 0;
  }

  /** Bytes that may be under way. */
  #capacity(delay: number): number {
    const rate = this.#rateLimit();
    const buffer = this.#conditions.faults.buffer ?? BUFFER_DEFAULT;
    if (rate === undefined) return delay > 0 ? buffer : SLACK;
    return Math.min(buffer, Math.ceil(rate * delay / 1000) + SLACK);
  }

  async #sendSlowly(batch: Batch): Promise<void> {
    const { signal } = this.#owner;
    for (const bytes of batch) {
      for (let at = 0; at < bytes.length;) {
        // Anew for each piece: a batch can take minutes, and the rate change.
        const perPiece = (this.#rateLimit() ?? Infinity) * PIECE_MS / 1000;
        const size = Math.min(bytes.length, Math.max(1, Math.floor(perPiece)));
        const piece = bytes.subarray(at, at + size);
        const wait = this.#takeTokens(piece.length);
        if (wait > 0) await sleep(this.#conditions.clock, wait, signal);
        await this.#send([piece]);
        at += piece.length;
      }
    }
  }

  #takeTokens(bytes: number): number {
    const now = this.#conditions.clock.monotonic();
    const rate = oneWay(this.#conditions.faults.rate, this.direction);
    let wait = 0;
    if (rate !== undefined) {
      this.#bucket ??= new TokenBucket(rate);
      this.#bucket.rate = rate;
      wait = this.#bucket.take(bytes, now);
    }
    const total = this.#conditions.totalBucket(this.direction);
    return Math.max(wait, total?.take(bytes, now) ?? 0);
  }

  async #send(batch: Batch): Promise<void> {
    const delay = this.#delay();
    if (delay === 0 && this.#underWay.isEmpty) {
      return await this.#deliver(batch);
    }
    const capacity = this.#capacity(delay);
    for (const bytes of batch) {
      await this.#underWay.push(bytes, delay, capacity);
    }
    this.#owner.tally.held(this.#underWay.sizeMax);
  }

  /** Writes, with all that happens at positions of the stream. */
  async #deliver(batch: Batch): Promise<void> {
    const { faults } = this.#conditions;
    const { stammer, flip, reset, close, silence } = faults;
    const isPlain = !this.#owner.isSilent(this.direction) &&
      stammer === undefined && flip === undefined && reset === undefined &&
      close === undefined && silence === undefined;
    if (isPlain) return await this.#write(batch);
    for (const bytes of batch) {
      for (let at = 0; at < bytes.length;) {
        await this.#owner.whenAudible(this.direction);
        this.#owner.signal.throwIfAborted();
        const size = Math.min(bytes.length - at, this.#stretch());
        const piece = bytes.subarray(at, at + size);
        this.#flip(piece);
        await this.#write([piece]);
        at += size;
        await this.#rest();
      }
    }
  }

  /** Bytes until something is to happen. */
  #stretch(): number {
    const { plan } = this;
    while (this.#pieceEnd <= this.#position) {
      const size = plan.pieceSize(this.#pieceCount);
      if (size === undefined) break;
      this.#pieceCount++;
      this.#pieceEnd += size;
    }
    const pieceLeft = this.#pieceEnd - this.#position;
    return Math.min(
      pieceLeft > 0 ? pieceLeft : Infinity,
      plan.bytesToCut(this.#position),
      this.#conditions.bytesToTotalCut(this.direction),
    );
  }

  #flip(piece: Uint8Array): void {
    const start = this.#position;
    for (const point of this.plan.flips(start, start + piece.length)) {
      piece[point.position - start]! ^= point.mask;
      this.#owner.tally.flipped();
    }
  }

  async #write(batch: Batch): Promise<void> {
    await this.#use(this.#to, () => this.#to.write(batch));
    for (const bytes of batch) {
      this.#position += bytes.length;
      this.#owner.tally.moved(this.direction, bytes.length);
    }
    this.#owner.onMoved(this);
  }

  /** The stammer's pause. */
  async #rest(): Promise<void> {
    const { stammer } = this.#conditions.faults;
    if (stammer?.delay === undefined || stammer.delay === 0) return;
    if (!isOn(stammer.direction, this.direction)) return;
    await sleep(this.#conditions.clock, stammer.delay, this.#owner.signal);
  }

  async #use<T>(line: Line, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch {
      // How it broke does not matter: the other end gets a reset either way.
      this.#owner.onBroken(line);
      throw new BrokenLane();
    }
  }
}
