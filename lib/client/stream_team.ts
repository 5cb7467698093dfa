/**
 * Several data connections at work on one file.
 *
 * @module
 */

import type { Clock } from "../platform/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import type { ControlSession } from "./control_session.ts";
import type { DataPool } from "./data_pool.ts";
import { toFerryError } from "./errors.ts";
import { STREAM_INTERVAL } from "./limits.ts";
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
 * The further connections of one transfer; the first is its own. One that fails
 * is no loss: what it had is missing in the end, and is asked for again.
 */
export class StreamTeam {
  readonly #parts: TeamParts;
  readonly #main: FrameChannel;
  readonly #controller: StreamController;
  readonly #helpers = new Set<{ retired: boolean; channel?: FrameChannel }>();
  readonly #running = new Set<Promise<void>>();
  #wireBytes = 0;
  #bytesBefore = 0;
  #isOver = false;
  #over = new AbortController();
  #cancelTimer = (): void => {};

  /**
   * @param parts What it works with.
   * @param main The transfer's own connection.
   */
  constructor(parts: TeamParts, main: FrameChannel) {
    this.#parts = parts;
    this.#main = main;
    const { streams, session } = parts;
    const countMax = session.info.dataConnections;
    this.#controller = new StreamController({
      countMax: streams === "auto" ? countMax : 1,
    });
  }

  /** How many connections are at work. */
  get count(): number {
    return 1 + this.#helpers.size;
  }

  /** Bytes that the further connections have carried. */
  get wireBytes(): number {
    return this.#wireBytes;
  }

  /**
   * Lets further connections work while the first does.
   *
   * @param work What each does: returns whether its connection can be used again.
   */
  start(work: (helper: Helper) => Promise<boolean>): void {
    const { streams, clock } = this.#parts;
    this.#isOver = false;
    this.#over = new AbortController();
    if (streams !== "auto") {
      for (let count = 1; count < streams; count++) this.#add(work);
      return;
    }
    this.#bytesBefore = this.#moved();
    const measure = (): void => {
      this.#cancelTimer = clock.after(STREAM_INTERVAL, () => {
        const moved = this.#moved();
        const rate = (moved - this.#bytesBefore) / STREAM_INTERVAL * 1000;
        this.#bytesBefore = moved;
        this.#controller.measured(rate);
        this.#adjust(work);
        measure();
      });
    };
    measure();
  }

  /** Waits until every further connection is done, and adds no more. */
  async finish(): Promise<void> {
    this.#isOver = true;
    this.#over.abort();
    this.#cancelTimer();
    await Promise.all(this.#running);
  }

  #moved(): number {
    let moved = this.#wireBytes + wireBytes(this.#main);
    for (const { channel } of this.#helpers) {
      if (channel !== undefined) moved += wireBytes(channel);
    }
    return moved;
  }

  #adjust(work: (helper: Helper) => Promise<boolean>): void {
    const active = [...this.#helpers].filter(({ retired }) => !retired);
    for (const helper of active.slice(this.#controller.count - 1)) {
      helper.retired = true;
    }
    for (
      let count = active.length + 1;
      count < this.#controller.count;
      count++
    ) this.#add(work);
  }

  #add(work: (helper: Helper) => Promise<boolean>): void {
    const running = this.#help(work);
    this.#running.add(running);
    // Whoever waits for all of them hears of a bug.
    running.catch(() => {}).finally(() => this.#running.delete(running));
  }

  async #help(work: (helper: Helper) => Promise<boolean>): Promise<void> {
    const { session, pool, signal } = this.#parts;
    const leaving = AbortSignal.any(
      signal === undefined ? [this.#over.signal] : [this.#over.signal, signal],
    );
    const helper: { retired: boolean; channel?: FrameChannel } = {
      retired: false,
    };
    this.#helpers.add(helper);
    let channel: FrameChannel | undefined;
    let isUsable = false;
    let before = 0;
    const onAbort = (): void => channel?.close();
    try {
      // Nobody waits for a connection that is still being made at the end.
      ({ channel } = await pool.borrow(leaving));
      helper.channel = channel;
      before = wireBytes(channel);
      this.#wireBytes -= before;
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) onAbort();
      if (!this.#isOver) {
        const lent = channel;
        isUsable = await withStallWatch(
          lent,
          this.#parts,
          () => lent.isReading || lent.isWriting,
          work({
            channel: lent,
            id: session.nextId(),
            isRetired: () => helper.retired,
          }),
        );
      }
    } catch (error) {
      // A bug is not to be hidden; everything else shows in the transfer itself.
      if (toFerryError(error).code === "internal") throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#helpers.delete(helper);
      if (channel !== undefined) {
        this.#wireBytes += wireBytes(channel);
        pool.giveBack(channel, isUsable);
      }
    }
  }
}
