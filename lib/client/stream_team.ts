/**
 * Several data connections at work on one file.
 *
 * @module
 */

import { type Clock, sleep } from "../platform/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import type { ControlSession } from "./control_session.ts";
import type { DataPool } from "./data_pool.ts";
import { toFerryError } from "./errors.ts";
import { STREAM_INTERVAL, STREAM_PATIENCE, STREAM_POLL } from "./limits.ts";
import { wireBytes } from "./loan.ts";
import { withStallWatch } from "./stall_watch.ts";
import { StreamController } from "./stream_controller.ts";

/** How many connections one file may use. */
export type StreamCount = number | "auto";

/** What a team works with. */
export interface TeamParts {
  /** The session. */
  readonly session: ControlSession;
  /** Its data connections. */
  readonly pool: DataPool;
  /** The time. */
  readonly clock: Clock;
  /** Milliseconds of silence that end a connection. */
  readonly timeout: number;
  /** How many connections, the first among them. */
  readonly streams: StreamCount;
  /** Bytes that each must have moved before the rate says something. */
  readonly warmSize: number;
  /** Ends everything. */
  readonly signal: AbortSignal | undefined;
}

/** What a further connection does. */
export interface Helper {
  /** The connection. */
  readonly channel: FrameChannel;
  /** A new exchange id for it. */
  readonly id: number;
  /** Whether it should stop when its piece is done. */
  readonly isRetired: () => boolean;
}

/**
 * What each further connection does until there is nothing left to take, or it is
 * retired: returns whether the connection can be used again.
 */
export type HelperWork = (helper: Helper) => Promise<boolean>;

/** A connection of the team. */
interface Member {
  /** The connection, once it is made. */
  channel?: FrameChannel;
  /** Bytes that it had carried when it came. */
  before: number;
  /** Whether it is to leave. */
  isRetired: boolean;
}

/**
 * The further connections of one transfer; the first is its own. One that fails
 * is no loss: what it had is missing in the end, and is asked for again.
 */
export class StreamTeam {
  readonly #parts: TeamParts;
  /** Steers, once it has begun. */
  #controller: StreamController | undefined;
  readonly #helpers = new Set<Member>();
  readonly #running = new Set<Promise<void>>();
  readonly #work = Promise.withResolvers<HelperWork | undefined>();
  readonly #over = new AbortController();
  /** Bytes of those that have left. */
  #bytesLeft = 0;
  /** Whether one has ended that was not to leave: there is nothing left to take. */
  #isDrained = false;

  /** @param parts What it works with. */
  constructor(parts: TeamParts) {
    this.#parts = parts;
  }

