/**
 * Makes a published name durable, with every directory above it.
 *
 * @module
 */

import { dirname } from "@std/path";
import type { Disk } from "./disk.ts";
import { DURABLE_DIRECTORIES_MAX } from "./limits.ts";

/**
 * Syncs directories, and remembers which ones a loss of power cannot take away
 * any more: a directory's own name is durable only once the one above it was
 * synced, whoever made it.
 */
export class DurableDirectories {
  readonly #disk: Disk;
  readonly #root: string | undefined;
  readonly #known = new Set<string>();

  /**
   * Knows of no directory yet.
   *
   * @param disk Where they are.
   * @param root The one above which nothing is synced; without it only the
   * directory itself is.
   */
  constructor(disk: Disk, root: string | undefined) {
    this.#disk = disk;
    this.#root = root;
  }

  /** Makes the entries of a directory durable; `false` where the host cannot. */
  async sync(directory: string): Promise<boolean> {
    // What was just published in it.
    if (!await this.#disk.syncDirectory(directory)) return false;
    if (this.#root === undefined) return true;
    const made: string[] = [];
    let at = directory;
    while (at !== this.#root && at !== dirname(at)) {
      const { device, inode } = await this.#disk.stat(at);
      const key = `${device}:${inode}:${at}`;
      if (this.#known.has(key)) break;
      made.push(key);
      at = dirname(at);
      if (!await this.#disk.syncDirectory(at)) return false;
    }
    if (this.#known.size > DURABLE_DIRECTORIES_MAX) this.#known.clear();
    for (const key of made) this.#known.add(key);
    return true;
  }

  /** Forgets everything: directories were moved. */
  forget(): void {
    this.#known.clear();
  }
}
