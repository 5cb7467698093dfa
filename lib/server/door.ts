/**
 * The seam between a server and the protocols that it speaks: Ferry's own, and
 * any other that brings an implementation of {@linkcode DoorProtocol}.
 *
 * @module
 */

import type { Clock, Random } from "../platform/mod.ts";
import type { Connection, NetworkAddress } from "../transport/mod.ts";
import type { Credentials, Grant, PasswordCredentials } from "./access.ts";
import type { ServerEvent } from "./events.ts";
import type { ServerLimits } from "./limits.ts";

/** One accepted connection, and what the server does for the protocol on it. */
export interface Visit {
  /** The listener that was dialled. */
  readonly local: NetworkAddress;
  /** Where the peer is. */
  readonly remote: NetworkAddress;
  /** The time. */
  readonly clock: Clock;
  /** Ids and tokens. */
  readonly random: Random;
  /** Limits and waits of the server. */
  readonly limits: ServerLimits;
  /** The log-in methods that are offered here. */
  readonly methods: readonly Credentials["method"][];
  /** Aborted when the server closes everything; the connection is closed then. */
  readonly signal: AbortSignal;
  /**
   * Aborted when the peer takes too long to say who it is or what it wants. The
   * connection is closed a moment later ({@linkcode ServerLimits.farewellTimeout}).
   */
  readonly late: AbortSignal;
  /** Whether the server is shutting down: what has begun may end, nothing new begins. */
  readonly isDraining: boolean;
  /**
   * Refuses a connection too many; to be called first.
   *
   * @throws {RefusalError} `limit`.
   */
  assertRoom(): void;
  /**
   * Lets the peer in.
   *
   * @throws {RefusalError} `login-refused` with the reason.
   */
  admit(credentials: Credentials): Promise<Grant>;
  /** Parts a user's name from the password that follows it; see {@linkcode Authority.part}. */
  part(text: string): Promise<PasswordCredentials | undefined>;
  /**
   * Says that the peer is known, or that its first request is whole: the time
   * for that ({@linkcode ServerLimits.loginTimeout}) stops.
   */
  arrived(): void;
  /**
   * Dials a port of the peer's own machine.
   *
   * @throws {RefusalError} `denied` for a port below 1024, `unavailable` when it
   * cannot be reached in time; the signal's reason.
   */
  dial(port: number, signal: AbortSignal): Promise<Connection>;
  /** Runs something that a shutdown waits for, within its time to drain. */
  whileBusy<T>(work: () => Promise<T>): Promise<T>;
  /** Tells the log and whoever observes the server what happened. */
  report(event: ServerEvent): void;
  /**
   * Bytes to ask {@linkcode Visit.pace} for at a time at most, so that no wait is
   * long; `Infinity` where nothing is limited. Known once the peer is let in.
   */
  readonly pieceSize: number;
  /** Waits until the peer may move so many bytes more, unless that is over. */
  pace(bytes: number, signal: AbortSignal): Promise<void>;
}

/** A protocol that is spoken on listeners of its own. */
export interface DoorProtocol {
  /** Its name, as in `--classic NAME` and the line `listening NAME …`. */
  readonly name: string;
  /** Whether it asks who somebody is; one that does not lets in everybody as `anonymous`. */
  readonly hasLogin: boolean;
  /**
   * Serves one connection until it ends. The server closes it afterwards.
   *
   * @param connection The connection.
   * @param visit What the server does for it.
   * @throws What ended the connection early; the server logs it.
   */
  serve(connection: Connection, visit: Visit): Promise<void>;
}
