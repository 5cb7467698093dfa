/**
 * A network in memory that splits, delays, loses, flips and resets, as a seed
 * says.
 *
 * @module
 */
import type {
  Connection,
  Listener,
  Network,
  NetworkAddress,
} from "../../lib/transport/mod.ts";
import type { SeededRandom } from "./seeded_random.ts";
import type { SimClock } from "./sim_clock.ts";
import { SimConnection, type SimLink } from "./sim_connection.ts";
import { type Death, never, type SimProcess } from "./sim_process.ts";
import type { SimLibrary } from "./sim_library.ts";
import type { SimTrace } from "./sim_trace.ts";

/** How likely each fault is for one connection, from 0 to 1. */
export interface NetworkFaults {
  /** A dial is refused. */
  readonly refuse: number;
  /** It is reset at some byte. */
  readonly reset: number;
  /** From some byte on nothing gets through for some seconds. */
  readonly stall: number;
  /** From some byte on nothing gets through for ever, while other connections live. */
  readonly silence: number;
  /** One bit of what one side sends is flipped. */
  readonly flip: number;
}

/** A network without faults; it still splits and delays. */
export const NO_NETWORK_FAULTS: NetworkFaults = {
  refuse: 0,
  reset: 0,
  stall: 0,
  silence: 0,
  flip: 0,
};

/** The last bit of the number of the byte at which a fault strikes: a handshake has 300 bytes, a few files have 2^16. */
const FAULT_BITS = 16;

/** Longest stall that ends by itself, in milliseconds. */
const STALL_MAX = 40_000;

/** What a network is made with. */
export interface SimNetworkOptions {
  /** The time of the world. */
  readonly clock: SimClock;
  /** Its own chance. */
  readonly random: SeededRandom;
  /** Is told of every connection and fault. */
  readonly trace: SimTrace;
  /** Whose errors to throw. */
  readonly library: SimLibrary;
}

interface SimListener extends Listener {
  readonly process: SimProcess;
  take(connection: Connection): void;
}

/** Joins machines; each process gets a view of it. */
export class SimNetwork {
  /** What may go wrong on connections that are dialled from now on. */
  faults: NetworkFaults = NO_NETWORK_FAULTS;
  readonly #options: SimNetworkOptions;
  readonly #listeners = new Map<number, SimListener>();
  readonly #open = new Set<SimConnection>();
  #hasStalled = false;
  #hasFlipped = false;
  /** The server, if its machine has no power. */
  #dark: SimProcess | undefined;
  #nextPort = 40_000;

  /** @param options What it is made with. */
  constructor(options: SimNetworkOptions) {
    this.#options = options;
  }

