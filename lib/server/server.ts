/**
 * The server: listeners, connections and shutdown. What is said on a connection
 * is the business of the protocols.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { type Clock, type Random, sleep } from "../platform/mod.ts";
import type { Storage } from "../storage/mod.ts";
import type {
  Connection,
  Listener,
  Network,
  NetworkAddress,
  Pacer,
  Scheme,
} from "../transport/mod.ts";
import type { Authority } from "./access.ts";
import { Crowd } from "./crowd.ts";
import type { DoorProtocol } from "./door.ts";
import { refusedFields } from "./errors.ts";
import type { ServerObserver } from "./events.ts";
import { assertOfUse, type DoorPlan, openDoors } from "./doors.ts";
import { FerryDoor } from "./ferry_door.ts";
import type { ShownIdentity } from "./identity.ts";
import { DRAIN_DEFAULT, SERVER_LIMITS, type ServerLimits } from "./limits.ts";
import type { OnReceived } from "./reviewed_storage.ts";
import type {
  OpenDoor,
  PublicIdentity,
  ReloadOptions,
  Server,
  ServerAddress,
} from "./types.ts";
import { type Reception, ServerVisit } from "./visit.ts";

const log = getLogger(["ferry", "server"]);

/** What a server is made of. */
export interface ServerParts {
  /** Its listeners, closed by it, and what is spoken there; `undefined`: Ferry. */
  readonly listeners: readonly {
    readonly listener: Listener;
    readonly scheme: Scheme;
    readonly protocol: DoorProtocol | undefined;
  }[];
  /** All its files, closed by it. */
  readonly files: Pick<Storage, "sweep"> & AsyncDisposable;
  /** What it shows inside TLS; `undefined`: it has no listener for that. */
  readonly identity: ShownIdentity | undefined;
  /** Who decides on log-ins. */
  readonly authority: Authority;
  /** Whether it may dial Ferry's data connections back to clients. */
  readonly allowActive: boolean;
  /** Where it dials clients. */
  readonly network: Network;
  /** Limits and waits; changed by {@linkcode Server.reload}, and read whenever they count. */
  readonly limits: ServerLimits;
  /** The time. */
  readonly clock: Clock;
  /** Ids and tokens. */
  readonly random: Random;
  /** Shares the bandwidth among the peers. */
  readonly pacer: Pacer;
  /** Looks at uploads before they are published. */
  readonly onReceived: OnReceived | undefined;
  /** Is told of everything that happens. */
  readonly observer: ServerObserver | undefined;
}

/** A server over the ports that it is given. */
export class FerryServer implements Server {
  readonly addresses: readonly ServerAddress[];
  readonly finished: Promise<void>;
  readonly #parts: ServerParts;
  readonly #reception: Reception;
  readonly #ferry: FerryDoor;
  readonly #plans: readonly DoorPlan[];
  readonly #visits = new Set<ServerVisit>();
  readonly #tasks = new Set<Promise<void>>();
  /** Ends the time to drain. */
  readonly #closing = new AbortController();
  /** Closes every connection. */
  readonly #closed = new AbortController();
  #draining = false;
  #stopped: Promise<void> | undefined;
  #finish: () => void;

