/**
 * Clients whose every operation has a connection of its own.
 *
 * @module
 */

import {
  describe,
  FerryError,
  type Phase,
  toFerryError,
} from "../client/mod.ts";
import {
  type Clock,
  type Random,
  systemClock,
  systemRandom,
} from "../platform/mod.ts";
import { DenoDisk, type Disk } from "../storage/mod.ts";
import {
  type Network,
  type NetworkAddress,
  tcpNetwork,
} from "../transport/mod.ts";
import { MalformedError, SilenceError } from "./reading.ts";
import type { ClassicConnectOptions } from "./types.ts";
import { Wire } from "./wire.ts";

/**
 * Milliseconds of silence after which a server counts as gone: 30 s, as for
 * Ferry's own; the originals pause for one or two at most.
 */
const TIMEOUT_DEFAULT = 30_000;

/** The options of a client with everything filled in. */
export interface ClientParts {
  /** Where the server is. */
  readonly address: NetworkAddress;
  /** Milliseconds of silence after which it counts as gone. */
  readonly timeout: number;
  /** Ends whatever runs. */
  readonly signal: AbortSignal | undefined;
  /** Where to dial and to listen. */
  readonly network: Network;
  /** Where local files are. */
  readonly disk: Disk;
  /** The time. */
  readonly clock: Clock;
  /** Ids. */
  readonly random: Random;
}

/**
 * Fills in what the caller left open.
 *
 * @param options The caller's.
 * @param port The port to dial unless it names one.
 */
export function clientParts(
  options: ClassicConnectOptions,
  port: number,
): ClientParts {
  return {
    address: { hostname: options.hostname, port: options.port ?? port },
    timeout: options.timeout ?? TIMEOUT_DEFAULT,
    signal: options.signal,
    network: options.network ?? tcpNetwork,
    disk: options.disk ?? new DenoDisk(),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

/** One operation while it runs. */
export interface Operation {
  /** The control connection. */
  readonly control: Wire;
  /** Aborted when the operation is to end; the control connection is closed then. */
  readonly signal: AbortSignal;
  /** Says that the server speaks the protocol: errors have another meaning from now on. */
  connected(): void;
}

/** Runs the operations of one client. */
export class Operations {
  readonly #parts: ClientParts;
  readonly #closed = new AbortController();

  /** @param parts Where to, and with what. */
  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /** Ends what runs. */
  close(): Promise<void> {
    this.#closed.abort();
    return Promise.resolve();
  }

  /**
   * Runs one operation on a connection of its own, which is closed afterwards.
   *
   * @param path The name that is asked for; `""` for the served folder.
   * @param signal What the caller may end it with.
   * @param work The operation.
   * @throws {FerryError} Whatever goes wrong.
   */
  async run<T>(
    path: string,
    signal: AbortSignal | undefined,
    work: (operation: Operation) => Promise<T>,
  ): Promise<T> {
    const { clock, signal: all } = this.#parts;
    const signals = [this.#closed.signal, all, signal];
    const ending = AbortSignal.any(
      signals.filter((each) => each !== undefined),
    );
    let phase: Phase = "connecting";
    let control: Wire | undefined;
    const onAbort = () => control?.close();
    ending.addEventListener("abort", onAbort, { once: true });
    try {
      control = new Wire(await this.#dial(ending), clock);
      ending.throwIfAborted();
      return await work({
        control,
        signal: ending,
        connected() {
          phase = "connected";
        },
      });
    } catch (cause) {
      throw describe(clientError(cause, phase), path, ending);
    } finally {
      ending.removeEventListener("abort", onAbort);
      control?.close();
    }
  }

  async #dial(signal: AbortSignal): ReturnType<Network["dial"]> {
    const { address, clock, network, timeout } = this.#parts;
    const late = new AbortController();
    const cancel = clock.after(timeout, () => late.abort());
    try {
      return await network.dial(
        address,
        AbortSignal.any([late.signal, signal]),
      );
    } catch (cause) {
      signal.throwIfAborted();
      if (!late.signal.aborted) throw cause;
      throw new SilenceError(`no answer within ${timeout / 1000} s`);
    } finally {
      cancel();
    }
  }
}

/** The error of a client for whatever went wrong. */
function clientError(error: unknown, phase: Phase): FerryError {
  const isConnecting = phase === "connecting";
  if (error instanceof MalformedError) {
    return new FerryError(
      isConnecting ? "wrong-protocol" : "protocol",
      error.message,
      { cause: error },
    );
  }
  if (error instanceof SilenceError) {
    return new FerryError(
      isConnecting ? "connect-failed" : "connection-lost",
      error.message,
      { cause: error },
    );
  }
  return toFerryError(error, phase);
}
