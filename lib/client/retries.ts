/**
 * How often, and after what pauses, a transfer is tried again.
 *
 * @module
 */

import { type Clock, type Random, sleep } from "../platform/mod.ts";
import type { Disk } from "../storage/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import type { ControlSession } from "./control_session.ts";
import type { DataPool } from "./data_pool.ts";
import { cancelled, type FerryError, type FerryErrorCode } from "./errors.ts";
import type { LogInOptions } from "./log_in.ts";
import { RETRY_DELAY_MAX, RETRY_DELAY_MIN } from "./limits.ts";
import type { ReconnectEvent } from "./types.ts";

/** A session, and its data connections. */
export interface Live {
  /** The session. */
  readonly session: ControlSession;
  /** Its data connections. */
  readonly pool: DataPool;
}

/** What transfers work with. */
export interface TransferHost {
  /** The server. */
  readonly address: NetworkAddress;
  /** Who has logged in. */
  readonly logIn: LogInOptions;
  /** Where local files are. */
  readonly disk: Disk;
  /** The time. */
  readonly clock: Clock;
  /** Ids and secrets. */
  readonly random: Random;
  /** Milliseconds of silence that end a connection. */
  readonly timeout: number;
  /** Where what interrupted uploads need is kept; `undefined`: nowhere. */
  readonly stateFolder: string | undefined;
  /** Waits until so many bytes may be moved. */
  readonly pace: (bytes: number, signal?: AbortSignal) => Promise<void>;
  /** The session, made anew if it was lost. */
  live(signal: AbortSignal | undefined): Promise<Live>;
  /** The tries of one transfer. */
  retries(): Retries;
}

/** What {@linkcode Retries} work with. */
export interface RetryOptions {
  /** The time. */
  readonly clock: Clock;
  /** How many tries in a row may get nowhere. */
  readonly countMax: number;
  /** Called before each. */
  readonly onReconnect: (event: ReconnectEvent) => void;
  /** Fires when the operation or the whole client is to end. */
  readonly ending: (signal: AbortSignal | undefined) => AbortSignal;
}

/** The tries of one transfer after the first. Those that got further do not count. */
export class Retries {
  readonly #options: RetryOptions;
  #count = 0;
  #inVain = 0;
  #best = 0;

  /** @param options What they work with. */
  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** Whether no more is allowed. */
  get isUsedUp(): boolean {
    return this.#inVain >= this.#options.countMax;
  }

  /**
   * Waits before the next one: 250 ms, and twice as long after each that got no
   * further, up to half a minute.
   *
   * @param error Why the last one failed.
   * @param signal Ends the wait.
   * @param reached How far it got, in bytes.
   */
  async wait(
    error: FerryError,
    signal: AbortSignal | undefined,
    reached: number,
  ): Promise<void> {
    if (reached > this.#best) {
      this.#best = reached;
      this.#inVain = 0;
    }
    const delay = Math.min(
      RETRY_DELAY_MIN * 2 ** this.#inVain,
      RETRY_DELAY_MAX,
    );
    this.#inVain++;
    this.#count++;
    const { clock, countMax, onReconnect, ending } = this.#options;
    onReconnect({
      attempt: this.#inVain,
      attemptsMax: countMax,
      delay,
      error,
    });
    await sleep(clock, delay, ending(signal)).catch((reason) => {
      throw cancelled(reason);
    });
  }
}

/** Errors of a second try that may be gone at the third. */
const PASSING: ReadonlySet<FerryErrorCode> = new Set<FerryErrorCode>([
  "connection-lost",
  "connect-failed",
  // It spoke Ferry a moment ago: the line damages what it says.
  "wrong-protocol",
  "busy",
  "unavailable",
  "limit",
]);

/** Whether an error of a later try may be gone at the next. */
export function isPassing({ code }: FerryError): boolean {
  return PASSING.has(code);
}