  /** Whether more than one connection may come into question, as far as is known. */
  get mayGrow(): boolean {
    const { streams } = this.#parts;
    return (streams === "auto" ? this.#steering.countMax : streams) > 1;
  }

  /** How many connections there are now. */
  get count(): number {
    let count = 1;
    for (const { channel } of this.#helpers) if (channel !== undefined) count++;
    return count;
  }

  /** Bytes that the further connections have carried. */
  get wireBytes(): number {
    let bytes = this.#bytesLeft;
    for (const helper of this.#helpers) bytes += movedBy(helper);
    return bytes;
  }

  /** How many connections are wanted now. */
  get #wanted(): number {
    const { streams } = this.#parts;
    return streams === "auto" ? this.#steering.count : streams;
  }

  /** Until it has begun, what is known of the link grows. */
  get #steering(): StreamController {
    const { info, roundTrip } = this.#parts.session;
    const countMax = info.dataConnections;
    return this.#controller ?? new StreamController({ countMax, roundTrip });
  }

  /** Has further connections made: there will be work for them. */
  prepare(): void {
    this.#adjust();
  }

  /**
   * Lets further connections work while the first does. To be called once.
   *
   * @param channel The first.
   * @param work What each of the others does.
   */
  start(channel: FrameChannel, work: HelperWork): void {
    const controller = this.#steering;
    this.#controller = controller;
    this.#work.resolve(work);
    this.#adjust();
    if (this.#parts.streams !== "auto" || !this.mayGrow) return;
    const first = { channel, before: wireBytes(channel), isRetired: false };
    this.#keep(this.#steer(controller, first));
  }

  /** Waits until every further connection is done, and adds no more. */
  async finish(): Promise<void> {
    this.#over.abort();
    this.#work.resolve(undefined);
    await Promise.all(this.#running);
  }

  /** Measures while all are under way, and follows what the controller says. */
  async #steer(controller: StreamController, first: Member): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#over;
    const moved = (): number => movedBy(first) + this.wireBytes;
    while (!this.#isDrained) {
      await this.#settled(first);
      const before = moved();
      const start = clock.monotonic();
      await sleep(clock, STREAM_INTERVAL, signal);
      if (this.#isDrained) return;
      const seconds = (clock.monotonic() - start) / 1000;
      controller.measured((moved() - before) / seconds);
      this.#adjust();
    }
  }

  /** Waits until those that are wanted, and no others, are under way. */
  async #settled(first: Member): Promise<void> {
    const { clock, warmSize } = this.#parts;
    for (let wait = 0; wait < STREAM_PATIENCE; wait += STREAM_POLL) {
      const isSettled = [first, ...this.#helpers].every((one) =>
        !one.isRetired && movedBy(one) >= warmSize
      );
      if (isSettled) return;
      await sleep(clock, STREAM_POLL, this.#over.signal);
    }
  }

  #adjust(): void {
    const active = [...this.#helpers].filter(({ isRetired }) => !isRetired);
    for (const helper of active.slice(this.#wanted - 1)) {
      helper.isRetired = true;
    }
    for (let count = active.length + 1; count < this.#wanted; count++) {
      this.#add();
    }
  }

  #add(): void {
    if (this.#over.signal.aborted) return;
    this.#keep(this.#help());
  }

  #keep(work: Promise<void>): void {
    const running = work.catch((error) => {
      // A bug is not to be hidden; everything else shows in the transfer itself.
      if (toFerryError(error).code === "internal") throw error;
    });
    this.#running.add(running);
    // Whoever waits for all of them hears of it.
    running.catch(() => {}).finally(() => this.#running.delete(running));
  }

  async #help(): Promise<void> {
    const { pool, signal } = this.#parts;
    const leaving = AbortSignal.any(
      signal === undefined ? [this.#over.signal] : [this.#over.signal, signal],
    );
    const helper: Member = { before: 0, isRetired: false };
    this.#helpers.add(helper);
    let isUsable = false;
    const onAbort = (): void => helper.channel?.close();
    try {
      // Nobody waits for a connection that is still being made at the end.
      const { channel } = await pool.borrow(leaving);
      helper.before = wireBytes(channel);
      helper.channel = channel;
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) onAbort();
      const work = await this.#work.promise;
      const isNeeded = !this.#over.signal.aborted && !helper.isRetired;
      isUsable = isNeeded && work !== undefined
        ? await this.#run(helper, channel, work)
        : !signal?.aborted;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#helpers.delete(helper);
      this.#bytesLeft += movedBy(helper);
      if (helper.channel !== undefined) pool.giveBack(helper.channel, isUsable);
    }
  }

  async #run(
    helper: Member,
    channel: FrameChannel,
    work: HelperWork,
  ): Promise<boolean> {
    const isUsable = await withStallWatch(
      channel,
      this.#parts,
      () => channel.isReading || channel.isWriting,
      work({
        channel,
        id: this.#parts.session.nextId(),
        isRetired: () => helper.isRetired,
      }),
    );
    if (!helper.isRetired) this.#isDrained = true;
    return isUsable;
  }
}

/** Bytes that a connection has carried since it came. */
function movedBy({ channel, before }: Member): number {
  return channel === undefined ? 0 : wireBytes(channel) - before;
}
