/**
 * What the proxy has done.
 *
 * @module
 */
import type { CutKind, Direction } from "./faults.ts";

/** How a connection stands, or how it ended. */
export type ConnectionState =
  /** It is open. */
  | "open"
  /** Both sides ended it in order. */
  | "ended"
  /** A side broke it, or nobody was at the target. */
  | "broken"
  /** The proxy reset it. */
  | "reset"
  /** The proxy closed it. */
  | "closed";

/** What one connection has done. */
export interface ConnectionCounters {
  /** Its number; the first is 1. */
  readonly connection: number;
  /** How it stands. */
  readonly state: ConnectionState;
  /** Whether a way of it is silent, or was until it ended. */
  readonly isSilent: boolean;
  /** Bytes that went on to the server. */
  readonly bytesUp: number;
  /** Bytes that went on to the client. */
  readonly bytesDown: number;
  /** Wrong bits among them. */
  readonly flips: number;
}

/** What the proxy has done. */
export interface ChaosCounters {
  /** Connections that were let in. */
  readonly connections: number;
  /** Those that are open. */
  readonly open: number;
  /** Connections that were one too many, and reset. */
  readonly turnedAway: number;
  /** Connections for which nobody was at the target. */
  readonly unreachable: number;
  /** Bytes that went on to the server. */
  readonly bytesUp: number;
  /** Bytes that went on to the client. */
  readonly bytesDown: number;
  /** Wrong bits among them. */
  readonly flips: number;
  /** Connections that the proxy reset. */
  readonly resets: number;
  /** Connections that the proxy closed in the middle. */
  readonly closes: number;
  /** Connections that fell silent. */
  readonly silences: number;
  /** The most bytes that one way of a connection had under way. */
  readonly heldMax: number;
  /** Each connection, the latest {@linkcode CONNECTIONS_KEPT} of them. */
  readonly perConnection: readonly ConnectionCounters[];
}

/** Connections whose own counters are kept: 10,000, some megabytes of them. */
export const CONNECTIONS_KEPT = 10_000;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const CUT_COUNTERS = {
  reset: "resets",
  close: "closes",
  silence: "silences",
} as const satisfies Record<CutKind, keyof ChaosCounters>;

/** Counts for one connection, and for all together. */
export class ConnectionTally {
  readonly #own: Writable<ConnectionCounters>;
  readonly #all: Writable<ChaosCounters>;

  /**
   * Begins to count.
   *
   * @param own The connection's counters.
   * @param all Those of all.
   */
  constructor(
    own: Writable<ConnectionCounters>,
    all: Writable<ChaosCounters>,
  ) {
    this.#own = own;
    this.#all = all;
  }

  /** The connection's number. */
  get connection(): number {
    return this.#own.connection;
  }

  /** Bytes went on. */
  moved(direction: Direction, bytes: number): void {
    const name = direction === "up" ? "bytesUp" : "bytesDown";
    this.#own[name] += bytes;
    this.#all[name] += bytes;
  }

  /** A bit arrives wrong. */
  flipped(): void {
    this.#own.flips++;
    this.#all.flips++;
  }

  /** So many bytes were under way. */
  held(bytes: number): void {
    this.#all.heldMax = Math.max(this.#all.heldMax, bytes);
  }

  /** The proxy did something to it. */
  cut(kind: CutKind): void {
    this.#all[CUT_COUNTERS[kind]]++;
    if (kind === "silence") this.#own.isSilent = true;
  }

  /** Nobody was at the target. */
  unreachable(): void {
    this.#all.unreachable++;
  }

  /** It is over. */
  ended(state: Exclude<ConnectionState, "open">): void {
    this.#own.state = state;
    this.#all.open--;
  }
}

/** Counts for all connections. */
export class Tally {
  readonly #all: Writable<ChaosCounters> = {
    connections: 0,
    open: 0,
    turnedAway: 0,
    unreachable: 0,
    bytesUp: 0,
    bytesDown: 0,
    flips: 0,
    resets: 0,
    closes: 0,
    silences: 0,
    heldMax: 0,
    perConnection: [],
  };
  #kept: ConnectionCounters[] = [];

  /** How it stands, as a copy. */
  get counters(): ChaosCounters {
    const perConnection = this.#kept.slice(-CONNECTIONS_KEPT)
      .map((own) => ({ ...own }));
    return { ...this.#all, perConnection };
  }

  /** Connections that are open. */
  get open(): number {
    return this.#all.open;
  }

  /** Bytes that went one way so far. */
  bytes(direction: Direction): number {
    return direction === "up" ? this.#all.bytesUp : this.#all.bytesDown;
  }

  /** A connection was one too many. */
  turnedAway(): void {
    this.#all.turnedAway++;
  }

  /** A connection was let in. */
  connected(): ConnectionTally {
    const own: ConnectionCounters = {
      connection: ++this.#all.connections,
      state: "open",
      isSilent: false,
      bytesUp: 0,
      bytesDown: 0,
      flips: 0,
    };
    this.#all.open++;
    this.#kept.push(own);
    if (this.#kept.length >= 2 * CONNECTIONS_KEPT) {
      this.#kept = this.#kept.slice(-CONNECTIONS_KEPT);
    }
    return new ConnectionTally(own, this.#all);
  }
}
