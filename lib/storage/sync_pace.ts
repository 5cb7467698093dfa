/**
 * Where to wait for stable storage: in place, or on another thread.
 *
 * @module
 */

import { SYNCHRONOUS_BYTES_MAX } from "./limits.ts";

/**
 * Milliseconds that a sync in place may take for the next one to be made there
 * too. A hop to Deno's thread pool costs this thread 20 to 30 µs; a file system
 * in memory syncs in less than one, a disk takes hundreds at the least.
 */
const IN_PLACE_MAX = 0.1;

/** Syncs that are made elsewhere after one in place was slow; twice as many after each that follows. */
const PAUSE_MIN = 16;

/** See {@linkcode PAUSE_MIN}: of a million syncs of a disk, some thirty are tried in place. */
const PAUSE_MAX = 65_536;

/** Something to sync. */
interface Syncable {
  sync(): Promise<void>;
  syncSync(): void;
}

/**
 * Syncs in place while that takes next to nothing, as on a file system in
 * memory, and on another thread otherwise. What has much to write always goes
 * there, so that a wrong guess costs the wait for a few pages, now and then.
 */
export class SyncPace {
  readonly #now: () => number;
  #pause = PAUSE_MIN;
  #left = 0;

  /** @param now The time in milliseconds, with fractions. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Returns when a file is on stable storage.
   *
   * @param file The file.
   * @param dirty Bytes that were written to it since it was synced.
   */
  async file(file: Syncable, dirty: number): Promise<void> {
    if (dirty > SYNCHRONOUS_BYTES_MAX || !this.#mayTry()) {
      return await file.sync();
    }
    // One that has nothing to write says nothing of those that have.
    if (this.#isQuick(file) && dirty > 0) this.#pause = PAUSE_MIN;
  }

  /** The same for a directory, of which nobody knows what it has to write. */
  async directory(directory: Syncable): Promise<void> {
    if (this.#mayTry()) this.#isQuick(directory);
    else await directory.sync();
  }

  #mayTry(): boolean {
    if (this.#left === 0) return true;
    this.#left--;
    return false;
  }

  /** Syncs in place. */
  #isQuick(file: Syncable): boolean {
    const start = this.#now();
    file.syncSync();
    if (this.#now() - start <= IN_PLACE_MAX) return true;
    this.#left = this.#pause;
    this.#pause = Math.min(2 * this.#pause, PAUSE_MAX);
    return false;
  }
}
