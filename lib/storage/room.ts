/**
 * Free space, and the part of it that no upload may use.
 *
 * @module
 */

import type { Disk, DiskFile } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { formatBytes } from "./names.ts";
import type { Staging } from "./staging.ts";

/** Where files are staged: that file system has the room, or has not. */
type Place = Pick<Staging, "directory">;

/** The room for what is received. */
export class Room {
  readonly #disk: Disk;
  readonly #reserve: number;
  /** Bytes that are being written just now. */
  #pending = 0;

  /**
   * @param disk Where everything is.
   * @param reserve Bytes that stay free, on each file system.
   */
  constructor(disk: Disk, reserve = 0) {
    this.#disk = disk;
    this.#reserve = reserve;
  }

  /** Bytes that may still be used; `undefined` where nobody knows. */
  async free(directory: string): Promise<number | undefined> {
    const free = await this.#disk.freeSpace(directory);
    return free === undefined ? undefined : Math.max(0, free - this.#reserve);
  }

  /**
   * Checks that what is to come fits.
   *
   * @throws {StorageError} `no-space`.
   */
  async assert({ directory }: Place, needed: number): Promise<void> {
    if (needed <= 0) return;
    const free = await this.free(directory) ?? this.#unknown;
    if (needed > free) {
      throw new StorageError(
        "no-space",
        `it needs ${formatBytes(needed)}, ${formatBytes(free)} are free${
          this.#reserve > 0 ? " besides the server's reserve" : ""
        }`,
      );
    }
  }

  /**
   * Writes to a staged file, and never into the reserve: however many uploads
   * were let in when there was room for each of them.
   *
   * @throws {StorageError} `no-space`, and as {@linkcode DiskFile.write}.
   */
  async write(
    { directory }: Place,
    data: DiskFile,
    bytes: Uint8Array,
    position: number,
  ): Promise<void> {
    if (this.#reserve === 0) return await data.write(bytes, position);
    this.#pending += bytes.length;
    // Those that come after this line count this one; those before are counted here.
    const pending = this.#pending;
    try {
      const free = await this.free(directory) ?? this.#unknown;
      if (pending > free) {
        throw new StorageError(
          "no-space",
          "what is still free on the server is reserved",
        );
      }
      await data.write(bytes, position);
    } finally {
      this.#pending -= bytes.length;
    }
  }

  /** What is taken for free where nobody knows: a reserve must not fail open. */
  get #unknown(): number {
    return this.#reserve > 0 ? 0 : Infinity;
  }
}
