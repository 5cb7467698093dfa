/**
 * What stands at both ends of the chaos proxy in its tests: real sockets.
 *
 * @module
 */
import type { NetworkAddress } from "../../lib/transport/network.ts";

/** A server whose connections the test takes one by one. */
export class RawServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();

  /** Where it is. */
  get address(): NetworkAddress {
    return { hostname: "127.0.0.1", port: this.#listener.addr.port };
  }

  /** Waits for the next connection; it is closed with the server. */
  async accept(): Promise<Deno.TcpConn> {
    const conn = await this.#listener.accept();
    this.#open.add(conn);
    return conn;
  }

  /** Sends back what comes, on every connection, until it is closed. */
  async echo(): Promise<void> {
    const running: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) {
        running.push(
          conn.readable.pipeTo(conn.writable).catch(() => {
            // Cut by the proxy: that is what it is for.
          }),
        );
      }
    } finally {
      await Promise.all(running);
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const conn of this.#open) close(conn);
  }
}

/** Connects; whoever calls closes it. */
export function connect(address: NetworkAddress): Promise<Deno.TcpConn> {
  return Deno.connect({ ...address });
}

/** Closes a connection that may be closed. */
export function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It is.
  }
}

/** Writes everything. */
export async function writeAll(
  conn: Deno.TcpConn,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

/** How the bytes of a connection ended. */
export interface Heard {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether a reset came, and no end. */
  readonly isReset: boolean;
}

/** Reads until the end, a reset, or so many bytes. */
export async function hear(
  conn: Deno.TcpConn,
  sizeMax = Infinity,
): Promise<Heard> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(65_536);
  let size = 0;
  let isReset = false;
  try {
    while (size < sizeMax) {
      const count = await conn.read(
        buffer.subarray(0, Math.min(buffer.length, sizeMax - size)),
      );
      if (count === null) break;
      parts.push(buffer.slice(0, count));
      size += count;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    isReset = true;
  }
  const bytes = new Uint8Array(size);
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return { bytes, isReset };
}
