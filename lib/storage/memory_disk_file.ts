/**
 * An open file in memory.
 *
 * @module
 */

import type { DiskFile, DiskStat } from "./disk.ts";
import { StorageError } from "./errors.ts";
import type { MemoryFile } from "./memory_inode.ts";

/** What an open file needs of its disk. */
export interface HandleOptions {
  /** Whether it may be changed. */
  readonly writable: boolean;
  /** The time, in milliseconds since 1970. */
  now(): number;
  /** Bytes that still fit on the disk. */
  spare(): number;
  /** Called when it is closed. */
  onClose(): void;
}

/** An open file of a `MemoryDisk`. */
export class MemoryDiskFile implements DiskFile {
  /** The file itself, whatever its names are. */
  readonly inode: MemoryFile;
  readonly #options: HandleOptions;
  #alive = true;

  /** Opens `inode`. */
  constructor(inode: MemoryFile, options: HandleOptions) {
    this.inode = inode;
    this.#options = options;
  }

  /** Copies out. */
  read(buffer: Uint8Array, offset: number): Promise<number> {
    return this.#attempt(() => this.inode.read(buffer, offset));
  }

  /** Copies in, if it fits. */
  write(bytes: Uint8Array, offset: number): Promise<void> {
    return this.#attempt(() => {
      this.#assertWritable();
      if (this.inode.growth(offset, bytes.length) > this.#options.spare()) {
        throw new StorageError("no-space", "no space left on the disk");
      }
      this.inode.write(bytes, offset);
      this.#touch();
    });
  }

  /** Sets the length. */
  truncate(size: number): Promise<void> {
    return this.#attempt(() => {
      this.#assertWritable();
      this.inode.truncate(size);
      this.#touch();
    });
  }

  /** Makes it survive a loss of power. */
  sync(): Promise<void> {
    return this.#attempt(() => this.inode.sync());
  }

  /** Looks at it. */
  stat(): Promise<DiskStat> {
    return this.#attempt(() => this.inode.toStat());
  }

  /** Sets the time of the last change. */
  setModified(modified: number): Promise<void> {
    return this.#attempt(() => {
      this.inode.modified = modified;
      this.inode.changed = this.#options.now();
    });
  }

  /** Takes the lock. */
  tryLock(): Promise<boolean> {
    return this.#attempt(() => {
      this.inode.lockHolder ??= this;
      return this.inode.lockHolder === this;
    });
  }

  /** Closes. */
  close(): void {
    this.kill();
    this.#options.onClose();
  }

  /** Ends the handle as the end of its process would. */
  kill(): void {
    this.#alive = false;
    if (this.inode.lockHolder === this) this.inode.lockHolder = undefined;
  }

  #touch(): void {
    const now = this.#options.now();
    this.inode.modified = now;
    this.inode.changed = now;
  }

  #assertWritable(): void {
    if (!this.#options.writable) {
      throw new StorageError("denied", "it was opened for reading");
    }
  }

  #attempt<T>(action: () => T): Promise<T> {
    return attempt(() => {
      if (!this.#alive) throw new StorageError("io", "the file is closed");
      return action();
    });
  }
}

/** Runs what is synchronous as what a disk does: it throws nothing, it rejects. */
export function attempt<T>(action: () => T): Promise<T> {
  try {
    return Promise.resolve(action());
  } catch (error) {
    return Promise.reject(error);
  }
}
