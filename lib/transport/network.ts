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
  /**
   * SHA-256 of the certificate, in DER, that the server has shown on this very
   * connection; `undefined` in plain TCP.
   */
  readonly certificate?: Uint8Array | undefined;
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
   * @throws {NetworkError} `refused`, `unknown-host`, `unreachable`, `denied`; the signal's reason.
   */
  dial(address: NetworkAddress, signal?: AbortSignal): Promise<Connection>;
}

/** The kinds of {@linkcode NetworkError}. */
export type NetworkErrorKind =
  | "closed"
  | "reset"
  | "refused"
  | "unknown-host"
  | "unreachable"
  | "denied"
  | "in-use"
  | "exhausted";

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
