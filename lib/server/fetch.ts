/**
 * Parts of one file on their way out: what a client asks for, chunk by chunk, to
 * continue what was interrupted or to use several connections.
 *
 * @module
 */

import {
  CHUNK_SIZE,
  type FrameOf,
  SUM_COUNT_MAX,
  type WireRun,
} from "../protocol/mod.ts";
import type { Source } from "../storage/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import { indexesOf, sendChunks } from "./chunk_sender.ts";
import { RefusalError } from "./errors.ts";
import type { Session } from "./session.ts";

/** An open `FETCH`. */
export class Fetch implements Disposable {
  readonly #session: Session;
  readonly #channel: FrameChannel;
  readonly #id: number;
  readonly #source: Source;
  readonly #identity: string;
  #sentBytes = 0;

  private constructor(
    session: Session,
    channel: FrameChannel,
    id: number,
    source: Source,
    identity: string,
  ) {
    this.#session = session;
    this.#channel = channel;
    this.#id = id;
    this.#source = source;
    this.#identity = identity;
  }

  /**
   * Opens the file and says what it is.
   *
   * @throws {StorageError} As the file is.
   * @throws {RefusalError} `denied`; `changed` when it is not the one of the
   * fingerprint that was given.
   */
  static async open(
    session: Session,
    channel: FrameChannel,
    { id, body }: FrameOf<"FETCH">,
  ): Promise<Fetch> {
    session.require("read");
    const { storage } = session;
    const path = await storage.locate(body.path, "read");
    const source = await storage.openSource(path, "crc32-chunks");
    try {
      const identity = await source.identity();
      if (
        body.fingerprint !== undefined && body.fingerprint.toHex() !== identity
      ) throw changed();
      const { size, modified } = source.fingerprint;
      const { mode } = await storage.stat(path);
      await channel.send({
        type: "OPENED",
        id,
        body: {
          size,
          modified,
          fingerprint: Uint8Array.fromHex(identity),
          mode,
        },
      });
      return new Fetch(session, channel, id, source, identity);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** Size of the file in bytes. */
  get size(): number {
    return this.#source.fingerprint.size;
  }

  /** Bytes of it that were sent so far. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Sends chunks. */
  async want(runs: readonly WireRun[], signal: AbortSignal): Promise<void> {
    this.#sentBytes += await sendChunks({
      channel: this.#channel,
      id: this.#id,
      source: this.#source,
      signal,
      pace: this.#session.pace,
    }, indexesOf(runs, this.#source.fingerprint.size));
    await this.#sent();
  }

  /** Reads chunks and sends their sums. */
  async sums(runs: readonly WireRun[], signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#session.context;
    const buffer = new Uint8Array(CHUNK_SIZE);
    let first = -1;
    let sums: number[] = [];
    let toldAt = clock.monotonic();
    const flush = async (): Promise<void> => {
      if (sums.length === 0) return;
      const body = { first, sums: packSums(sums) };
      sums = [];
      toldAt = clock.monotonic();
      await this.#channel.send({ type: "HAVE", id: this.#id, body });
    };
    for (const index of indexesOf(runs, this.#source.fingerprint.size)) {
      signal.throwIfAborted();
      // A slow disk may take its time: the client is to see that it does.
      const isDue = clock.monotonic() - toldAt >= limits.progressInterval;
      if (
        index !== first + sums.length || sums.length === SUM_COUNT_MAX || isDue
      ) await flush();
      if (sums.length === 0) first = index;
      sums.push((await this.#source.readChunk(index, buffer)).checksum);
    }
    await flush();
    await this.#sent();
  }

  /** All that was asked for has gone out, of the file that was opened. */
  async #sent(): Promise<void> {
    if (await this.#source.identity() !== this.#identity) throw changed();
    await this.#channel.send({ type: "SENT", id: this.#id, body: {} });
  }

  [Symbol.dispose](): void {
    this.#source.close();
  }
}

/** The error of a file that is not the one any more that was opened. */
export function changed(): RefusalError {
  return new RefusalError(
    "changed",
    "it is not the file any more that it was",
  );
}

/** Sums as the wire has them: 32-bit, big-endian. */
export function packSums(sums: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * sums.length);
  const view = new DataView(bytes.buffer);
  for (const [at, sum] of sums.entries()) view.setUint32(4 * at, sum);
  return bytes;
}
