/**
 * What a server does for one connection, whatever protocol is spoken on it.
 *
 * @module
 */

import type { Clock, Random } from "../platform/mod.ts";
import type { Storage } from "../storage/mod.ts";
import {
  type Connection,
  formatAddress,
  type Network,
  type NetworkAddress,
  NetworkError,
  type Pacer,
} from "../transport/mod.ts";
import type {
  Authority,
  Credentials,
  Grant,
  PasswordCredentials,
} from "./access.ts";
import type { Crowd, Place } from "./crowd.ts";
import type { Visit } from "./door.ts";
import { RefusalError, refusedFields } from "./errors.ts";
import type { EventOrigin, ServerEvent, ServerObserver } from "./events.ts";
import { logEvent } from "./events.ts";
import { DIAL_PORT_MIN, type ServerLimits } from "./limits.ts";
import { type OnReceived, ReviewedStorage } from "./reviewed_storage.ts";

/** What the connections of a server share. */
export interface Reception {
  /** Who decides on log-ins. */
  readonly authority: Authority;
  /** Where clients are dialled. */
  readonly network: Network;
  /** Limits and waits. */
  readonly limits: ServerLimits;
  /** The time. */
  readonly clock: Clock;
  /** Ids and tokens. */
  readonly random: Random;
  /** Shares the bandwidth among the peers. */
  readonly pacer: Pacer;
  /** Looks at uploads before they are published. */
  onReceived: OnReceived | undefined;
  /** Is told of everything that happens. */
  readonly observer: ServerObserver | undefined;
  /** The connections that are open. */
  readonly visits: Set<ServerVisit>;
  /** Counts them. */
  readonly crowd: Crowd;
  /** Aborted when everything is closed. */
  readonly closing: AbortSignal;
  /** How many connections there were so far. */
  count: number;
  /** Whether the server is shutting down. */
  readonly isDraining: () => boolean;
}

/** A connection that begins. */
export interface Arrival {
  /** The connection. */
  readonly connection: Connection;
  /** The listener that was dialled. */
  readonly local: NetworkAddress;
  /** The name of the protocol. */
  readonly protocol: string;
}

/** A {@linkcode Visit} of a running server; from {@linkcode ServerVisit.open} to `close`. */
export class ServerVisit implements Visit {
  readonly local: NetworkAddress;
  readonly #origin: EventOrigin;
  readonly #connection: Connection;
  readonly #reception: Reception;
  readonly #ended = new AbortController();
  #cancelTimer: () => void;
  readonly #place: Place;
  readonly #late = new AbortController();
  #busy = 0;
  #grant: Grant | undefined;

