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
  readonly dial:
    | ((session: Session, port: number, token: Uint8Array) => Promise<void>)
    | undefined;
  /** Whether the server is shutting down. */
  readonly draining: () => boolean;
}

interface RunningExchange {
  readonly id: number;
  readonly controller: AbortController;
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
  /** Its open uploads by their ids, for the connections that join them. */
  readonly uploads = new Map<string, Upload>();
  /** Waits until the session may move so many bytes more. */
  readonly pace: (bytes: number) => Promise<void>;
  readonly #running = new Set<RunningExchange>();
  readonly #data = new Set<FrameChannel>();
  readonly #tokens = new Map<string, number>();

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
    this.pace = (bytes) => context.pacer.take(this, bytes);
    this.id = context.random.bytes(SESSION_ID_SIZE);
  }

  /** How many exchanges are running. */
  get runningCount(): number {
    return this.#running.size;
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

  /** Ends a running exchange; one that has ended is left alone. */
  cancel(id: number): void {
    const reason = new RefusalError("cancelled", "cancelled by the client");
    for (const exchange of this.#running) {
      if (exchange.id === id) exchange.controller.abort(reason);
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
    for (const { controller } of this.#running) controller.abort(reason);
    for (const channel of this.#data) channel.close();
  }

  /** Ends everything that runs and closes every connection at once. */
  close(): void {
    this.end();
    this.control.close();
  }
}
