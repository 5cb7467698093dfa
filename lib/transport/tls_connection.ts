/**
 * TLS 1.3 over any connection, by way of `node:tls`.
 *
 * Deno's own listener is not used: it leaves Nagle's algorithm on without a way
 * to turn it off, accepts TLS 1.2, and keeps its first certificate for ever.
 *
 * @module
 */

import { Duplex } from "node:stream";
import {
  connect,
  type ConnectionOptions,
  type SecureContext,
  TLSSocket,
  type TLSSocketOptions,
} from "node:tls";
import {
  type Connection,
  type NetworkAddress,
  NetworkError,
} from "./network.ts";

/** The only version: what a Ferry peer cannot speak it should not (RFC 8446). */
const VERSION = "TLSv1.3";

/**
 * Bytes of encrypted records that are read at once: eight of the largest. Begun
 * with far less, for many connections never say much.
 */
const RECORDS_SIZE_MAX = 131_072;
const RECORDS_SIZE_MIN = 4096;

/** Decrypted bytes that may wait for a reader: 1 MiB, as much as a chunk. */
const QUEUE_SIZE_MAX = 1_048_576;

/** How records begin: of a handshake, and of an alert. */
const HANDSHAKE = 0x16;
const ALERT = 0x15;

/** `protocol_version`, fatal (RFC 8446, section 6): tells a peer without TLS that this is TLS. */
const PROTOCOL_VERSION_ALERT = new Uint8Array([ALERT, 3, 3, 0, 2, 2, 70]);

const PLAIN_CLIENT =
  "the client does not speak TLS, which this port needs; it must use tls://";
const PLAIN_SERVER =
  "the server does not speak TLS on this port; if plain TCP is meant, say tcp://";
const SILENT_SERVER =
  "the server closed the connection instead of beginning TLS; if plain TCP is meant, say tcp://";

/** The encrypted side: what `node:tls` reads from and writes to. */
class Records extends Duplex {
  readonly #base: Connection;
  readonly #isServer: boolean;
  #size = RECORDS_SIZE_MIN;
  #isFirst = true;
  #isHeld = false;
  /** Whether more was asked for while nothing was to be read. */
  #isWanted = false;
  /** Why the connection ended, as the one who knows best says it. */
  fault: NetworkError | undefined;

  constructor(base: Connection, isServer: boolean) {
    super({ highWaterMark: RECORDS_SIZE_MAX, allowHalfOpen: true });
    this.#base = base;
    this.#isServer = isServer;
  }

  /**
   * Whether nothing more is to be read for now. `node:tls` itself decrypts all
   * that comes, whether anybody takes it or not (seen in Deno 2.9.6).
   */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (!isHeld && this.#isWanted) this._read();
  }

  override _read(): void {
    this.#isWanted = this.#isHeld;
    if (this.#isHeld) return;
    this.#fill().catch((error) => this.#fail(error));
  }

  async #fill(): Promise<void> {
    const buffer = new Uint8Array(this.#size);
    const length = await this.#base.read(buffer);
    if (length === this.#size && length < RECORDS_SIZE_MAX) this.#size *= 2;
    if (this.#isFirst) await this.#checkFirst(length, buffer[0]);
    this.#isFirst = false;
    this.push(length === 0 ? null : buffer.subarray(0, length));
  }

  /** Says in words what the wrong scheme looks like from here. */
  async #checkFirst(length: number, first: number | undefined): Promise<void> {
    if (length === 0) {
      if (!this.#isServer) throw new NetworkError("tls", SILENT_SERVER);
    } else if (this.#isServer && first !== HANDSHAKE) {
      await this.#base.write(PROTOCOL_VERSION_ALERT);
      await this.#base.endWrite();
      throw new NetworkError("tls", PLAIN_CLIENT);
    } else if (first !== HANDSHAKE && first !== ALERT) {
      throw new NetworkError("tls", PLAIN_SERVER);
    }
  }

  override _write(
    chunk: Uint8Array<ArrayBuffer>,
    _encoding: string,
    done: (error?: Error) => void,
  ): void {
    this.#writeAll(chunk).then(() => done(), (error) => {
      this.fault ??= asNetworkError(error);
      done(error);
    });
  }

  async #writeAll(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      at += await this.#base.write(at === 0 ? chunk : chunk.subarray(at));
    }
  }

  override _final(done: () => void): void {
    this.#base.endWrite().then(done, done);
  }

  override _destroy(
    error: Error | null,
    done: (error: Error | null) => void,
  ): void {
    this.#base.close();
    done(error);
  }

  #fail(error: unknown): void {
    const fault = asNetworkError(error);
    this.fault ??= fault;
    this.destroy(fault);
  }
}

