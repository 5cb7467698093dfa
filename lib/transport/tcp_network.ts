/**
 * TCP by way of Deno.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import {
  type Connection,
  type Listener,
  type Network,
  type NetworkAddress,
  NetworkError,
  type NetworkErrorKind,
} from "./network.ts";

type HostError = abstract new (message?: string) => Error;

/** Errors that Deno tells apart by class; the rest by code, below. */
const KINDS: readonly (readonly [HostError, NetworkErrorKind, string])[] = [
  [Deno.errors.ConnectionRefused, "refused", "connection refused"],
  [Deno.errors.ConnectionReset, "reset", "connection reset by the peer"],
  [Deno.errors.ConnectionAborted, "reset", "connection aborted"],
  [Deno.errors.BrokenPipe, "reset", "connection closed by the peer"],
  [Deno.errors.NotConnected, "reset", "connection closed by the peer"],
  [Deno.errors.UnexpectedEof, "reset", "connection closed by the peer"],
  [Deno.errors.TimedOut, "unreachable", "no answer"],
  [Deno.errors.NetworkUnreachable, "unreachable", "network is unreachable"],
  [Deno.errors.AddrInUse, "in-use", "address is in use"],
  [Deno.errors.AddrNotAvailable, "unreachable", "address is not available"],
  [Deno.errors.BadResource, "closed", "connection is closed"],
  [Deno.errors.Interrupted, "closed", "connection is closed"],
];

/** Errors that Deno tells apart by code only. */
const CODES: Readonly<Record<string, readonly [NetworkErrorKind, string]>> = {
  EMFILE: ["exhausted", "out of file descriptors"],
  ENFILE: ["exhausted", "the system is out of file descriptors"],
  ENOBUFS: ["exhausted", "out of network buffers"],
  ENOMEM: ["exhausted", "out of memory for connections"],
  EHOSTUNREACH: ["unreachable", "host is unreachable"],
  ENETUNREACH: ["unreachable", "network is unreachable"],
  ETIMEDOUT: ["unreachable", "no answer"],
  EACCES: ["denied", "permission denied by the system"],
};

/** What getaddrinfo says through Deno; it has no class or code of its own. */
const LOOKUP_PATTERN = /failed to lookup address|no addresses/i;

/** What rustls says through Deno of a certificate that it does not accept. */
const CERTIFICATE_PATTERN = /invalid peer certificate: (?<reason>.+)$/s;

/** What went wrong in TLS itself. */
function tlsError(error: Error): NetworkError {
  const reason = CERTIFICATE_PATTERN.exec(error.message)?.groups?.reason;
  return reason === undefined
    ? new NetworkError("tls", "the TLS handshake failed", { cause: error })
    : new NetworkError(
      "untrusted",
      `the server shows a certificate that is not its own: ${reason}`,
      { cause: error },
    );
}

/** The {@linkcode NetworkError} that an error of Deno's network calls is. */
export function networkError(error: unknown): NetworkError {
  if (error instanceof NetworkError) return error;
  if (!(error instanceof Error)) {
    return new NetworkError("reset", "connection failed", { cause: error });
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new NetworkError(
      "denied",
      "this program runs without --allow-net for that address",
      { cause: error },
    );
  }
  if (error instanceof Deno.errors.InvalidData) return tlsError(error);
  const code = "code" in error ? CODES[String(error.code)] : undefined;
  if (code !== undefined) {
    return new NetworkError(code[0], code[1], { cause: error });
  }
  for (const [type, kind, phrase] of KINDS) {
    if (error instanceof type) {
      return new NetworkError(kind, phrase, { cause: error });
    }
  }
  if (LOOKUP_PATTERN.test(error.message)) {
    return new NetworkError("unknown-host", "host name is unknown", {
      cause: error,
    });
  }
  return new NetworkError("reset", "connection failed", { cause: error });
}

function toAddress({ hostname, port }: Deno.NetAddr): NetworkAddress {
  return { hostname, port };
}

/** Bytes over one of Deno's connections. */
class DenoConnection implements Connection {
  readonly remote: NetworkAddress;
  readonly local: NetworkAddress;
  readonly #conn: Deno.Conn<Deno.NetAddr>;
  #closed = false;

  constructor(conn: Deno.Conn<Deno.NetAddr>) {
    this.#conn = conn;
    this.remote = toAddress(conn.remoteAddr);
    this.local = toAddress(conn.localAddr);
  }

  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number> {
    try {
      return await this.#conn.read(buffer) ?? 0;
    } catch (error) {
      throw this.#error(error);
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    try {
      return await this.#conn.write(bytes);
    } catch (error) {
      throw this.#error(error);
    }
  }

  turn(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }

  async endWrite(): Promise<void> {
    try {
      await this.#conn.closeWrite();
    } catch {
      // Broken or closed: there is no side left to end.
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }

  #error(error: unknown): NetworkError {
    return this.#closed
      ? new NetworkError("closed", "connection is closed", { cause: error })
      : networkError(error);
  }
}

/** A TCP connection, on which TLS can be started. */
class TcpConnection extends DenoConnection {
  readonly #tcp: Deno.TcpConn;
  #isHandedOver = false;

  constructor(conn: Deno.TcpConn) {
    super(conn);
    this.#tcp = conn;
    try {
      // Deno leaves Nagle's algorithm on: with delayed acknowledgements a
      // request in two writes then takes 40 ms instead of 30 us.
      conn.setNoDelay(true);
      conn.setKeepAlive(true);
    } catch {
      // The peer is gone already: the first read says so.
    }
  }

  override close(): void {
    if (!this.#isHandedOver) super.close();
  }

  async startTls(
    hostname: string,
    ca: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Connection> {
    const caCerts = ca === undefined ? [] : [ca];
    this.#isHandedOver = true;
    let conn: Deno.TlsConn;
    try {
      conn = await Deno.startTls(this.#tcp, { hostname, caCerts });
    } catch (error) {
      super.close();
      throw networkError(error);
    }
    const secured = new DenoConnection(conn);
    const onAbort = (): void => secured.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      await conn.handshake();
      return secured;
    } catch (error) {
      secured.close();
      signal?.throwIfAborted();
      throw networkError(error);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

class TcpListener implements Listener {
  readonly address: NetworkAddress;
  readonly #listener: Deno.TcpListener;
  #closed = false;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
    const { hostname, port } = listener.addr;
    this.address = { hostname, port };
  }

  async accept(): Promise<Connection | undefined> {
    try {
      return new TcpConnection(await this.#listener.accept());
    } catch (error) {
      if (this.#closed) return undefined;
      throw networkError(error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }
}

/** The machine's TCP. */
export const tcpNetwork: Network = {
  listen({ hostname, port }) {
    try {
      return new TcpListener(Deno.listen({ hostname, port }));
    } catch (error) {
      throw networkError(error);
    }
  },
  async dial({ hostname, port }, signal) {
    signal?.throwIfAborted();
    // Deno 2.9.6 loses a connection, and its descriptor, when the signal fires
    // in the turn of the event loop in which it is made: so it is told one later.
    const late = new AbortController();
    const onAbort = (): void => void setImmediate(() => late.abort());
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const conn = await Deno.connect({ hostname, port, signal: late.signal });
      const connection = new TcpConnection(conn);
      if (signal?.aborted) connection.close();
      signal?.throwIfAborted();
      return connection;
    } catch (error) {
      signal?.throwIfAborted();
      throw networkError(error);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  },
};
