/**
 * The client's half of a data connection (Q) of the cs372 kinds: it listens, and
 * takes the connection of its server and nobody else's.
 *
 * @module
 */

import { FerryError } from "../client/mod.ts";
import { sleep } from "../platform/mod.ts";
import { DIAL_PORT_MIN } from "../server/mod.ts";
import {
  type Connection,
  type Listener,
  NetworkError,
} from "../transport/mod.ts";
import type { ClientParts, Operation } from "./operation.ts";
import { isSameHost } from "./ports.ts";
import { MalformedError, showBytes, SilenceError } from "./reading.ts";
import type { Wire } from "./wire.ts";

/**
 * Milliseconds that a data connection may still take after the control
 * connection has ended: a server that has sent everything closes both, and the
 * one end may overtake the other connection.
 */
const GRACE = 2000;

/**
 * The address that a connection has on this machine: where its server can be
 * told to connect to.
 *
 * @throws {FerryError} `unsupported` when the network does not tell.
 */
export function ownHostname({ local }: Wire): string {
  if (local !== undefined) return local.hostname;
  throw new FerryError(
    "unsupported",
    "this network does not tell the own address of a connection",
    { side: "local" },
  );
}

/** Listens for one data connection. */
export class DataListener implements Disposable {
  readonly #listener: Listener;
  readonly #operation: Operation;
  readonly #parts: ClientParts;
  readonly #ended = new AbortController();

  private constructor(
    listener: Listener,
    operation: Operation,
    parts: ClientParts,
  ) {
    this.#listener = listener;
    this.#operation = operation;
    this.#parts = parts;
  }

  /**
   * Begins to listen.
   *
   * @param operation What the connection is for.
   * @param parts At which port, and with what.
   * @param hostname At which address.
   * @throws {FerryError} When it cannot.
   */
  static open(
    operation: Operation,
    parts: ClientParts,
    hostname: string,
  ): DataListener {
    const { dataPort: port, network } = parts;
    if (port !== 0 && port < DIAL_PORT_MIN) {
      throw new FerryError(
        "unsupported",
        `data port ${port} is below ${DIAL_PORT_MIN}, and servers do not connect to those`,
        { side: "local" },
      );
    }
    try {
      return new DataListener(
        network.listen({ hostname, port }),
        operation,
        parts,
      );
    } catch (cause) {
      if (!(cause instanceof NetworkError)) throw cause;
      const code = cause.kind === "denied" ? "denied" : "unavailable";
      throw new FerryError(
        code,
        `the data port ${port} cannot be listened on: ${cause.message}`,
        { side: "local", cause },
      );
    }
  }

  /** The real port. */
  get port(): number {
    return this.#listener.address.port;
  }

  /**
   * Waits for the server's connection; others are turned away.
   *
   * @param watched What goes on meanwhile: where it fails, the connection that
   * may be under way is waited for, and no longer.
   * @throws {SilenceError} When it does not come in time.
   * @throws What `watched` does.
   */
  async accept(watched: Promise<unknown>): Promise<Wire> {
    const { clock, timeout } = this.#parts;
    const { control, signal } = this.#operation;
    const late = sleep(clock, timeout, this.#ended.signal).then(() => {
      throw new SilenceError(
        `the server has not opened the data connection within ${
          timeout / 1000
        } s (can it reach port ${this.port} here, or is a firewall in between?)`,
      );
    });
    const hopeless = this.#hopeless(watched);
    const accepted = this.#acceptFrom(control.remote.hostname);
    const onAbort = () => this.#listener.close();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      const connection = await Promise.race([accepted, late, hopeless]);
      return this.#operation.adopt(connection);
    } catch (error) {
      this.#listener.close();
      // One that comes too late is nobody's.
      accepted.then((connection) => connection.close(), () => {});
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#ended.abort();
      late.catch(() => {});
      hopeless.catch(() => {});
    }
  }

  async #hopeless(watched: Promise<unknown>): Promise<never> {
    try {
      await watched;
    } catch (error) {
      await sleep(this.#parts.clock, GRACE, this.#ended.signal);
      throw error;
    }
    return await new Promise<never>(() => {});
  }

  async #acceptFrom(server: string): Promise<Connection> {
    for (;;) {
      const connection = await this.#listener.accept();
      if (connection === undefined) {
        throw new NetworkError("closed", "listening has ended");
      }
      if (isSameHost(connection.remote.hostname, server)) return connection;
      connection.close();
    }
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    this.#ended.abort();
    this.#listener.close();
  }
}

/**
 * Watches a control connection on which nothing more is to come: for
 * {@linkcode DataListener.accept}.
 *
 * @param control The control connection.
 * @throws {NetworkError} When it ends or breaks.
 * @throws {MalformedError} When something comes.
 */
export async function watchSilent(control: Wire): Promise<never> {
  if (control.held.length > 0 || await control.more(Infinity) === "bytes") {
    throw new MalformedError(
      `${showBytes(control.held)} came, and nothing was to come`,
    );
  }
  throw new NetworkError(
    "closed",
    "the server closed the connection without opening the data connection",
  );
}
