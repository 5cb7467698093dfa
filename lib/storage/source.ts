/**
 * Reading a file to send it, sure that it is one and the same file all along.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { chunkCount, ChunkDigest, chunkLength } from "./chunk_digest.ts";
import type { Disk, DiskFile, DiskStat } from "./disk.ts";
import { StorageError } from "./errors.ts";
import {
  CHUNK_SIZE,
  FILE_SIZE_MAX,
  SAMPLE_BYTES,
  SAMPLE_COUNT,
} from "./limits.ts";
import type {
  Digest,
  DigestAlgorithm,
  Fingerprint,
  Source,
  SourceChunk,
} from "./storage.ts";

/**
 * Opens a file as a {@linkcode Source}.
 *
 * @param disk Where it is.
 * @param path Its absolute path, every link resolved: a link there now was swapped in.
 * @param options How to sum it up, and a check that runs once it is open.
 * @throws {StorageError} `is-directory`, `not-file`, `too-large`, `changed`.
 */
export async function openSource(
  disk: Disk,
  path: string,
  options: {
    readonly algorithm: DigestAlgorithm;
    readonly check?: () => Promise<void>;
  },
): Promise<Source> {
  // Before opening: to open a pipe would wait for somebody to write to it.
  assertRegular(await disk.lstat(path));
  const file = await disk.open(path, "read");
  try {
    const stat = await file.stat();
    assertRegular(stat);
    const named = await disk.lstat(path);
    if (named.device !== stat.device || named.inode !== stat.inode) {
      throw changed();
    }
    await options.check?.();
    if (stat.size > FILE_SIZE_MAX) {
      throw new StorageError("too-large", "the file is larger than 16 TiB");
    }
    return new FileSource(file, toFingerprint(stat), options.algorithm);
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Fills `buffer` from `offset` on; fewer bytes come back only at the end of the
 * file.
 */
export async function readFully(
  file: DiskFile,
  buffer: Uint8Array,
  offset: number,
): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const count = await file.read(buffer.subarray(done), offset + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** The SHA-256 of the first `size` bytes of a file, in lower-case hexadecimal. */
export async function hashFile(file: DiskFile, size: number): Promise<string> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(Math.min(CHUNK_SIZE, size));
  for (let offset = 0; offset < size; offset += CHUNK_SIZE) {
    const part = buffer.subarray(0, Math.min(CHUNK_SIZE, size - offset));
    if (await readFully(file, part, offset) < part.length) throw changed();
    hash.update(part);
  }
  return hash.digest("hex");
}

class FileSource implements Source {
  readonly fingerprint: Fingerprint;
  readonly #file: DiskFile;
  readonly #algorithm: DigestAlgorithm;
  readonly #sums = new ChunkDigest();
  readonly #hash: Hash = createHash("sha256");
  /** Chunks that went into the running hash, all from the beginning. */
  #hashed = 0;

  constructor(
    file: DiskFile,
    fingerprint: Fingerprint,
    algorithm: DigestAlgorithm,
  ) {
    this.#file = file;
    this.fingerprint = fingerprint;
    this.#algorithm = algorithm;
  }

  async readChunk(
    index: number,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<SourceChunk> {
    const length = chunkLength(index, this.fingerprint.size);
    if (!Number.isInteger(index) || index < 0 || length === 0) {
      throw new RangeError(`Cannot read a chunk: ${index} is out of range`);
    }
    const bytes = buffer.subarray(0, length);
    if (await readFully(this.#file, bytes, index * CHUNK_SIZE) < length) {
      throw changed();
    }
    const checksum = crc32(bytes);
    this.#sums.set(index, checksum);
    if (this.#algorithm === "sha256" && index === this.#hashed) {
      this.#hash.update(bytes);
      this.#hashed++;
    }
    return { bytes, checksum };
  }

  async digest(): Promise<Digest> {
    await this.#assertUnchanged();
    const { size } = this.fingerprint;
    const count = chunkCount(size);
    if (this.#algorithm === "sha256") {
      const value = this.#hashed === count
        ? this.#hash.copy().digest("hex")
        : await hashFile(this.#file, size);
      await this.#assertUnchanged();
      return { algorithm: "sha256", value };
    }
    if (this.#sums.count < count) {
      const buffer = new Uint8Array(CHUNK_SIZE);
      for (let index = 0; index < count; index++) {
        if (this.#sums.get(index) === undefined) {
          await this.readChunk(index, buffer);
        }
      }
      await this.#assertUnchanged();
    }
    return { algorithm: "crc32-chunks", value: this.#sums.value(size) };
  }

  async identity(): Promise<string> {
    const { size, modified, changed: touched, inode } = this.fingerprint;
    const hash = createHash("sha256");
    hash.update(
      `ferry source 1\n${size} ${modified} ${touched} ${inode}\n`,
    );
    const buffer = new Uint8Array(SAMPLE_BYTES);
    // The first block, the last, and as many between: all of a small file.
    const step = Math.max(
      SAMPLE_BYTES,
      (size - SAMPLE_BYTES) / (SAMPLE_COUNT - 1),
    );
    for (let at = 0; at < SAMPLE_COUNT && at * step < size; at++) {
      const offset = Math.floor(at * step);
      const block = buffer.subarray(0, Math.min(SAMPLE_BYTES, size - offset));
      if (await readFully(this.#file, block, offset) < block.length) {
        throw changed();
      }
      hash.update(block);
    }
    await this.#assertUnchanged();
    return hash.digest("hex");
  }

  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #assertUnchanged(): Promise<void> {
    const now = await this.#file.stat();
    const then = this.fingerprint;
    if (
      now.size !== then.size || now.modified !== then.modified ||
      now.changed !== then.changed
    ) {
      throw changed();
    }
  }
}

function assertRegular(stat: DiskStat): void {
  if (stat.kind === "directory") {
    throw new StorageError("is-directory", "it is a directory");
  }
  if (stat.kind !== "file") {
    throw new StorageError("not-file", "it is not a regular file");
  }
}

function toFingerprint(stat: DiskStat): Fingerprint {
  return {
    size: stat.size,
    modified: stat.modified,
    changed: stat.changed,
    inode: stat.inode,
  };
}

function changed(): StorageError {
  return new StorageError("changed", "it changed while it was read");
}