  /** The network as a process sees it. */
  for(process: SimProcess): Network {
    process.onKill((how) => this.#endProcess(process, how));
    return {
      listen: (address) => this.#listen(process, address),
      dial: (address, signal) => this.#dial(process, address, signal),
    };
  }

  /** Whether some connection was ever half open: one end gone, the other not told. */
  get hasStalled(): boolean {
    return this.#hasStalled;
  }

  /** Whether some bit may have been flipped. */
  get hasFlipped(): boolean {
    return this.#hasFlipped;
  }

  /** How many listeners there are. */
  get listening(): number {
    return this.#listeners.size;
  }

  /** Connection ends that a process has not closed. */
  openOf(process: SimProcess): readonly SimConnection[] {
    return [...this.#open].filter(({ owner }) => owner === process);
  }

  /** Nothing gets through on what is open now, for ever or for some time. */
  partition(duration: number): void {
    this.#options.trace.note(`network partitioned for ${duration}`);
    this.#hasStalled = true;
    const until = this.#options.clock.monotonic() + duration;
    for (const connection of this.#open) connection.stall(until);
  }

  /** Every connection is reset. */
  cut(): void {
    this.#options.trace.note("network cut");
    for (const connection of this.#open) connection.reset();
  }

  /** The machine of a process has power again, and knows of no connection. */
  powerOn(process: SimProcess): void {
    if (this.#dark === process) this.#dark = undefined;
    for (const connection of this.#open) {
      if (connection.owner === process) connection.revive();
    }
  }

  #endProcess(process: SimProcess, how: Death): void {
    for (const [port, listener] of this.#listeners) {
      if (listener.process !== process) continue;
      this.#listeners.delete(port);
      if (how === "power") this.#dark = process;
    }
    for (const connection of this.#open) {
      if (connection.owner === process) connection.orphan(how);
    }
  }

  #listen(process: SimProcess, address: NetworkAddress): Listener {
    const { library } = this.#options;
    const { NetworkError } = library.transport;
    if (this.#listeners.has(address.port)) {
      throw new NetworkError("in-use", "address is in use");
    }
    const queue: Connection[] = [];
    let waiting: ((connection: Connection | undefined) => void) | undefined;
    let closed = false;
    const listener: SimListener = {
      address,
      process,
      accept: () => {
        const next = queue.shift();
        if (next !== undefined || closed) return Promise.resolve(next);
        return new Promise((resolve) => waiting = resolve);
      },
      take: (connection) => {
        if (waiting === undefined) queue.push(connection);
        else waiting(connection);
        waiting = undefined;
      },
      close: () => {
        closed = true;
        this.#listeners.delete(address.port);
        for (const connection of queue.splice(0)) connection.close();
        waiting?.(undefined);
        waiting = undefined;
      },
    };
    this.#listeners.set(address.port, listener);
    return listener;
  }

  async #dial(
    process: SimProcess,
    address: NetworkAddress,
    signal: AbortSignal | undefined,
  ): Promise<Connection> {
    const { random, trace, library } = this.#options;
    const { NetworkError } = library.transport;
    await this.#abortable(process, random.integer(1, 20), signal);
    if (!process.alive) return never();
    // Nobody is there to answer: TCP tries for two minutes.
    if (this.#dark !== undefined) {
      await this.#abortable(process, 120_000, signal);
      if (!process.alive) return never();
      throw new NetworkError("unreachable", "no answer");
    }
    const listener = this.#listeners.get(address.port);
    if (listener === undefined || random.chance(this.faults.refuse)) {
      trace.note(`${process.name} dial refused`);
      throw new NetworkError("refused", "connection refused");
    }
    return this.#join(process, listener);
  }

  #join(process: SimProcess, listener: SimListener): Connection {
    const { clock, random, trace, library } = this.#options;
    const link: SimLink = {
      clock,
      random,
      trace,
      errors: library.transport.NetworkError,
      onClose: (connection) => this.#open.delete(connection),
    };
    const port = this.#nextPort++;
    const near = new SimConnection(
      link,
      process,
      { hostname: "127.0.0.1", port: listener.address.port },
      `${process.name}:${port}>`,
    );
    const far = new SimConnection(
      link,
      listener.process,
      { hostname: "127.0.0.1", port },
      `${listener.process.name}:${port}<`,
    );
    near.join(far);
    for (const end of [near, far]) {
      this.#open.add(end);
      this.#plan(end);
    }
    trace.note(`${near.name} connected`);
    listener.take(far);
    return near;
  }

  /** Decides what goes wrong on what one end sends. */
  #plan(end: SimConnection): void {
    const { random } = this.#options;
    const { reset, stall, silence, flip } = this.faults;
    const at = () => Math.floor(2 ** (FAULT_BITS * random.unit()));
    if (random.chance(reset / 2)) end.resetAt = at();
    if (random.chance(flip / 2)) end.flipAt = at();
    if (stall + silence > 0) this.#hasStalled = true;
    if (flip > 0) this.#hasFlipped = true;
    if (random.chance(stall / 2)) {
      end.stallAt = at();
      end.stallFor = random.integer(100, STALL_MAX);
    } else if (random.chance(silence / 2)) {
      end.stallAt = at();
      end.stallFor = Infinity;
    }
  }

  /** Waits for some time, unless the signal ends the wait. */
  #abortable(
    process: SimProcess,
    delay: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    signal?.throwIfAborted();
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        cancel();
        if (process.alive) reject(signal?.reason);
      };
      const cancel = clock.after(delay, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
