/**
 * Reading a file to send it, sure that it is one and the same file all along.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  chunkCount,
  ChunkDigest,
  chunkLength,
  smallDigest,
} from "./chunk_digest.ts";
import type { Disk, DiskFile, DiskStat } from "./disk.ts";
import { StorageError } from "./errors.ts";
import {
  CHUNK_SIZE,
  FILE_SIZE_MAX,
  SAMPLE_BYTES,
  SAMPLE_COUNT,
  WHOLE_SOURCE_BYTES,
} from "./limits.ts";
import type {
  Digest,
  DigestAlgorithm,
  Fingerprint,
  Source,
  SourceChunk,
} from "./storage.ts";

/** How to open a {@linkcode Source}. */
export interface SourceOptions {
  /** How to sum it up. */
  readonly algorithm: DigestAlgorithm;
  /**
   * Checks that the path still leads where it led: before it is opened, and
   * before anything is told of what was opened.
   *
   * @default no check
   */
  readonly check?: () => Promise<void>;
  /** Whether to follow a link at the end of the path. @default {false} */
  readonly followsLink?: boolean;
}

/**
 * Opens a file as a {@linkcode Source}. A small one is read at once, whole, and
 * is what it was at that moment from then on.
 *
 * @param disk Where it is.
 * @param path Its absolute path, every link resolved: a link there now was swapped in.
 * @param options How.
 * @throws {StorageError} `is-directory`, `not-file`, `too-large`, `changed`.
 */
export async function openSource(
  disk: Disk,
  path: string,
  { algorithm, check, followsLink = false }: SourceOptions,
): Promise<Source> {
  let at = path;
  let before = await disk.lstat(at);
  if (followsLink && before.kind === "link") {
    at = await disk.realPath(path);
    before = await disk.lstat(at);
  }
  // Before opening: to open a pipe would wait for somebody to write to it.
  assertRegular(before);
  const isSmall = before.size <= WHOLE_SOURCE_BYTES;
  // Of a small one nothing is told before the check that follows.
  if (!isSmall) await check?.();
  const file = await disk.open(at, "read");
  let isKept = false;
  try {
    const stat = await file.stat();
    assertRegular(stat);
    if (stat.size > FILE_SIZE_MAX) {
      throw new StorageError("too-large", "the file is larger than 16 TiB");
    }
    const bytes = isSmall ? await readWhole(file, stat) : undefined;
    const named = await disk.lstat(at);
    if (named.device !== stat.device || named.inode !== stat.inode) {
      throw changed();
    }
    await check?.();
    const fingerprint = toFingerprint(stat);
    const mode = stat.mode & 0o777;
    if (bytes !== undefined) {
      if (!isSame(fingerprint, named)) throw changed();
      return new SmallSource(bytes, { fingerprint, mode }, algorithm);
    }
    isKept = true;
    return new FileSource(file, { fingerprint, mode }, algorithm);
  } finally {
    if (!isKept) file.close();
  }
}

/** All of a small file; `undefined` if it is not small any more. */
async function readWhole(
  file: DiskFile,
  { size }: DiskStat,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (size > WHOLE_SOURCE_BYTES) return undefined;
  const bytes = new Uint8Array(size);
  if (size > 0 && await readFully(file, bytes, 0) < size) throw changed();
  return bytes;
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

/** What a source is known by. */
type SourceFacts = Pick<Source, "fingerprint" | "mode">;

/** A file that was read whole when it was opened. */
class SmallSource implements Source {
  readonly fingerprint: Fingerprint;
  readonly mode: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #checksum: number;
  readonly #algorithm: DigestAlgorithm;

  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    { fingerprint, mode }: SourceFacts,
    algorithm: DigestAlgorithm,
  ) {
    this.fingerprint = fingerprint;
    this.mode = mode;
    this.#bytes = bytes;
    this.#checksum = crc32(bytes);
    this.#algorithm = algorithm;
  }

  readChunk(
    index: number,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<SourceChunk> {
    const { length } = this.#bytes;
    if (index !== 0 || length === 0) return Promise.reject(noChunk(index));
    buffer.set(this.#bytes);
    const bytes = buffer.subarray(0, length);
    return Promise.resolve({ bytes, checksum: this.#checksum });
  }

  digest(): Promise<Digest> {
    const algorithm = this.#algorithm;
    const value = algorithm === "sha256"
      ? createHash("sha256").update(this.#bytes).digest("hex")
      : smallDigest(this.#bytes.length, this.#checksum);
    return Promise.resolve({ algorithm, value });
  }

  identity(): Promise<string> {
    const hash = beginIdentity(this.fingerprint);
    for (const [offset, length] of samples(this.#bytes.length)) {
      hash.update(this.#bytes.subarray(offset, offset + length));
    }
    return Promise.resolve(hash.digest("hex"));
  }

  close(): void {
    // The file is closed already.
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

class FileSource implements Source {
  readonly fingerprint: Fingerprint;
  readonly mode: number;
  readonly #file: DiskFile;
  readonly #algorithm: DigestAlgorithm;
  readonly #sums = new ChunkDigest();
  readonly #hash: Hash = createHash("sha256");
  /** Chunks that went into the running hash, all from the beginning. */
  #hashed = 0;

  constructor(
    file: DiskFile,
    { fingerprint, mode }: SourceFacts,
    algorithm: DigestAlgorithm,
  ) {
    this.#file = file;
    this.fingerprint = fingerprint;
    this.mode = mode;
    this.#algorithm = algorithm;
  }

  async readChunk(
    index: number,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<SourceChunk> {
    const length = chunkLength(index, this.fingerprint.size);
    if (!Number.isInteger(index) || index < 0 || length === 0) {
      throw noChunk(index);
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
    const hash = beginIdentity(this.fingerprint);
    const buffer = new Uint8Array(SAMPLE_BYTES);
    for (const [offset, length] of samples(this.fingerprint.size)) {
      const block = buffer.subarray(0, length);
      if (await readFully(this.#file, block, offset) < length) throw changed();
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
    if (!isSame(this.fingerprint, await this.#file.stat())) throw changed();
  }
}

/** Whether a file is still what it was. */
function isSame(then: Fingerprint, now: DiskStat): boolean {
  return now.size === then.size && now.modified === then.modified &&
    now.changed === then.changed;
}

function beginIdentity(
  { size, modified, changed, inode }: Fingerprint,
): Hash {
  return createHash("sha256").update(
    `ferry source 1\n${size} ${modified} ${changed} ${inode}\n`,
  );
}

/** Where the sampled blocks are: the first, the last, and as many between; all of a small file. */
function* samples(size: number): Iterable<[offset: number, length: number]> {
  const step = Math.max(
    SAMPLE_BYTES,
    (size - SAMPLE_BYTES) / (SAMPLE_COUNT - 1),
  );
  for (let at = 0; at < SAMPLE_COUNT && at * step < size; at++) {
    const offset = Math.floor(at * step);
    yield [offset, Math.min(SAMPLE_BYTES, size - offset)];
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

function noChunk(index: number): RangeError {
  return new RangeError(`Cannot read a chunk: ${index} is out of range`);
}

function changed(): StorageError {
  return new StorageError("changed", "it changed while it was read");
}
