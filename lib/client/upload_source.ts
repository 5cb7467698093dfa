/**
 * Where the chunks of an upload come from: a file or a stream.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { CHUNK_SIZE } from "../protocol/mod.ts";
import type {
  ChunkDigest,
  Digest,
  DigestAlgorithm,
  Source,
  SourceChunk,
} from "../storage/mod.ts";
import { FerryError } from "./errors.ts";
import { StreamSum } from "./stream_sum.ts";

/** Gives the chunks of one file. */
export interface UploadSource {
  /** Bytes in all, where known. */
  readonly size: number | undefined;
  /** Last change, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** What tells it from another one; `undefined` for what cannot be read twice. */
  readonly identity: string | undefined;
  /**
   * Chunk `index`, read into `buffer`; `undefined` beyond the end. One call
   * after the other is served, whoever calls.
   */
  read(
    index: number,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<SourceChunk | undefined>;
  /**
   * Size and digest of all, when all was read or is known from before.
   *
   * @param sums The CRC-32 of every chunk.
   * @throws {StorageError} `changed` when it is not what it was.
   */
  finish(
    sums: ChunkDigest,
  ): Promise<{ readonly size: number; readonly digest: Digest }>;
  /** Makes a pending {@linkcode UploadSource.read} return soon: nobody wants its chunk. */
  interrupt(): void;
  /** Lets go of it; `reason` says why if it was not read to the end. */
  close(reason?: unknown): Promise<void>;
}

/**
 * A file.
 *
 * @param source The open file; closed with what is returned.
 * @param algorithm How to sum up.
 */
export async function fileSource(
  source: Source,
  algorithm: DigestAlgorithm,
): Promise<UploadSource> {
  const { size, modified } = source.fingerprint;
  const identity = await source.identity().catch((error) => {
    source.close();
    throw error;
  });
  let last: Promise<unknown> = Promise.resolve();
  return {
    size,
    modified,
    identity,
    read(index, buffer) {
      if (index * CHUNK_SIZE >= size) return Promise.resolve(undefined);
      const chunk = last.then(() => source.readChunk(index, buffer));
      last = chunk.catch(() => {});
      return chunk;
    },
    async finish(sums) {
      if (algorithm !== "crc32-chunks") {
        return { size, digest: await source.digest() };
      }
      // Also looks whether it is still the file that was opened.
      await source.identity();
      return { size, digest: { algorithm, value: sums.value(size) } };
    },
    // A file does not keep anybody waiting.
    interrupt() {},
    close() {
      source.close();
      return Promise.resolve();
    },
  };
}

/**
 * A stream, cut into chunks. The whole of it is read, or cancelled on close.
 *
 * @param stream The bytes.
 * @param algorithm How to sum up.
 */
export function streamSource(
  stream: ReadableStream<Uint8Array>,
  algorithm: DigestAlgorithm,
): UploadSource {
  const reader = stream.getReader();
  const sum = new StreamSum(algorithm);
  let rest: Uint8Array = new Uint8Array(0);
  let size = 0;
  let ended = false;
  let nextIndex = 0;
  const read = () =>
    reader.read().catch((cause) => {
      throw new FerryError("io", "the stream to send broke", {
        side: "local",
        cause,
      });
    });
  return {
    size: undefined,
    modified: undefined,
    identity: undefined,
    async read(index, buffer) {
      if (index !== nextIndex) {
        throw new FerryError(
          "integrity",
          "a part of the stream arrived damaged, and a stream cannot be read again",
          { side: "local" },
        );
      }
      let filled = 0;
      while (filled < CHUNK_SIZE) {
        if (rest.length === 0) {
          const { value, done } = await read();
          ended = done;
          if (done) break;
          rest = value;
        }
        const part = rest.subarray(0, CHUNK_SIZE - filled);
        buffer.set(part, filled);
        filled += part.length;
        rest = rest.subarray(part.length);
      }
      if (filled === 0) return undefined;
      size += filled;
      nextIndex++;
      const bytes = buffer.subarray(0, filled);
      const checksum = crc32(bytes);
      sum.add(bytes, checksum);
      return { bytes, checksum };
    },
    finish: () => Promise.resolve({ size, digest: sum.digest(size) }),
    interrupt() {
      reader.cancel().catch(() => {});
    },
    async close(reason) {
      if (!ended) await reader.cancel(reason).catch(() => {});
      reader.releaseLock();
    },
  };
}

/** Stands for a stream that was read to its end and cannot be read again. */
export function spentSource(): UploadSource {
  const fail = () =>
    Promise.reject(
      new FerryError(
        "connection-lost",
        "the connection was lost and a stream cannot be sent twice",
      ),
    );
  return {
    size: undefined,
    modified: undefined,
    identity: undefined,
    read: fail,
    finish: fail,
    interrupt() {},
    close: () => Promise.resolve(),
  };
}