  /** @param parts What it is made of. */
  constructor(parts: ServerParts) {
    const { allowActive, clock, limits, listeners, random } = parts;
    this.#parts = parts;
    this.#reception = {
      ...parts,
      visits: this.#visits,
      crowd: new Crowd(limits),
      count: 0,
      closing: this.#closed.signal,
      isDraining: () => this.#draining,
    };
    this.#ferry = new FerryDoor({
      allowActive,
      clock,
      limits,
      random,
      receive: (connection, door, { local }) =>
        this.#track(this.#serve(connection, door, local)),
    });
    this.#plans = listeners.map(({ listener: { address }, ...plan }) => ({
      ...plan,
      address,
    }));
    this.addresses = listeners
      .filter(({ protocol }) => protocol === undefined)
      .map(({ listener, scheme }) => ({ ...listener.address, scheme }));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    for (const { listener, protocol = this.#ferry } of listeners) {
      this.#track(this.#acceptAll(listener, protocol));
    }
    this.#sweepAtIntervals();
  }

  get identity(): PublicIdentity | undefined {
    return this.#parts.identity?.shown;
  }

  get doors(): readonly OpenDoor[] {
    return openDoors(this.#plans, this.#parts.authority);
  }

  async reload(options?: ReloadOptions): Promise<void> {
    const { authority, identity, limits } = this.#parts;
    const policy = options && {
      readOnly: options.readOnly ?? false,
      anonymous: options.anonymous,
    };
    const show = await identity?.prepare(options?.identity);
    const access = await authority.prepare?.(policy);
    // Nothing below waits, and nothing after the next line fails.
    assertOfUse(this.#plans, access ?? authority);
    show?.();
    access?.apply();
    if (options === undefined) return;
    Object.assign(limits, SERVER_LIMITS, options.limits);
    this.#reception.onReceived = options.onReceived;
  }

  /** Expired leftovers are cleared while the server runs, too. */
  #sweepAtIntervals(): void {
    const { clock, files, limits } = this.#parts;
    const cancel = clock.after(limits.sweepInterval, () => {
      this.#closing.signal.removeEventListener("abort", cancel);
      this.#track(files.sweep());
      this.#sweepAtIntervals();
    });
    this.#closing.signal.addEventListener("abort", cancel, { once: true });
    if (this.#closing.signal.aborted) cancel();
  }

  async shutdown(options: { readonly drain?: number } = {}): Promise<void> {
    const { clock } = this.#parts;
    const { drain = DRAIN_DEFAULT } = options;
    if (drain <= 0) this.#closing.abort();
    const cancel = clock.after(drain, () => this.#closing.abort());
    try {
      this.#stopped ??= this.#stop();
      await this.#stopped;
    } finally {
      cancel();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown({ drain: 0 });
  }

  async #stop(): Promise<void> {
    this.#draining = true;
    for (const { listener } of this.#parts.listeners) listener.close();
    this.#ferry.sayGoodbye();
    await this.#quiet();
    this.#closing.abort();
    this.#ferry.close();
    this.#closed.abort();
    // A connection that was accepted last may add one more.
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    try {
      await this.#parts.files[Symbol.asyncDispose]();
    } finally {
      this.#finish();
    }
  }

  /**
   * Waits until no exchange is open, or the time to drain is over. One whose
   * answer is on its way is open until the client has acknowledged it: closed
   * before that, the answer may be lost.
   */
  async #quiet(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#closing;
    const isBusy = () =>
      this.#ferry.isBusy || [...this.#visits].some(({ isBusy }) => isBusy);
    while (isBusy() && !signal.aborted) {
      await sleep(clock, QUIET_INTERVAL, signal).catch(() => {});
    }
  }

  /** Remembers a task until it ends. Nothing that fails in one ends the server. */
  #track(work: Promise<void>): void {
    const task = work.catch((error) => {
      log.error("A connection's task failed: {error}", { error });
    }).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  async #acceptAll(listener: Listener, protocol: DoorProtocol): Promise<void> {
    const { clock, limits } = this.#parts;
    for (;;) {
      try {
        const connection = await listener.accept();
        if (connection === undefined) return;
        if (this.#draining) connection.close();
        else this.#track(this.#serve(connection, protocol, listener.address));
      } catch (error) {
        // Out of descriptors, as a rule: those that are served free some.
        log.warn("Cannot accept connections for a moment: {reason}", {
          reason: error instanceof Error ? error.message : "unknown",
        });
        await sleep(clock, limits.exhaustedDelay, this.#closing.signal)
          .catch(() => {});
      }
    }
  }

  /** Serves one connection; whatever happens on it ends here. */
  async #serve(
    connection: Connection,
    protocol: DoorProtocol,
    local: NetworkAddress,
  ): Promise<void> {
    const { name } = protocol;
    const visit = ServerVisit.open(
      { connection, local, protocol: name },
      this.#reception,
    );
    try {
      await protocol.serve(connection, visit);
    } catch (error) {
      const refused = visit.late.aborted
        ? { code: "timeout", reason: "it took too long" }
        : refusedFields(error);
      visit.report({ type: "closing", ...refused });
    } finally {
      visit.close();
    }
  }
}

/** Milliseconds between two looks at whether a draining server is quiet. */
const QUIET_INTERVAL = 20;
