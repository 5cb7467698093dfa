/**
 * One lock for each name in the served tree, so that of two who want it one is
 * first.
 *
 * @module
 */

import { foldName } from "./names.ts";

/** Locks by name, among all doors and sessions of one process. */
export class NameLocks {
  /** For each held name, who waits for it. */
  readonly #held = new Map<string, (() => void)[]>();

  /** Waits for the lock of every path, and holds them until disposed. */
  async acquire(...paths: string[]): Promise<Disposable> {
    // In one order for all, so that nobody waits in a circle.
    const keys = [...new Set(paths.map(toKey))].sort();
    for (const key of keys) {
      const waiting = this.#held.get(key);
      if (waiting === undefined) this.#held.set(key, []);
      else await new Promise<void>((resolve) => waiting.push(resolve));
    }
    return this.#guard(keys);
  }

  /** Takes the lock of a path if nobody holds it. */
  tryAcquire(path: string): Disposable | undefined {
    const key = toKey(path);
    if (this.#held.has(key)) return undefined;
    this.#held.set(key, []);
    return this.#guard([key]);
  }

  #guard(keys: string[]): Disposable {
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        for (const key of keys) this.#release(key);
      },
    };
  }

  #release(key: string): void {
    const next = this.#held.get(key)?.shift();
    if (next === undefined) this.#held.delete(key);
    else next();
  }
}

/** Folded, as some file systems take `A` and `a` for one name; a lock too many harms nobody. */
function toKey(path: string): string {
  return foldName(path);
}