function asNetworkError(error: unknown): NetworkError {
  return error instanceof NetworkError
    ? error
    : new NetworkError("reset", "connection failed", { cause: error });
}

/** One end of a connection inside TLS. */
export class TlsConnection implements Connection {
  readonly remote: NetworkAddress;
  readonly #socket: TLSSocket;
  readonly #records: Records;
  /** Decrypted and not read yet. */
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;
  #isOver = false;
  #isClosed = false;
  #isEnding = false;
  #isSecure = false;
  #fault: NetworkError | undefined;
  /** Wakes whoever waits for a change. */
  #wake = (): void => {};
  #abandonWrite = (_reason: NetworkError): void => {};
  certificate: Uint8Array<ArrayBuffer> | undefined;

  private constructor(
    base: Connection,
    records: Records,
    socket: TLSSocket,
  ) {
    this.remote = base.remote;
    this.#records = records;
    this.#socket = socket;
    socket.on("data", (chunk: Uint8Array<ArrayBuffer>) => this.#take(chunk));
    socket.on("end", () => this.#peerEnded());
    socket.on("close", () => this.#gone());
    socket.on("error", (error: Error) => this.#fail(error));
  }

  /**
   * The server's end; the handshake runs while the first bytes are read or written.
   *
   * @param base What carries the records.
   * @param secureContext Certificate and key.
   */
  static accept(
    base: Connection,
    secureContext: SecureContext,
  ): TlsConnection {
    const records = new Records(base, true);
    const options: TLSSocketOptions & { readonly allowHalfOpen: boolean } = {
      isServer: true,
      secureContext,
      allowHalfOpen: true,
    };
    const socket = new TLSSocket(records, options);
    const connection = new TlsConnection(base, records, socket);
    socket.on("secure", () => connection.#isSecure = true);
    return connection;
  }

  /**
   * The client's end, when the handshake is done. Nothing is judged here: who
   * the server is must be decided by {@linkcode TlsConnection.socket}.
   *
   * @param base What carries the records; it is closed on every failure.
   * @param choices The name to ask for, and which authorities count.
   * @param signal Ends the handshake.
   */
  static async connect(
    base: Connection,
    choices: { readonly hostname: string; readonly ca: string | undefined },
    signal: AbortSignal | undefined,
  ): Promise<TlsConnection> {
    const records = new Records(base, false);
    const { hostname, ca } = choices;
    const options: ConnectionOptions & { readonly allowHalfOpen: boolean } = {
      socket: records,
      host: hostname,
      // An address has no place in the server name (RFC 6066, section 3).
      ...isAddress(hostname) ? {} : { servername: hostname },
      ...ca === undefined ? {} : { ca },
      minVersion: VERSION,
      rejectUnauthorized: false,
      allowHalfOpen: true,
    };
    const socket = connect(options);
    const connection = new TlsConnection(base, records, socket);
    const onAbort = (): void => connection.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    try {
      await connection.#handshaken();
      return connection;
    } catch (error) {
      connection.close();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** What `node:tls` knows of the peer. */
  get socket(): Pick<
    TLSSocket,
    "authorized" | "authorizationError" | "getPeerCertificate"
  > {
    return this.#socket;
  }

  async #handshaken(): Promise<void> {
    this.#socket.on("secureConnect", () => {
      this.#isSecure = true;
      this.#wake();
    });
    while (!this.#isSecure) {
      this.#assertUsable();
      if (this.#isOver) throw new NetworkError("tls", SILENT_SERVER);
      await this.#change();
    }
  }

  #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  #assertUsable(): void {
    if (this.#isClosed) {
      throw new NetworkError("closed", "connection is closed");
    }
    if (this.#fault !== undefined) throw this.#fault;
  }

  #take(chunk: Uint8Array<ArrayBuffer>): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.#records.hold(this.#size >= QUEUE_SIZE_MAX);
    this.#wake();
  }

  /** Nothing more comes; what is being written may still arrive. */
  #peerEnded(): void {
    this.#isOver = true;
    this.#wake();
  }

  #gone(): void {
    const { fault } = this.#records;
    if (fault !== undefined) this.#fail(fault);
    this.#abandonWrite(
      new NetworkError("reset", "connection closed by the peer"),
    );
    this.#peerEnded();
  }

  #fail(error: Error): void {
    this.#fault ??= this.#records.fault ??
      (this.#isSecure
        ? new NetworkError("reset", "connection broken", { cause: error })
        : new NetworkError("tls", handshakeReason(error), { cause: error }));
    this.#abandonWrite(this.#fault);
    this.#wake();
  }

  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number> {
    for (;;) {
      if (this.#isClosed) this.#assertUsable();
      // What has arrived before a fault is good.
      const [chunk] = this.#chunks;
      if (chunk !== undefined) return this.#give(chunk, buffer);
      this.#assertUsable();
      if (this.#isOver) return 0;
      await this.#change();
    }
  }

  #give(
    chunk: Uint8Array<ArrayBuffer>,
    buffer: Uint8Array<ArrayBuffer>,
  ): number {
    const part = chunk.subarray(0, buffer.length);
    buffer.set(part);
    if (part.length < chunk.length) {
      this.#chunks[0] = chunk.subarray(part.length);
    } else this.#chunks.shift();
    this.#size -= part.length;
    this.#records.hold(this.#size >= QUEUE_SIZE_MAX);
    return part.length;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    this.#assertUsable();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#abandonWrite = reject;
    this.#socket.write(bytes, (error) => {
      if (error) this.#fail(error);
      else resolve();
    });
    try {
      await promise;
      return bytes.length;
    } catch (error) {
      this.#assertUsable();
      throw error;
    } finally {
      this.#abandonWrite = () => {};
    }
  }

  endWrite(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const isGone = this.#isClosed || this.#isEnding || this.#fault;
    if (isGone) return Promise.resolve();
    this.#isEnding = true;
    this.#socket.once("finish", resolve);
    this.#socket.once("close", resolve);
    this.#socket.end();
    return promise;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#chunks.length = 0;
    this.#socket.destroy();
    // Whatever becomes of the socket, the descriptor is free now.
    this.#records.destroy();
    this.#abandonWrite(new NetworkError("closed", "connection is closed"));
    this.#wake();
  }
}

/** Whether a host is named by its address. */
function isAddress(hostname: string): boolean {
  return hostname.includes(":") || /^[\d.]+$/.test(hostname);
}

/** Reasons that OpenSSL gives, in words; others are shown as they are. */
const HANDSHAKE_REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /Tls12NotOffered|SSLV3_ALERT_HANDSHAKE_FAILURE|protocol.?version/i,
    "the peer does not speak TLS 1.3",
  ],
  [
    /unknown.?ca|bad.?certificate|certificate.?unknown/i,
    "the peer does not accept this certificate",
  ],
];

function handshakeReason(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  const found = HANDSHAKE_REASONS.find(([pattern]) =>
    pattern.test(error.message) || pattern.test(code)
  );
  return `the TLS handshake failed: ${found?.[1] ?? error.message}`;
}
