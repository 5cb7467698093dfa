/**
 * The port to the network: connections that carry bytes, listeners that accept
 * them and a dialler. One implementation is TCP; tests bring one in memory that
 * splits, delays and resets.
 *
 * @module
 */

/** One end of a two-way stream of bytes. */
export interface Connection {
  /** Where the peer is. */
  readonly remote: NetworkAddress;
  /** Where this end is, if the host tells. */
  readonly local?: NetworkAddress | undefined;
  /**
   * SHA-256 of the certificate, in DER, that the server showed on this very
   * connection; `undefined` without TLS, and where the host does not tell.
   */
  readonly certificate?: Uint8Array<ArrayBuffer> | undefined;
  /**
   * Starts TLS on this connection as its client, by the host's own fast means;
   * the connection itself is not to be used any more. One that has no such means
   * lacks this method.
   *
   * @param hostname The name that the certificate must be for.
   * @param ca A certificate in PEM that is trusted besides those of the host.
   * @throws {NetworkError} `tls` or `untrusted`; the signal's reason.
   */
  startTls?(
    hostname: string,
    ca: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Connection>;
  /**
   * Reads what is there, at most as much as fits.
   *
   * @returns How many bytes; 0 when the peer has ended its side.
   * @throws {NetworkError} `reset` or `closed`.
   */
  read(buffer: Uint8Array<ArrayBuffer>): Promise<number>;
  /**
   * Writes at least one byte of `bytes`; waits while the peer takes none. One
   * call at a time.
   *
   * @returns How many bytes were written.
   * @throws {NetworkError} `reset` or `closed`.
   */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /**
   * Waits until this end has done all that it can do without waiting: what it
   * has to send by then can leave in one write. A connection without this
   * method has nothing to gain by that.
   */
  turn?(): Promise<void>;
  /**
   * Ends this side: the peer reads what was written, then the end. Does
   * nothing on a connection that is broken or closed.
   */
  endWrite(): Promise<void>;
  /** Closes both sides; pending calls throw `closed`. A second call does nothing. */
  close(): void;
}

/** An address with a port. */
export interface NetworkAddress {
  /** Name or address, IPv6 without brackets. */
  readonly hostname: string;
  /** Port number. */
  readonly port: number;
}

/** How bytes travel: plainly, or inside TLS. */
export type Scheme = "tcp" | "tls";

/** Accepts connections. */
export interface Listener {
  /** Where it listens; the port is the real one if 0 was asked for. */
  readonly address: NetworkAddress;
  /**
   * Waits for the next connection.
   *
   * @returns The connection; `undefined` after {@linkcode Listener.close}.
   * @throws {NetworkError} `exhausted` when the process is out of descriptors: try again later.
   */
  accept(): Promise<Connection | undefined>;
  /** Stops listening; a second call does nothing. */
  close(): void;
}

/** Something to listen and dial on. */
export interface Network {
  /**
   * Listens for connections.
   *
   * @throws {NetworkError} `in-use`, `denied` or `unreachable`.
   */
  listen(address: NetworkAddress): Listener;
  /**
   * Opens a connection.
   *
   * @param purpose What it is for; what carries data can be made faster.
   * @throws {NetworkError} `refused`, `unknown-host`, `unreachable`, `denied`,
   * `tls`, `untrusted`; the signal's reason.
   */
  dial(
    address: NetworkAddress,
    signal?: AbortSignal,
    purpose?: ConnectionPurpose,
  ): Promise<Connection>;
}

/** What a connection is dialled for. */
export type ConnectionPurpose = "control" | "data";

/**
 * The kinds of {@linkcode NetworkError}. `tls`: the two ends cannot agree on
 * TLS, or only one of them speaks it. `untrusted`: the peer is not proved to be
 * who it should be.
 */
export type NetworkErrorKind =
  | "closed"
  | "reset"
  | "refused"
  | "unknown-host"
  | "unreachable"
  | "denied"
  | "in-use"
  | "exhausted"
  | "tls"
  | "untrusted";

/** A network operation failed. The message is a phrase in lower case. */
export class NetworkError extends Error {
  /** Which failure this is. */
  readonly kind: NetworkErrorKind;

  /**
   * Makes an error.
   *
   * @param kind Which failure this is.
   * @param message What happened.
   * @param options The cause.
   */
  constructor(kind: NetworkErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NetworkError";
    this.kind = kind;
  }
}

/**
 * Whether an address can only be reached from this machine.
 *
 * @param hostname Name or address, IPv6 without brackets.
 */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase();
  return name === "localhost" || name === "::1" ||
    name.endsWith(".localhost") ||
    /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name);
}

/**
 * What an address without a scheme means: TLS, except on this machine itself,
 * which is a safe place (the rule that browsers use).
 *
 * @param hostname Name or address, IPv6 without brackets.
 */
export function usualScheme(hostname: string): Scheme {
  return isLoopback(hostname) ? "tcp" : "tls";
}

/**
 * An address as people write it, IPv6 in brackets.
 *
 * @param address What to write.
 */
export function formatAddress(address: NetworkAddress): string {
  const { hostname, port } = address;
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}
