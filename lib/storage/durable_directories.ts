/**
 * Makes a published name durable, with every directory above it.
 *
 * @module
 */

import { dirname } from "@std/path";
import type { Disk } from "./disk.ts";

/** Directories of one step that were or are being synced. */
export type SyncedDirectories = Map<string, Promise<boolean>>;

/**
 * Syncs directories up to the root: a directory's own name is durable only once
 * the one above it was synced, and nobody can know who made it, or made it anew
 * under the same inode. Syncing one that is durable already costs microseconds.
 */
export class DurableDirectories {
  readonly #disk: Disk;
  readonly #root: string | undefined;

  /**
   * Syncs nothing yet.
   *
   * @param disk Where they are.
   * @param root The one above which nothing is synced; without it only the
   * directory itself is.
   */
  constructor(disk: Disk, root: string | undefined) {
    this.#disk = disk;
    this.#root = root;
  }

  /**
   * Makes the entries of a directory durable.
   *
   * @param directory Where something was just published.
   * @param above What was synced since then, for several that are synced
   * together: the directories above them are synced once.
   * @returns `false` where the host cannot.
   */
  async sync(
    directory: string,
    above: SyncedDirectories = new Map(),
  ): Promise<boolean> {
    if (!await this.#disk.syncDirectory(directory)) return false;
    if (this.#root === undefined) return true;
    let at = directory;
    while (at !== this.#root && at !== dirname(at)) {
      at = dirname(at);
      const syncing = above.get(at) ?? this.#disk.syncDirectory(at);
      above.set(at, syncing);
      if (!await syncing) return false;
    }
    return true;
  }
}