  private constructor(
    { connection, local, protocol }: Arrival,
    reception: Reception,
  ) {
    this.local = local;
    this.#origin = {
      protocol,
      peer: formatAddress(connection.remote),
      connection: ++reception.count,
    };
    this.#connection = connection;
    this.#reception = reception;
    this.#place = reception.crowd.enter(connection.remote.hostname);
    const { clock, closing, limits } = reception;
    this.#cancelTimer = clock.after(limits.loginTimeout, () => {
      // A protocol that knows how may say so before it is closed.
      this.#cancelTimer = clock.after(
        limits.farewellTimeout,
        () => connection.close(),
      );
      this.#late.abort();
    });
    closing.addEventListener("abort", this.#close, { once: true });
    if (closing.aborted) this.#close();
  }

  /** Begins to count a connection. */
  static open(arrival: Arrival, reception: Reception): ServerVisit {
    const visit = new ServerVisit(arrival, reception);
    reception.visits.add(visit);
    visit.report({ type: "connected" });
    return visit;
  }

  readonly #close = (): void => {
    this.#ended.abort();
    this.#connection.close();
  };

  /** Closes the connection and counts it no more. */
  close(): void {
    this.#close();
    this.arrived();
    this.#place.leave();
    this.#grant?.leave?.();
    const { closing, visits } = this.#reception;
    closing.removeEventListener("abort", this.#close);
    visits.delete(this);
    this.report({ type: "disconnected" });
  }

  get remote(): NetworkAddress {
    return this.#connection.remote;
  }

  get clock(): Clock {
    return this.#reception.clock;
  }

  get random(): Random {
    return this.#reception.random;
  }

  get limits(): ServerLimits {
    return this.#reception.limits;
  }

  get methods(): readonly Credentials["method"][] {
    return this.#reception.authority.methods(this.local);
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get late(): AbortSignal {
    return this.#late.signal;
  }

  get isDraining(): boolean {
    return this.#reception.isDraining();
  }

  /** Whether something runs that a shutdown waits for. */
  get isBusy(): boolean {
    return this.#busy > 0;
  }

  assertRoom(): void {
    const { crowd } = this.#reception;
    const reason = crowd.refusal(this.#place);
    if (reason === undefined) return;
    if (crowd.refuse(this.#place)) throw new RefusalError("limit", reason);
    throw new NetworkError("closed", "too many connections at once");
  }

  async admit(credentials: Credentials): Promise<Grant> {
    const { authority } = this.#reception;
    const { local, remote } = this;
    try {
      const grant = await authority.admit(credentials, { local, remote });
      this.#grant = { ...grant, storage: this.#reviewed(grant) };
      return this.#grant;
    } catch (error) {
      const user = "user" in credentials ? credentials.user : undefined;
      this.report({ type: "log-in-refused", user, ...refusedFields(error) });
      if (error instanceof RefusalError && error.lockedFor > 0) {
        this.report({ type: "locked-out", user, wait: error.lockedFor });
      }
      throw error;
    }
  }

  async part(text: string): Promise<PasswordCredentials | undefined> {
    return await this.#reception.authority.part?.(text);
  }

  /** The user's files; uploads are looked at where somebody wants that. */
  #reviewed({ storage, user }: Grant): Storage {
    const { clock, limits, onReceived } = this.#reception;
    if (onReceived === undefined) return storage;
    const { peer, protocol } = this.#origin;
    return new ReviewedStorage(storage, {
      onReceived,
      sender: { user, peer, protocol },
      clock,
      timeout: limits.reviewTimeout,
      onFault: (error) =>
        this.report({
          type: "refusal",
          user,
          request: "onReceived",
          code: "internal",
          reason: "the upload hook failed",
          error,
        }),
    });
  }

  arrived(): void {
    this.#place.settle();
    this.#cancelTimer();
  }

  async dial(port: number, signal: AbortSignal): Promise<Connection> {
    if (port < DIAL_PORT_MIN) {
      throw new RefusalError(
        "denied",
        `the server dials no port below ${DIAL_PORT_MIN}`,
      );
    }
    const { clock, limits, network } = this.#reception;
    const { hostname } = this.remote;
    const late = new AbortController();
    const cancel = clock.after(limits.dialTimeout, () => late.abort());
    const ending = AbortSignal.any([late.signal, signal]);
    try {
      return await network.dial({ hostname, port }, ending);
    } catch (cause) {
      signal.throwIfAborted();
      const reason = late.signal.aborted
        ? `no answer within ${limits.dialTimeout / 1000} s`
        : cause instanceof NetworkError
        ? cause.message
        : "it failed";
      throw new RefusalError(
        "unavailable",
        `the server cannot reach port ${port} of the client: ${reason} (is a firewall in between?)`,
      );
    } finally {
      cancel();
    }
  }

  async whileBusy<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
    }
  }

  report(event: ServerEvent): void {
    logEvent(event, this.#origin);
    this.#reception.observer?.(event, this.#origin);
  }

  get pieceSize(): number {
    const own = this.#grant?.pieceSize ?? Infinity;
    return Math.min(own, this.#reception.pacer.pieceSize);
  }

  async pace(bytes: number, signal: AbortSignal): Promise<void> {
    await this.#grant?.pace?.(bytes, signal);
    await this.#reception.pacer.take(this, bytes, signal);
  }
}
