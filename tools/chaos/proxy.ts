/**
 * The proxy as a module.
 *
 * @module
 */
import type { Socket } from "node:net";
import {
  type CancelTimer,
  type Clock,
  systemClock,
} from "../../lib/platform/mod.ts";
import type { NetworkAddress } from "../../lib/transport/network.ts";
import { Conditions } from "./conditions.ts";
import type { ChaosCounters } from "./counters.ts";
import { Door } from "./door.ts";
import type { CutKind, Faults } from "./faults.ts";
import { dial, SocketLine } from "./line.ts";
import { Link } from "./link.ts";

/** How to start a proxy: where, and what is wrong from the beginning. */
export interface ChaosOptions extends Faults {
  /**
   * Where to listen.
   *
   * @default {{ hostname: "127.0.0.1", port: 0 }}
   */
  readonly listen?: NetworkAddress | undefined;
  /** Where the server is. */
  readonly to: NetworkAddress;
  /** Settles all that is left to chance; by chance if nobody says. */
  readonly seed?: number | undefined;
  /**
   * What time it is.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock | undefined;
}

/** What can be changed while a proxy runs. */
export interface ChaosChanges extends Faults {
  /** Where the server is, for connections from now on. */
  readonly to?: NetworkAddress;
}

/** A proxy that runs. */
export interface ChaosProxy extends AsyncDisposable {
  /** Where clients connect. */
  readonly address: NetworkAddress;
  /** The seed of the run. */
  readonly seed: number;
  /** What it has done so far, as a copy. */
  readonly counters: ChaosCounters;
  /**
   * Changes what is wrong; what `changes` does not name stays, and `undefined`
   * ends a fault. It holds for open connections too: one that is beyond the
   * point of a new reset, close or silence has that at once.
   *
   * @throws {RangeError} if it makes no sense; nothing has changed then.
   */
  set(changes: ChaosChanges): Promise<void>;
  /** Resets every open connection now; those that come later are let in. */
  resetAll(): void;
  /** Closes every open connection now; those that come later are let in. */
  closeAll(): void;
  /** Ends it, and every connection; a second call waits for the first. */
  close(): Promise<void>;
}

/**
 * Starts a proxy.
 *
 * @param options Where, and what is wrong.
 * @returns The proxy, listening.
 * @throws {RangeError} if the faults make no sense.
 * @throws {Error} if it cannot listen there.
 * @example A reset in the middle
 * ```ts ignore
 * await using proxy = await startChaosProxy({
 *   to: { hostname: "127.0.0.1", port: 65430 },
 *   seed: 7,
 *   rate: 20 * 1024 ** 2,
 *   delay: 60,
 *   reset: { between: [1e6, 9e6], times: 3 },
 * });
 * // ... let a client connect to proxy.address ...
 * await proxy.set({ reset: undefined, flip: { every: 100 * 1024 ** 2 } });
 * ```
 */
export async function startChaosProxy(
  options: ChaosOptions,
): Promise<ChaosProxy> {
  const proxy = new RunningProxy(options);
  await proxy.start();
  return proxy;
}

/** A seed for whom any will do. */
function anySeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

class RunningProxy implements ChaosProxy {
  readonly seed: number;
  readonly #conditions: Conditions;
  readonly #door: Door;
  readonly #links = new Set<Link>();
  /** What is to happen to connections whose server has not answered yet. */
  readonly #joining = new Set<{ cut: CutKind | undefined }>();
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  readonly #timers = new Set<CancelTimer>();
  #to: NetworkAddress;
  #failure: unknown;
  #closing: Promise<void> | undefined;

  constructor(options: ChaosOptions) {
    const { listen, to, seed = anySeed(), clock = systemClock, ...faults } =
      options;
    if (!Number.isInteger(seed)) {
      throw new RangeError(
        `Cannot use seed ${seed}: it must be a whole number`,
      );
    }
    this.seed = seed;
    this.#to = to;
    this.#conditions = new Conditions(seed, clock);
    this.#conditions.set(faults);
    this.#door = new Door(
      listen ?? { hostname: "127.0.0.1", port: 0 },
      clock,
      (socket) => this.#welcome(socket),
    );
  }

  get address(): NetworkAddress {
    return this.#door.address;
  }

  get counters(): ChaosCounters {
    return this.#conditions.tally.counters;
  }

  async start(): Promise<void> {
    await this.#door.openFirst();
    await this.#refuse();
  }

  async set({ to, ...changes }: ChaosChanges): Promise<void> {
    this.#conditions.set(changes);
    if (to !== undefined) this.#to = to;
    for (const link of [...this.#links]) link.refresh();
    if ("refuse" in changes) await this.#refuse();
  }

  resetAll(): void {
    this.#cutAll("reset");
  }

  closeAll(): void {
    this.#cutAll("close");
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#ending.abort();
    this.#cancelTimers();
    await this.#door.close();
    for (const link of [...this.#links]) link.close();
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #cutAll(kind: CutKind): void {
    for (const link of [...this.#links]) link.cut(kind);
    for (const joining of this.#joining) joining.cut = kind;
  }

  /** Opens or shuts the door as the faults say, now or when it is time. */
  async #refuse(): Promise<void> {
    this.#cancelTimers();
    const { refuse = false } = this.#conditions.faults;
    if (typeof refuse === "boolean") return await this.#door.set(!refuse);
    const { after = 0, lasting } = refuse;
    if (lasting !== undefined) this.#setLater(after + lasting, true);
    if (after > 0) this.#setLater(after, false);
    await this.#door.set(after > 0);
  }

  #setLater(delay: number, isOpen: boolean): void {
    const { clock } = this.#conditions;
    const cancel = clock.after(delay, () => {
      this.#timers.delete(cancel);
      this.#keep(this.#door.set(isOpen));
    });
    this.#timers.add(cancel);
  }

  #cancelTimers(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #welcome(socket: Socket): void {
    const near = new SocketLine(socket);
    const { tally, faults } = this.#conditions;
    const max = faults.connectionsMax ?? Infinity;
    if (this.#ending.signal.aborted || tally.open >= max) {
      tally.turnedAway();
      near.reset();
      this.#keep(near.closed);
      return;
    }
    this.#keep(this.#join(near));
  }

  async #join(near: SocketLine): Promise<void> {
    const tally = this.#conditions.tally.connected();
    const joining = { cut: undefined };
    this.#joining.add(joining);
    const far = await dial(this.#to, this.#ending.signal)
      .catch(() => undefined);
    this.#joining.delete(joining);
    if (far === undefined) {
      tally.unreachable();
      tally.ended("broken");
      near.reset();
      return await near.closed;
    }
    const link = new Link({
      near,
      far,
      conditions: this.#conditions,
      tally,
      onCutAll: (kind) => this.#cutAll(kind),
    });
    this.#links.add(link);
    try {
      if (joining.cut !== undefined) link.cut(joining.cut);
      if (this.#ending.signal.aborted) link.close();
      await link.run();
    } finally {
      this.#links.delete(link);
    }
  }

  #keep(work: Promise<void>): void {
    this.#running.add(work);
    work.catch((error) => this.#failure ??= error)
      .finally(() => this.#running.delete(work));
  }
}
