/**
 * The root folders of all users: those who have the same share one storage.
 *
 * @module
 */

import { type Disk, DiskStorage } from "../storage/mod.ts";
import type { Clock } from "../platform/mod.ts";

/** What a {@linkcode RootPool} opens storages with. */
export interface RootPoolParts {
  /** Where the folders are. */
  readonly disk: Disk;
  /** The served folder, open already and not closed with the pool. */
  readonly base: DiskStorage;
  /** Refuse every change. */
  readonly readOnly: boolean;
  /** Tells what is expired. */
  readonly clock: Clock;
}

/** One storage for each folder, all with the same locks for names. */
export class RootPool implements AsyncDisposable {
  readonly #parts: RootPoolParts;
  #readOnly: boolean;
  readonly #opened = new Map<string, Promise<DiskStorage>>();

  /** @param parts What storages are opened with. */
  constructor(parts: RootPoolParts) {
    this.#parts = parts;
    this.#readOnly = parts.readOnly;
    this.#opened.set(parts.base.root, Promise.resolve(parts.base));
  }

  /**
   * Where a user's root folder is, every link resolved.
   *
   * @param root Below the served folder, or absolute; `undefined`: the served folder.
   * @throws {StorageError} When it is not there.
   */
  async resolve(root: string | undefined): Promise<string> {
    const { disk, base } = this.#parts;
    if (root === undefined) return base.root;
    const isAbsolute = /^([/\\]|[A-Za-z]:[/\\])/.test(root);
    const folder = base.root.replace(/[/\\]$/, "");
    return await disk.realPath(isAbsolute ? root : `${folder}/${root}`);
  }

  /**
   * The storage of a folder.
   *
   * @param root As {@linkcode RootPool.resolve} gives it.
   * @throws {StorageError} When it cannot be opened.
   */
  open(root: string): Promise<DiskStorage> {
    let opening = this.#opened.get(root);
    if (opening === undefined) {
      const { disk, base, clock } = this.#parts;
      const options = { readOnly: this.#readOnly, clock, neighbour: base };
      opening = DiskStorage.open(disk, root, options);
      this.#opened.set(root, opening);
      // Asked again, it is tried again.
      opening.catch(() => this.#opened.delete(root));
    }
    return opening;
  }

  /** Refuses changes no more, as far as that was asked for. */
  allowChanges(): void {
    this.#readOnly = false;
    for (const opening of this.#opened.values()) {
      opening.then((storage) => storage.allowChanges(), () => {});
    }
  }

  /** Clears what is expired, everywhere. */
  async sweep(): Promise<void> {
    for (const storage of await this.#storages()) await storage.sweep();
  }

  /** Closes every storage but the first. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const storage of await this.#storages()) {
      if (storage !== this.#parts.base) await storage[Symbol.asyncDispose]();
    }
  }

  async #storages(): Promise<readonly DiskStorage[]> {
    const settled = await Promise.allSettled(this.#opened.values());
    return settled.flatMap((result) =>
      result.status === "fulfilled" ? [result.value] : []
    );
  }
}

/** Whether one of two folders is inside the other one. */
export function isNested(one: string, other: string): boolean {
  return one !== other && (isBelow(one, other) || isBelow(other, one));
}

function isBelow(path: string, root: string): boolean {
  const base = root.replace(/[/\\]$/, "");
  return path.startsWith(`${base}/`) || path.startsWith(`${base}\\`);
}
