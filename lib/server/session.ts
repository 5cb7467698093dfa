/**
 * One logged-in client: who it is, what it may do, and what of it is running.
 *
 * @module
 */

import type { Clock, Random } from "../platform/mod.ts";
import { type Right, SESSION_ID_SIZE, TOKEN_SIZE } from "../protocol/mod.ts";
import type { Storage } from "../storage/mod.ts";
import type { FrameChannel, Pacer } from "../transport/mod.ts";
import { RefusalError } from "./errors.ts";
import type { ServerLimits } from "./limits.ts";
import type { Offer } from "./types.ts";
import type { Upload } from "./upload.ts";

/** Dials a client that listens for a data connection. */
export type Dial = (
  session: Session,
  target: { readonly port: number; readonly token: Uint8Array },
  signal: AbortSignal,
) => Promise<void>;

/** What every session of a server shares. */
export interface ServerContext {
  /** Where files are. */
  readonly storage: Storage;
  /** Limits and waits. */
  readonly limits: ServerLimits;
  /** The time. */
  readonly clock: Clock;
  /** Ids and tokens. */
  readonly random: Random;
  /** Shares the bandwidth among the sessions. */
  readonly pacer: Pacer;
  /** Dials a data connection back to a client; `undefined`: never. */
  readonly dial: Dial | undefined;
  /** The uploads that are open, by their ids. */
  readonly uploads: Map<string, Upload>;
  /** Whether the server is shutting down. */
  readonly draining: () => boolean;
}

/** Something that `CANCEL` can end. */
interface Exchange {
  readonly id: number;
  readonly controller: AbortController;
}

/** An exchange that is remembered from its request to its end, running or not. */
export interface KeptExchange extends Disposable {
  /** Aborted by `CANCEL`. */
  readonly signal: AbortSignal;
}

/** A logged-in client. */
export class Session {
  /** What the server shares. */
  readonly context: ServerContext;
  /** Names the session when a data connection attaches, and in logs. */
  readonly id: Uint8Array<ArrayBuffer>;
  /** Who it is. */
  readonly user: string;
  /** What it may do. */
  readonly offer: Offer;
  /** The control connection. */
  readonly control: FrameChannel;
  /** Waits until the session may move so many bytes more. */
  readonly pace: (bytes: number) => Promise<void>;
  readonly #running = new Set<Exchange>();
  readonly #kept = new Set<Exchange>();
  readonly #data = new Set<FrameChannel>();
  readonly #tokens = new Map<string, number>();
  readonly #ended = new AbortController();
  #dialling = 0;

  /**
   * @param context What the server shares.
   * @param control The control connection.
   * @param offer What the user may do.
   */
  constructor(context: ServerContext, control: FrameChannel, offer: Offer) {
    this.context = context;
    this.control = control;
    this.offer = offer;
    this.user = "anonymous";
    const { signal } = this.#ended;
    this.pace = (bytes) => context.pacer.take(this, bytes, signal);
    this.id = context.random.bytes(SESSION_ID_SIZE);
  }

  /** Whether an exchange is running, or a transfer's answer is not acknowledged yet. */
  get isBusy(): boolean {
    return this.#running.size > 0 ||
      [...this.#data].some(({ conversation }) => conversation.open > 0);
  }

  /** The data connections that are attached. */
  get data(): Iterable<FrameChannel> {
    return this.#data;
  }

  /**
   * Refuses what the user may not do, and everything new while the server is
   * shutting down.
   *
   * @throws {RefusalError} `denied` with the reason, `unavailable`.
   */
  require(right: Right | undefined): void {
    if (this.context.draining()) {
      throw new RefusalError("unavailable", "the server is shutting down");
    }
    if (right === undefined) return;
    const reason = this.offer.refusals[right];
    if (reason !== undefined) throw new RefusalError("denied", reason);
  }

  /**
   * Runs an exchange that `CANCEL` can end through the signal. A client that
   * uses an id twice, on two connections, gets both ended at once.
   */
  async run(
    id: number,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const exchange = { id, controller: new AbortController() };
    this.#running.add(exchange);
    try {
      await work(exchange.controller.signal);
    } finally {
      this.#running.delete(exchange);
    }
  }

  /**
   * Remembers an exchange for which `CANCEL` may come while the server has
   * nothing to do for it: the next frame of it is answered with that.
   */
  keep(id: number): KeptExchange {
    const controller = new AbortController();
    const exchange = { id, controller };
    this.#kept.add(exchange);
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => void this.#kept.delete(exchange),
    };
  }

  /** Ends an exchange that is running or kept; one that has ended is left alone. */
  cancel(id: number): void {
    const reason = new RefusalError("cancelled", "cancelled by the client");
    for (const exchange of [...this.#running, ...this.#kept]) {
      if (exchange.id === id) exchange.controller.abort(reason);
    }
  }

  /** Counts a dialling, as long as it takes. No more at once than there may be connections. */
  async whileDialling(work: () => Promise<void>): Promise<void> {
    if (this.#dialling >= this.context.limits.dataConnectionCountMax) {
      throw new RefusalError("limit", "the server is dialling already");
    }
    this.#dialling++;
    try {
      await work();
    } finally {
      this.#dialling--;
    }
  }

  /** Makes a token that attaches one data connection. */
  grantToken(): Uint8Array {
    const { clock, random, limits } = this.context;
    const now = clock.monotonic();
    for (const [token, expiry] of this.#tokens) {
      if (expiry < now) this.#tokens.delete(token);
    }
    if (
      this.#data.size + this.#tokens.size >= limits.dataConnectionCountMax
    ) {
      throw new RefusalError(
        "limit",
        `a session has at most ${limits.dataConnectionCountMax} data connections`,
      );
    }
    const token = random.bytes(TOKEN_SIZE);
    this.#tokens.set(token.toHex(), now + limits.tokenLifetime);
    return token;
  }

  /**
   * Attaches a data connection.
   *
   * @returns Whether the token was good; it is used up in any case.
   */
  attach(channel: FrameChannel, token: Uint8Array): boolean {
    const key = token.toHex();
    const expiry = this.#tokens.get(key);
    this.#tokens.delete(key);
    if (expiry === undefined || expiry < this.context.clock.monotonic()) {
      return false;
    }
    this.#data.add(channel);
    return true;
  }

  /** Forgets a data connection. */
  detach(channel: FrameChannel): void {
    this.#data.delete(channel);
  }

  /** Ends everything that runs, and every data connection. */
  end(): void {
    const reason = new RefusalError("unavailable", "the session is over");
    this.#ended.abort(reason);
    for (const { controller } of this.#running) controller.abort(reason);
    for (const channel of this.#data) channel.close();
  }

  /** Ends everything that runs and closes every connection at once. */
  close(): void {
    this.end();
    this.control.close();
  }
}
