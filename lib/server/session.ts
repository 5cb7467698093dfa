/**
 * One logged-in client: who it is, what it may do, and what of it is running.
 *
 * @module
 */

import type { Clock, Random } from "../platform/mod.ts";
import {
  EXCHANGE_COUNT_MAX,
  type Message,
  type Right,
  SESSION_ID_SIZE,
  TOKEN_SIZE,
} from "../protocol/mod.ts";
import type { Storage } from "../storage/mod.ts";
import type { FrameChannel, Pace } from "../transport/mod.ts";
import { type Grant, requireRight } from "./access.ts";
import type { Visit } from "./door.ts";
import { RefusalError, refusedFields } from "./errors.ts";
import type {
  ChangeEvent,
  ReceivedEvent,
  RefusalEvent,
  SentEvent,
  ServerEvent,
} from "./events.ts";
import type { ServerLimits } from "./limits.ts";
import type { Upload } from "./upload.ts";

/** Dials a client that listens for a data connection. */
export type Dial = (
  session: Session,
  target: { readonly port: number; readonly token: Uint8Array },
  signal: AbortSignal,
) => Promise<void>;

/** What every session of a server shares. */
export interface SessionContext {
  /** Limits and waits. */
  readonly limits: ServerLimits;
  /** The time. */
  readonly clock: Clock;
  /** Ids and tokens. */
  readonly random: Random;
  /** Dials a data connection back to a client; `undefined`: never. */
  readonly dial: Dial | undefined;
  /** The uploads that are open, by their users and ids. */
  readonly uploads: Map<string, Upload>;
}

/** What a session reports: who it was is known. */
export type UserEvent = DistributiveOmit<
  ChangeEvent | ReceivedEvent | RefusalEvent | SentEvent,
  "user" | "session"
>;

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K>
  : never;

/** What a session is made of. */
export interface SessionParts {
  /** What the server shares. */
  readonly context: SessionContext;
  /** The control connection. */
  readonly control: FrameChannel;
  /** What the server does for that connection. */
  readonly visit: Visit;
  /** What the user may do. */
  readonly grant: Grant;
  /** How the user logged in. */
  readonly method: string;
}

/**
 * Exchanges that were cancelled before they were begun, as far as they are
 * remembered: as many as may be on their way on eight data connections.
 */
const EARLY_CANCEL_COUNT_MAX = 8 * EXCHANGE_COUNT_MAX;

/** Something that `CANCEL` can end. */
interface Exchange {
  readonly id: number;
  readonly controller: AbortController;
}

function cancelled(): RefusalError {
  return new RefusalError("cancelled", "cancelled by the client");
}

/** An exchange that is remembered from its request to its end, running or not. */
export interface KeptExchange extends Disposable {
  /** Aborted by `CANCEL`. */
  readonly signal: AbortSignal;
}

/** A logged-in client. */
export class Session {
  /** What the server shares. */
  readonly context: SessionContext;
  /** What the server does for the control connection. */
  readonly visit: Visit;
  /** How the user logged in. */
  readonly method: string;
  /** Names the session when a data connection attaches, and in logs. */
  readonly id: Uint8Array<ArrayBuffer>;
  /** Who it is and what it may do. */
  readonly grant: Grant;
  /** The control connection. */
  readonly control: FrameChannel;
  /** Says when the session may move how many bytes more. */
  readonly pace: Pace;
  readonly #running = new Set<Exchange>();
  readonly #kept = new Set<Exchange>();
  /** Ids that `CANCEL` named and nobody has seen: it may have overtaken the request. */
  readonly #cancelledEarly = new Set<number>();
  readonly #data = new Set<FrameChannel>();
  readonly #tokens = new Map<string, number>();
  readonly #ended = new AbortController();
  #dialling = 0;

  /** @param parts What it is made of. */
  constructor({ context, control, visit, grant, method }: SessionParts) {
    this.context = context;
    this.control = control;
    this.visit = visit;
    this.grant = grant;
    this.method = method;
    const { signal } = this.#ended;
    this.pace = {
      pieceSize: visit.pieceSize,
      take: (bytes) => visit.pace(bytes, signal),
    };
    this.id = context.random.bytes(SESSION_ID_SIZE);
  }

  /** The user's files. */
  get storage(): Storage {
    return this.grant.storage;
  }

  /** How many data connections it may have at once. */
  get streams(): number {
    const { dataConnectionCountMax } = this.context.limits;
    return Math.min(this.grant.streams ?? Infinity, dataConnectionCountMax);
  }

  /** Tells the log and whoever observes the server what the user did. */
  report(event: UserEvent): void {
    const { user, visit } = this;
    const session = this.id.toHex();
    visit.report({ ...event, user, session } as ServerEvent);
  }

  /** Tells that a request was refused, or failed on the way. */
  reportRefusal({ id, type, body }: Message, error: unknown): void {
    this.report({
      type: "refusal",
      request: type,
      id,
      path: "path" in body ? body.path : undefined,
      ...refusedFields(error),
    });
  }

  /** Who it is. */
  get user(): string {
    return this.grant.user;
  }

  /** Whether an exchange is running, or a transfer's answer is not acknowledged yet. */
  get isBusy(): boolean {
    return this.#running.size > 0 ||
      [...this.#data].some(({ conversation }) => conversation.open > 0);
  }

  /** Whether nothing is missing but the client's word that it has its answers. */
  get isAwaitingWord(): boolean {
    return this.#running.size === 0 && this.isBusy;
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
    if (this.visit.isDraining) {
      throw new RefusalError("unavailable", "the server is shutting down");
    }
    if (right !== undefined) requireRight(this.grant, right);
  }

  /**
   * Runs an exchange that `CANCEL` can end through the signal. A client that
   * uses an id twice, on two connections, gets both ended at once.
   */
  async run(
    id: number,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const exchange = this.#begin(id);
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
    const exchange = this.#begin(id);
    this.#kept.add(exchange);
    return {
      signal: exchange.controller.signal,
      [Symbol.dispose]: () => void this.#kept.delete(exchange),
    };
  }

  #begin(id: number): Exchange {
    const controller = new AbortController();
    if (this.#cancelledEarly.delete(id)) controller.abort(cancelled());
    return { id, controller };
  }

  /**
   * Ends an exchange that is running or kept, or one that comes later; one that
   * has ended is left alone.
   */
  cancel(id: number): void {
    const found = [...this.#running, ...this.#kept]
      .filter((exchange) => exchange.id === id);
    for (const { controller } of found) controller.abort(cancelled());
    if (found.length > 0) return;
    this.#cancelledEarly.add(id);
    if (this.#cancelledEarly.size <= EARLY_CANCEL_COUNT_MAX) return;
    const [oldest] = this.#cancelledEarly;
    if (oldest !== undefined) this.#cancelledEarly.delete(oldest);
  }

  /** Counts a dialling, as long as it takes. No more at once than there may be connections. */
  async whileDialling(work: () => Promise<void>): Promise<void> {
    if (this.#dialling >= this.streams) {
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
    if (this.#data.size + this.#tokens.size >= this.streams) {
      throw new RefusalError(
        "limit",
        `a session of this user has at most ${this.streams} data connections`,
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
