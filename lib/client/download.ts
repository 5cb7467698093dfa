/**
 * One download over one data connection.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { CHUNK_SIZE, type FrameOf, type MessageBody } from "../protocol/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import type { Digest, DigestAlgorithm, Outcome } from "../storage/mod.ts";
import { untilAborted } from "./abort.ts";
import { FerryError, remoteError } from "./errors.ts";
import { LEAVE_SIZE_MAX } from "./limits.ts";
import { StreamSum } from "./stream_sum.ts";
import type { TransferProgress } from "./types.ts";

/** Where the chunks of a download go. */
export interface ChunkSink {
  /** Checks a chunk and takes it. */
  writeChunk(
    index: number,
    bytes: Uint8Array,
    checksum: number,
  ): Promise<void>;
  /** Compares size and digest, and publishes. */
  commit(size: number, digest: Digest): Promise<Outcome>;
  /** Gives up. */
  abort(): Promise<void>;
}

/** What a download is. */
export interface DownloadRequest {
  /** Exchange id. */
  readonly id: number;
  /** Remote name. */
  readonly path: string;
  /** How to sum up the whole file. */
  readonly algorithm: DigestAlgorithm;
  /** Told what has been verified. */
  readonly onProgress: (progress: TransferProgress) => void;
  /** Makes the sink, once the server has said what comes; or the outcome, if nothing is wanted. */
  readonly open: (opened: MessageBody<"OPENED">) => Promise<
    ChunkSink | Outcome
  >;
}

/** Options of {@linkcode streamSink}. */
export interface StreamSinkOptions {
  /** How to sum up. */
  readonly algorithm: DigestAlgorithm;
  /** Size in bytes, where the server has told it. */
  readonly size: number | undefined;
  /** Ends the wait for a stream that takes nothing. */
  readonly signal: AbortSignal | undefined;
}

/**
 * A sink that passes verified chunks on to a stream. What has passed cannot be
 * taken back: the whole digest is only known at the end.
 *
 * @param stream Where to; not closed.
 * @param options What it is, and how long to wait.
 */
export function streamSink(
  stream: WritableStream<Uint8Array>,
  options: StreamSinkOptions,
): ChunkSink {
  const { algorithm, size: announced = Infinity, signal } = options;
  const writer = stream.getWriter();
  const sum = new StreamSum(algorithm);
  let size = 0;
  return {
    async writeChunk(index, bytes, checksum) {
      if (
        index * CHUNK_SIZE !== size || crc32(bytes) !== checksum ||
        size + bytes.length > announced
      ) {
        throw new FerryError("integrity", "a chunk arrived damaged", {
          side: "local",
        });
      }
      sum.add(bytes, checksum);
      size += bytes.length;
      // The receive buffer is used again; a stream may keep what it is given.
      await untilAborted(
        writer.write(bytes.slice()).catch((cause) => {
          throw new FerryError("io", "the stream to write to broke", {
            side: "local",
            cause,
          });
        }),
        signal,
      );
    },
    commit(sizeSent, digest) {
      const own = sum.digest(size);
      const isWhole = size === sizeSent &&
        (announced === Infinity || size === announced);
      if (!isWhole || own.value !== digest.value) {
        throw new FerryError(
          "integrity",
          "what arrived is not what was sent; what was written so far is wrong",
          { side: "local" },
        );
      }
      writer.releaseLock();
      return Promise.resolve({
        path: "",
        publication: "created",
        size,
        digest: own,
        durable: false,
      });
    },
    abort() {
      writer.releaseLock();
      return Promise.resolve();
    },
  };
}

/** Runs one download; {@linkcode Download.run} is called once. */
export class Download {
  /** Whether the connection stands between two transfers. */
  usable = false;
  readonly #channel: FrameChannel;
  readonly #request: DownloadRequest;
  readonly #cancel: () => void;

  /**
   * @param channel A data connection that stands between two transfers.
   * @param request What to fetch.
   * @param cancel Asks the server to end the exchange.
   */
  constructor(
    channel: FrameChannel,
    request: DownloadRequest,
    cancel: () => void,
  ) {
    this.#channel = channel;
    this.#request = request;
    this.#cancel = cancel;
  }

  /**
   * Fetches the file and publishes it.
   *
   * @throws {FerryError} What the server says.
   * @throws {StorageError} What is wrong with the place it goes to.
   * @throws {NetworkError} When the connection broke.
   */
  async run(): Promise<Outcome> {
    const { id, path, algorithm, open } = this.#request;
    await this.#channel.send({ type: "GET", id, body: { path, algorithm } });
    const opened = await this.#expect("OPENED");
    let sink: ChunkSink | undefined;
    try {
      const target = await open(opened.body);
      if ("publication" in target) {
        await this.#leave();
        return target;
      }
      sink = target;
      const end = await this.#receiveChunks(sink, opened.body.size);
      const digest = { algorithm, value: end.digest.toHex() };
      const outcome = await sink.commit(end.size, digest);
      await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} }).then(
        () => this.usable = true,
        () => {},
      );
      return outcome;
    } catch (error) {
      await sink?.abort();
      if (this.#running) await this.#leave().catch(() => {});
      throw error;
    }
  }

  get #running(): boolean {
    const state = this.#channel.conversation.exchangeState(this.#request.id);
    return state === "sending" || state === "delivered";
  }

  async #receiveChunks(
    sink: ChunkSink,
    total: number | undefined,
  ): Promise<MessageBody<"END">> {
    let written: Promise<void> = Promise.resolve();
    let transferred = 0;
    try {
      for (;;) {
        const frame = await this.#expect("DATA", "END");
        await written;
        this.#request.onProgress({ transferred, total });
        if (frame.type === "END") return frame.body;
        const { offset, payload, checksum } = frame;
        transferred += payload.length;
        written = sink.writeChunk(offset / CHUNK_SIZE, payload, checksum);
        written.catch(() => {});
      }
    } finally {
      await written.catch(() => {});
    }
  }

  /** Cancels, and drops what still comes, so that the connection can be used again. */
  async #leave(): Promise<void> {
    const { id } = this.#request;
    this.#cancel();
    // All has come already: nothing more would end the wait below.
    if (this.#channel.conversation.exchangeState(id) === "delivered") {
      await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} });
    }
    const end = this.#channel.bytesReceived + LEAVE_SIZE_MAX;
    while (this.#running) {
      if (this.#channel.bytesReceived > end) return;
      const frame = await this.#channel.receive();
      if (frame === undefined || frame.type === "FAIL") return;
      if (frame.type === "END") {
        await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} });
      }
    }
    this.usable = true;
  }

  async #expect<T extends "OPENED" | "DATA" | "END">(
    ...types: readonly T[]
  ): Promise<FrameOf<T>> {
    const frame = await this.#channel.receive();
    if (frame === undefined) {
      throw new FerryError(
        "connection-lost",
        "the server closed the data connection",
      );
    }
    if ((types as readonly string[]).includes(frame.type)) {
      return frame as FrameOf<T>;
    }
    if (frame.type === "ERROR") {
      this.usable = true;
      throw remoteError(frame.body);
    }
    if (frame.type === "FAIL") throw remoteError(frame.body);
    throw new FerryError("protocol", `the server sent ${frame.type}`);
  }
}
