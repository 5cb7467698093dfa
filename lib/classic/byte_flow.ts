/**
 * The bytes of a file over a {@linkcode Wire} that both ends know the size of.
 *
 * @module
 */

import type { Clock } from "../platform/mod.ts";
import { CHUNK_SIZE, chunkCount, type Source } from "../storage/mod.ts";
import { NetworkError } from "../transport/mod.ts";
import { MalformedError, SilenceError } from "./reading.ts";
import { EXCESS_WAIT } from "./waits.ts";
import type { Wire } from "./wire.ts";

/** What a {@linkcode ByteFlow} works with. */
export interface ByteFlowOptions {
  /** The time. */
  readonly clock: Clock;
  /** Between two looks at whether bytes move, in milliseconds. */
  readonly interval: number;
  /** Bytes that must move between two looks. */
  readonly sizeMin: number;
  /** Waits until so many bytes more may be moved. */
  readonly pace: (bytes: number) => Promise<void>;
  /** Called with the bytes of the file that were moved so far. */
  readonly onMoved?: ((bytes: number) => void) | undefined;
}

/** Moves one file over a connection, or ends that when the peer does not keep up. */
export class ByteFlow {
  readonly #wire: Wire;
  readonly #options: ByteFlowOptions;
  /** Whether it is the peer who is waited for. */
  #isWaiting = false;

  /**
   * @param wire The connection.
   * @param options What else it works with.
   */
  constructor(wire: Wire, options: ByteFlowOptions) {
    this.#wire = wire;
    this.#options = options;
  }

  /**
   * Receives exactly so many bytes.
   *
   * @param size How many.
   * @param take Takes them in pieces, which are only lent.
   * @throws {SilenceError} When they stop to come.
   * @throws {NetworkError} When the connection broke, or ended before.
   */
  async receive(
    size: number,
    take: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    await this.#watched(async () => {
      for (let moved = 0; moved < size;) {
        const bytes = await this.#read(size - moved);
        await this.#options.pace(bytes.length);
        await take(bytes);
        moved += bytes.length;
        this.#options.onMoved?.(moved);
      }
    });
  }

  /**
   * Refuses bytes beyond those that were announced.
   *
   * @throws {MalformedError} When there are some.
   */
  async assertNoExcess(wait: number = EXCESS_WAIT): Promise<void> {
    let news = await this.#wire.some(wait);
    // Where this process itself stood still, its timers go before the bytes that
    // have arrived meanwhile.
    if (news === "silence") news = await this.#wire.some(EXCESS_WAIT);
    if (news === "bytes") {
      throw new MalformedError("more bytes came than were announced");
    }
  }

  /**
   * Sends a file, until the peer talks. The last chunk leaves only if the file
   * was still the one that was opened: a peer that counts does not take anything
   * else for whole.
   *
   * @returns Whether all was sent; if not, there is something to receive.
   * @throws {StorageError} `changed`.
   * @throws {SilenceError} When the peer does not take the bytes.
   * @throws {NetworkError} When the connection broke.
   */
  async send(source: Source): Promise<boolean> {
    const { size } = source.fingerprint;
    const count = chunkCount(size);
    const buffer = new Uint8Array(Math.min(CHUNK_SIZE, size));
    return await this.#watched(async () => {
      for (let index = 0; index < count; index++) {
        const { bytes } = await source.readChunk(index, buffer);
        if (index === count - 1) await source.digest();
        await this.#options.pace(bytes.length);
        if (this.#wire.held.length > 0) return false;
        await this.#wait(() => this.#wire.send(bytes, Infinity));
        this.#options.onMoved?.(index * CHUNK_SIZE + bytes.length);
        watch(this.#wire);
      }
      return true;
    });
  }

  async #read(sizeMax: number): Promise<Uint8Array> {
    const wire = this.#wire;
    if (await this.#wait(() => wire.some(Infinity)) === "end") {
      throw new NetworkError(
        "closed",
        "the connection ended before the file did",
      );
    }
    const bytes = wire.held.subarray(0, sizeMax);
    wire.take(bytes.length);
    return bytes;
  }

  async #wait<T>(work: () => Promise<T>): Promise<T> {
    this.#isWaiting = true;
    try {
      return await work();
    } finally {
      this.#isWaiting = false;
    }
  }

  /** Closes the connection when the bytes do not move any more. */
  async #watched<T>(work: () => Promise<T>): Promise<T> {
    const { clock, interval, sizeMin } = this.#options;
    let before = this.#wire.moved;
    let wasWaiting = false;
    let stalled: SilenceError | undefined;
    const look = (): void => {
      const size = this.#wire.moved - before;
      if (wasWaiting && this.#isWaiting && size < sizeMin) {
        stalled = new SilenceError(
          `only ${size} bytes of the file moved in ${interval / 1000} s`,
        );
        return this.#wire.close();
      }
      before = this.#wire.moved;
      wasWaiting = this.#isWaiting;
      cancel = clock.after(interval, look);
    };
    let cancel = clock.after(interval, look);
    try {
      return await work();
    } catch (error) {
      throw stalled ?? error;
    } finally {
      cancel();
    }
  }
}

/**
 * Refuses what came before it was due, as far as it is there.
 *
 * @throws {MalformedError} When something came.
 */
export function assertQuiet(wire: Wire): void {
  if (wire.held.length > 0) {
    throw new MalformedError("bytes came before they were due");
  }
  watch(wire);
}

/** Has what the peer says meanwhile held; what fails, fails for the next reader. */
function watch(wire: Wire): void {
  wire.more(Infinity).catch(() => {});
}
