/**
 * The digest of bytes that pass by in order, chunk by chunk.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  ChunkDigest,
  type Digest,
  type DigestAlgorithm,
} from "../storage/mod.ts";

/** Sums up a stream of chunks. */
export class StreamSum {
  readonly #algorithm: DigestAlgorithm;
  readonly #sha256 = createHash("sha256");
  readonly #chunks = new ChunkDigest();

  /** @param algorithm How to sum up. */
  constructor(algorithm: DigestAlgorithm) {
    this.#algorithm = algorithm;
  }

  /** Adds the next chunk, with its CRC-32. */
  add(bytes: Uint8Array, checksum: number): void {
    if (this.#algorithm === "sha256") this.#sha256.update(bytes);
    else this.#chunks.set(this.#chunks.count, checksum);
  }

  /** The digest of all that was added, `size` bytes. To be called once. */
  digest(size: number): Digest {
    const value = this.#algorithm === "sha256"
      ? this.#sha256.digest("hex")
      : this.#chunks.value(size);
    return { algorithm: this.#algorithm, value };
  }
}
