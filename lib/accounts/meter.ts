/**
 * How much is kept below one folder.
 *
 * @module
 */

import { type Disk, formatBytes, StorageError } from "../storage/mod.ts";
import { countUsage, type Usage } from "./usage.ts";
import type { Quota } from "./users_file.ts";

/** What is known of a folder, as it is written down. */
export interface MeterRecord {
  /** What is published. */
  readonly used: Usage;
  /** Bytes of what was interrupted, by upload. */
  readonly staged: Readonly<Record<string, number>>;
  /** When it was last counted, in milliseconds since 1970. */
  readonly counted: number;
}

/** Walks that a change of ours may spoil before counting is put off. */
const COUNT_TRIES = 3;

/** Counts what is below a folder. */
export class Meter {
  /** The folder, every link resolved. */
  readonly root: string;
  #used: Usage = { bytes: 0, files: 0 };
  #staged = new Map<string, number>();
  /** What uploads under way may still need. */
  readonly #reserved = new Map<string, Usage>();
  #counted: number | undefined;
  #counting: Promise<void> | undefined;
  /** Changes so far: a walk that saw some of them counts for nothing. */
  #changes = 0;

  /**
   * @param root The folder.
   * @param record What was written down of it.
   */
  constructor(root: string, record?: MeterRecord) {
    this.root = root;
    if (record === undefined) return;
    this.#used = record.used;
    this.#staged = new Map(Object.entries(record.staged));
    this.#counted = record.counted;
  }

  /** When it was last counted, in milliseconds since 1970; `undefined`: never. */
  get counted(): number | undefined {
    return this.#counted;
  }

  /** What is to be written down; `undefined` before the first count. */
  get record(): MeterRecord | undefined {
    return this.#counted === undefined ? undefined : {
      used: this.#used,
      staged: Object.fromEntries(this.#staged),
      counted: this.#counted,
    };
  }

  /** All that counts: what is published, interrupted, and under way. */
  get usage(): Usage {
    let { bytes, files } = this.#used;
    for (const size of this.#staged.values()) {
      bytes += size;
      files++;
    }
    for (const reserved of this.#reserved.values()) {
      bytes += reserved.bytes;
      files += reserved.files;
    }
    return { bytes, files };
  }

  /** Counts by a walk, unless one is under way. */
  count(disk: Disk, now: () => number, signal: AbortSignal): Promise<void> {
    this.#counting ??= this.#walk(disk, now, signal)
      .finally(() => this.#counting = undefined);
    return this.#counting;
  }

  async #walk(
    disk: Disk,
    now: () => number,
    signal: AbortSignal,
  ): Promise<void> {
    for (let attempt = 0; attempt < COUNT_TRIES; attempt++) {
      const before = this.#changes;
      const { used, staged } = await countUsage(disk, this.root, signal);
      if (this.#changes !== before && this.#counted !== undefined) continue;
      for (const id of this.#reserved.keys()) staged.delete(id);
      this.#used = used;
      this.#staged = staged;
      this.#counted = now();
      return;
    }
  }

  /**
   * Checks that so much more fits.
   *
   * @param more How much.
   * @param quota How much there may be in all.
   * @param id An upload whose own share does not count: it is given anew.
   * @throws {StorageError} `quota`.
   */
  assertRoom(more: Usage, quota: Quota, id?: string): void {
    const { bytes, files } = this.usage;
    const own = id === undefined ? { bytes: 0, files: 0 } : this.#shareOf(id);
    const free = (quota.bytes ?? Infinity) - bytes + own.bytes;
    if (more.bytes > 0 && more.bytes > free) {
      throw new StorageError(
        "quota",
        `the user's quota of ${formatBytes(quota.bytes ?? 0)} has ${
          formatBytes(Math.max(0, free))
        } left, it needs ${formatBytes(more.bytes)}`,
      );
    }
    if (
      more.files > 0 &&
      files - own.files + more.files > (quota.files ?? Infinity)
    ) {
      throw new StorageError(
        "quota",
        `the user's quota of ${quota.files} files and folders is used up`,
      );
    }
  }

  #shareOf(id: string): Usage {
    const staged = this.#staged.get(id);
    return this.#reserved.get(id) ??
      { bytes: staged ?? 0, files: staged === undefined ? 0 : 1 };
  }

  /** Gives an upload a share, in place of what it has. */
  reserve(id: string, share: Usage): void {
    this.#staged.delete(id);
    this.#reserved.set(id, share);
  }

  /** Takes the share of an upload back; what is left of it stays as interrupted. */
  release(id: string, left: number): void {
    this.#reserved.delete(id);
    if (left > 0) this.#staged.set(id, left);
    else this.#staged.delete(id);
  }

  /** Counts a change of what is published. */
  change({ bytes, files }: Usage): void {
    this.#changes++;
    this.#used = {
      // A recount may have seen what others did: never below nothing.
      bytes: Math.max(0, this.#used.bytes + bytes),
      files: Math.max(0, this.#used.files + files),
    };
  }
}
