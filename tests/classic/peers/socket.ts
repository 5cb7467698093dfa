/**
 * A socket as the old programs see it: `recv` takes what one read brings, and a
 * send is one write. Written for the tests, with nothing of `lib/classic`.
 */

import type { Connection } from "../../../lib/transport/mod.ts";

const UTF8 = new TextEncoder();

/** Text as bytes. */
export function ascii(text: string): Uint8Array<ArrayBuffer> {
  return UTF8.encode(text);
}

/** Bytes as text, one character a byte. */
export function text(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** Pieces as one. */
export function joined(
  ...pieces: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** A connected socket. */
export class Socket implements Disposable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** One `recv(max)`: what is there; nothing at the end. */
  async recv(max: number): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(max);
    const length = await this.#connection.read(buffer);
    return buffer.subarray(0, length);
  }

  /** Exactly so many bytes, in as many `recv` as it takes. */
  async recvAll(size: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const piece = await this.recv(Math.min(65_536, size - at));
      if (piece.length === 0) {
        throw new Error(`the peer ended after ${at} of ${size} bytes`);
      }
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** Whatever comes until the end; a reset is an end, too. */
  async recvToEnd(): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array[] = [];
    for (;;) {
      const piece = await this.recv(65_536).catch(() => new Uint8Array(0));
      if (piece.length === 0) return joined(...pieces);
      pieces.push(piece);
    }
  }

  /** One send, which is one write as long as the socket takes it. */
  async send(bytes: Uint8Array): Promise<void> {
    const all = new Uint8Array(bytes);
    for (let at = 0; at < all.length;) {
      at += await this.#connection.write(all.subarray(at));
    }
  }

  /** Ends the sending side. */
  async end(): Promise<void> {
    await this.#connection.endWrite();
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Accepts connections one after the other, as the old servers do, until it is closed. */
export async function serveOneByOne(
  listener: { accept(): Promise<Connection | undefined> },
  serve: (socket: Socket) => Promise<void>,
): Promise<void> {
  for (;;) {
    const connection = await listener.accept();
    if (connection === undefined) return;
    using socket = new Socket(connection);
    // A client that is gone does not end the server.
    await serve(socket).catch(() => {});
  }
}
