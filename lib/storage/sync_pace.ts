/**
 * Where to wait for stable storage: in place, or on another thread.
 *
 * @module
 */

/**
 * Milliseconds that a sync in place may take for the next to be made there too.
 * A hop to Deno's thread pool costs this thread 20 to 30 µs; in memory, and
 * where nothing is left to write, a sync takes less than one.
 */
const IN_PLACE_MAX = 0.05;

/**
 * Milliseconds that a sync on another thread may take, the hop included, for
 * one in place to be tried. No disk that has something to write is that quick.
 */
const TRIAL_MAX = 0.25;

/** Something to sync. */
interface Syncable {
  sync(): Promise<void>;
  syncSync(): void;
}

/**
 * Syncs in place while that takes next to nothing, as on a file system in
 * memory, and on another thread otherwise. Guessing wrong costs one wait.
 */
export class SyncPace {
  #isQuick = false;
  #running = 0;
  #begun = 0;

  /** Returns when it is on stable storage. */
  async sync(file: Syncable): Promise<void> {
    const start = performance.now();
    if (this.#isQuick) {
      file.syncSync();
      this.#isQuick = performance.now() - start <= IN_PLACE_MAX;
      return;
    }
    const begun = ++this.#begun;
    const isAlone = this.#running++ === 0;
    try {
      await file.sync();
    } finally {
      this.#running--;
    }
    // Of several at once none tells how long one takes.
    this.#isQuick = isAlone && begun === this.#begun &&
      performance.now() - start <= TRIAL_MAX;
  }
}
