/**
 * One connection of a classic protocol: what has arrived and was not understood
 * yet, how long to wait for more, and exact writes.
 *
 * @module
 */

import type { Clock } from "../platform/mod.ts";
import {
  type Connection,
  type NetworkAddress,
  NetworkError,
} from "../transport/mod.ts";

/** What a wait for bytes has brought. */
export type News = "bytes" | "end" | "silence";

/** Bytes that one read takes: 64 KiB, what a socket holds as a rule. */
const READ_SIZE = 65_536;

/**
 * Bytes that a closing end still reads and drops: 64 KiB. A socket closed with
 * unread bytes is reset by the kernel, and the reset can overtake the last answer.
 */
const LINGER_SIZE_MAX = 65_536;

/** Bytes over one connection. A read that was begun is never lost: the next one takes it over. */
export class Wire {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #buffer = new Uint8Array(READ_SIZE);
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #reading: Promise<News> | undefined;
  #received = 0;
  #sent = 0;

  /**
   * @param connection What carries the bytes; whoever has made the wire closes it.
   * @param clock The time.
   */
  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Where the peer is. */
  get remote(): NetworkAddress {
    return this.#connection.remote;
  }

  /** Where this end is, if the connection knows. */
  get local(): NetworkAddress | undefined {
    return this.#connection.local;
  }

  /** Bytes moved, both ways. */
  get moved(): number {
    return this.#received + this.#sent;
  }

  /** What has arrived and was not taken; valid until the next wait. */
  get held(): Uint8Array<ArrayBuffer> {
    return this.#held;
  }

  /** Takes bytes from the front of what is held. */
  take(count: number): void {
    this.#held = this.#held.subarray(count);
  }

  /**
   * Waits until more is held. The caller sees to it that not too much is.
   *
   * @param wait Milliseconds to wait at most; `Infinity` for ever.
   * @throws {NetworkError} When the connection broke.
   */
  async more(wait: number): Promise<News> {
    this.#reading ??= this.#read();
    return await this.#within(wait, this.#reading) ?? "silence";
  }

  /**
   * Waits until anything is held, which may be so already.
   *
   * @param wait Milliseconds to wait at most; `Infinity` for ever.
   * @throws {NetworkError} When the connection broke.
   */
  async some(wait: number): Promise<News> {
    return this.#held.length > 0 ? "bytes" : await this.more(wait);
  }

  /** Reads once, whoever and however many wait for it; what failed stays failed. */
  async #read(): Promise<News> {
    // What is held may stand where the next bytes go.
    if (this.#held.length > 0) this.#held = this.#held.slice();
    const length = await this.#connection.read(this.#buffer);
    this.#reading = undefined;
    if (length === 0) return "end";
    this.#received += length;
    const bytes = this.#buffer.subarray(0, length);
    this.#held = this.#held.length === 0 ? bytes : concat(this.#held, bytes);
    return "bytes";
  }

  /**
   * Sends bytes in one write, as far as the connection takes them at once.
   *
   * @param bytes What to send.
   * @param wait Milliseconds in which the peer must take at least something.
   * @throws {NetworkError} When the connection broke, or the peer takes nothing.
   */
  async send(bytes: Uint8Array<ArrayBuffer>, wait: number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const written = this.#connection.write(bytes.subarray(at));
      const length = await this.#within(wait, written);
      if (length === undefined) {
        this.close();
        await written.catch(() => {});
        throw new NetworkError(
          "reset",
          `the peer took nothing for ${wait / 1000} s`,
        );
      }
      at += length;
      this.#sent += length;
    }
  }

  /** Ends this side: the peer reads what was sent, then the end. */
  async end(): Promise<void> {
    await this.#connection.endWrite();
  }

  /**
   * Ends this side and waits for the peer to end its own, so that all that was
   * sent arrives; then closes.
   *
   * @param wait Milliseconds to wait at most.
   */
  async finish(wait: number): Promise<void> {
    const end = this.#clock.monotonic() + wait;
    try {
      await this.end();
      let dropped = 0;
      while (dropped <= LINGER_SIZE_MAX) {
        dropped += this.#held.length;
        this.take(this.#held.length);
        const left = end - this.#clock.monotonic();
        if (left <= 0 || await this.more(left) !== "bytes") break;
      }
    } catch {
      // Broken: there is nothing left to wait for.
    } finally {
      this.close();
    }
  }

  /** Closes at once; pending calls fail. */
  close(): void {
    this.#connection.close();
    this.#reading?.catch(() => {});
  }

  /** What comes of `work`, or `undefined` when that takes too long. */
  async #within<T>(wait: number, work: Promise<T>): Promise<T | undefined> {
    if (wait === Infinity) return await work;
    const late = Promise.withResolvers<undefined>();
    const cancel = this.#clock.after(wait, () => late.resolve(undefined));
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      cancel();
    }
  }
}

function concat(
  one: Uint8Array,
  other: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
