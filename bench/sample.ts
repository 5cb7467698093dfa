/**
 * The file that is moved, and the proof that it arrived.
 *
 * @module
 */
import { createHash } from "node:crypto";

const BLOCK_SIZE = 1024 ** 2;
/** What `crypto.getRandomValues` fills at once. */
const RANDOM_SIZE_MAX = 65_536;

/** What a file must be to be the sample. */
export interface Proof {
  /** Bytes. */
  readonly size: number;
  /** SHA-256 in hexadecimal digits. */
  readonly sha256: string;
}

/**
 * Writes a file of random blocks, no two of them equal, so that nobody gains by
 * compressing or by mixing blocks up.
 *
 * @param path The new file.
 * @param size Its bytes.
 */
export async function writeSample(path: string, size: number): Promise<Proof> {
  const block = new Uint8Array(BLOCK_SIZE);
  for (let offset = 0; offset < BLOCK_SIZE; offset += RANDOM_SIZE_MAX) {
    crypto.getRandomValues(block.subarray(offset, offset + RANDOM_SIZE_MAX));
  }
  const stamp = new DataView(block.buffer);
  const hash = createHash("sha256");
  using file = await Deno.open(path, { write: true, createNew: true });
  for (let offset = 0; offset < size; offset += BLOCK_SIZE) {
    stamp.setFloat64(0, offset);
    const bytes = block.subarray(0, Math.min(BLOCK_SIZE, size - offset));
    hash.update(bytes);
    await writeAll(file, bytes);
  }
  return { size, sha256: hash.digest("hex") };
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray(await file.write(rest));
}

/**
 * Reads a file and sums it up.
 *
 * @param path The file.
 */
export async function proofOf(path: string): Promise<Proof> {
  const hash = createHash("sha256");
  let size = 0;
  using file = await Deno.open(path);
  const buffer = new Uint8Array(BLOCK_SIZE);
  while (true) {
    const count = await file.read(buffer);
    if (count === null) break;
    size += count;
    hash.update(buffer.subarray(0, count));
  }
  return { size, sha256: hash.digest("hex") };
}

/**
 * Compares a file that arrived with what was sent.
 *
 * @param path The file.
 * @param expected What it must be.
 * @throws {Error} if it is anything else.
 */
export async function verify(path: string, expected: Proof): Promise<void> {
  const found = await proofOf(path);
  if (found.size !== expected.size || found.sha256 !== expected.sha256) {
    throw new Error(
      `${path} is not what was sent: ${found.size} bytes with SHA-256 ${found.sha256}`,
    );
  }
}
