/**
 * What every client is made of: operations, each on a connection of its own, or
 * all on one that is kept.
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
  type Connection,
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
  /** Where to listen for a data connection; 0 is any free port. */
  readonly dataPort: number;
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
    dataPort: options.dataPort ?? 0,
    timeout: options.timeout ?? TIMEOUT_DEFAULT,
    signal: options.signal,
    network: options.network ?? tcpNetwork,
    disk: options.disk ?? new DenoDisk(),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

/** One operation while it runs; its connections are closed when it ends. */
export class Operation {
  /** The connection that was dialled for it. */
  readonly control: Wire;
  /** Aborted when the operation is to end; its connections are closed then. */
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #wires: Wire[] = [];
  /** Bytes of the connection that were others'. */
  readonly #before: number;
  #phase: Phase = "connecting";

  /**
   * @param control What was dialled for it.
   * @param clock The time.
   * @param signal What may end it.
   */
  constructor(control: Wire, clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.signal = signal;
    this.control = control;
    this.#wires.push(control);
    this.#before = control.moved;
  }

  /** Before or after the server has shown that it speaks the protocol: errors have another meaning then. */
  get phase(): Phase {
    return this.#phase;
  }

  /** Bytes that went over its connections, both ways. */
  get moved(): number {
    return this.#wires.reduce((sum, { moved }) => sum + moved, -this.#before);
  }

  /** Says that the server speaks the protocol. */
  connected(): void {
    this.#phase = "connected";
  }

  /** Takes over another connection. */
  adopt(connection: Connection): Wire {
    const wire = new Wire(connection, this.#clock);
    this.#wires.push(wire);
    if (this.signal.aborted) wire.close();
    return wire;
  }

  /** Closes its connections. */
  close(): void {
    for (const wire of this.#wires) wire.close();
  }
}

/** Runs the operations of one client. */
export class Operations {
  readonly #parts: ClientParts;
  readonly #closed = new AbortController();
  readonly #isKeeping: boolean;
  /** The connection for the next operation, as long as nothing comes on it. */
  #kept: Wire | undefined;

  /**
   * @param parts Where to, and with what.
   * @param options Whether operations follow each other on one connection.
   */
  constructor(
    parts: ClientParts,
    { isKeeping = false }: { readonly isKeeping?: boolean } = {},
  ) {
    this.#parts = parts;
    this.#isKeeping = isKeeping;
  }

  /** Ends what runs. */
  close(): Promise<void> {
    this.#closed.abort();
    this.#takeKept()?.close();
    return Promise.resolve();
  }

  /**
   * Runs one operation on a connection of its own, which is closed afterwards;
   * where connections are kept, on the one that is there, which is closed when
   * the operation fails.
   *
   * @param path The name that is asked for, if there is one.
   * @param signal What the caller may end it with.
   * @param work The operation.
   * @throws {FerryError} Whatever goes wrong.
   */
  async run<T>(
    path: string | undefined,
    signal: AbortSignal | undefined,
    work: (operation: Operation) => Promise<T>,
  ): Promise<T> {
    const { clock, signal: all } = this.#parts;
    const signals = [this.#closed.signal, all, signal];
    const ending = AbortSignal.any(
      signals.filter((each) => each !== undefined),
    );
    let operation: Operation | undefined;
    const onAbort = () => operation?.close();
    ending.addEventListener("abort", onAbort, { once: true });
    try {
      ending.throwIfAborted();
      const kept = this.#takeKept();
      operation = new Operation(
        kept ?? new Wire(await this.#dial(ending), clock),
        clock,
        ending,
      );
      if (kept !== undefined) operation.connected();
      ending.throwIfAborted();
      const result = await work(operation);
      if (this.#isKeeping) {
        this.#keep(operation.control);
        operation = undefined;
      }
      return result;
    } catch (cause) {
      const error = clientError(cause, operation?.phase ?? "connecting");
      throw describe(error, path, ending);
    } finally {
      ending.removeEventListener("abort", onAbort);
      operation?.close();
    }
  }

  #takeKept(): Wire | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept;
  }

  /** Between operations a server has nothing to say: what does is not kept. */
  #keep(wire: Wire): void {
    if (wire.held.length > 0) return wire.close();
    this.#kept = wire;
    const drop = (): void => {
      if (this.#kept === wire) this.#takeKept()?.close();
    };
    wire.more(Infinity).then(drop, drop);
  }

  async #dial(signal: AbortSignal): Promise<Connection> {
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

/** What every client has: its parts, and its operations until it is closed. */
export abstract class BaseClient implements AsyncDisposable {
  /** Where to, and with what. */
  protected readonly parts: ClientParts;
  /** Runs the operations. */
  protected readonly operations: Operations;

  /**
   * @param parts Where to, and with what.
   * @param options As of {@linkcode Operations}.
   */
  constructor(parts: ClientParts, options?: { readonly isKeeping?: boolean }) {
    this.parts = parts;
    this.operations = new Operations(parts, options);
  }

  /** Ends what runs; no classic protocol says more than that when it closes. */
  async close(): Promise<void> {
    await this.operations.close();
  }

  /** The same as {@linkcode BaseClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
