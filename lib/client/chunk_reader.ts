/**
 * Where the chunks of an upload come from: a file or a stream.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { CHUNK_SIZE } from "../protocol/mod.ts";
import type {
  Digest,
  DigestAlgorithm,
  Source,
  SourceChunk,
} from "../storage/mod.ts";
import { FerryError } from "./errors.ts";
import { StreamSum } from "./stream_sum.ts";

/** Gives the chunks of one file in order. */
export interface ChunkReader {
  /** Bytes in all, where known. */
  readonly size: number | undefined;
  /** Last change, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** The next chunk, read into `buffer`; `undefined` at the end. */
  next(buffer: Uint8Array<ArrayBuffer>): Promise<SourceChunk | undefined>;
  /** Size and digest of all chunks, after the end. */
  finish(): Promise<{ readonly size: number; readonly digest: Digest }>;
  /** Makes a pending {@linkcode ChunkReader.next} return soon: nobody wants its chunk. */
  interrupt(): void;
  /** Lets go of the source; `reason` says why if it was not read to the end. */
  close(reason?: unknown): Promise<void>;
}

/**
 * Reads a file.
 *
 * @param source The open file; closed by the reader.
 */
export function fileReader(source: Source): ChunkReader {
  const { size, modified } = source.fingerprint;
  let index = 0;
  return {
    size,
    modified,
    next(buffer) {
      if (index * CHUNK_SIZE >= size) return Promise.resolve(undefined);
      return source.readChunk(index++, buffer);
    },
    finish: async () => ({ size, digest: await source.digest() }),
    // A file does not keep anybody waiting.
    interrupt() {},
    close() {
      source.close();
      return Promise.resolve();
    },
  };
}

/**
 * Cuts a stream into chunks. The whole stream is read, or cancelled on close.
 *
 * @param stream The bytes.
 * @param algorithm How to sum up.
 */
export function streamReader(
  stream: ReadableStream<Uint8Array>,
  algorithm: DigestAlgorithm,
): ChunkReader {
  const reader = stream.getReader();
  const sum = new StreamSum(algorithm);
  let rest: Uint8Array = new Uint8Array(0);
  let size = 0;
  let ended = false;
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
    async next(buffer) {
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
export function spentReader(): ChunkReader {
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
    next: fail,
    finish: fail,
    interrupt() {},
    close: () => Promise.resolve(),
  };
}
