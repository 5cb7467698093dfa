/**
 * Files that only their owner may read, and that are whole at any moment.
 *
 * @module
 */

import { type Clock, type Random, sleep } from "../platform/mod.ts";
import {
  type Disk,
  type DiskStat,
  readWholeFile,
  StorageError,
  writeWholeFile,
} from "../storage/mod.ts";
import { AccountsError } from "./errors.ts";

/** Where a {@linkcode SecretFile} is and what it is written with. */
export interface SecretFileParts {
  /** Where it is. */
  readonly disk: Disk;
  /** Waits for others who write it. */
  readonly clock: Clock;
  /** Names for drafts. */
  readonly random: Random;
  /** The path, in the host's own form. */
  readonly path: string;
  /** Bytes that are read at most. */
  readonly sizeMax: number;
}

/** What a file was when it was read. */
export interface SecretText {
  /** What is in it. */
  readonly text: string;
  /** Tells this version from another one. */
  readonly version: string;
}

/** Tries to get a lock before giving up: with the waits between them, half a second. */
const LOCK_TRIES = 10;

/** Milliseconds between two tries. */
const LOCK_DELAY = 50;

/** A file of text that nobody else may read. */
export class SecretFile {
  readonly #parts: SecretFileParts;

  /** @param parts Where it is. */
  constructor(parts: SecretFileParts) {
    this.#parts = parts;
  }

  /** Its path. */
  get path(): string {
    return this.#parts.path;
  }

  /** What tells the version that is there from another one; `undefined`: there is none. */
  async version(): Promise<string | undefined> {
    try {
      return versionOf(await this.#parts.disk.stat(this.path));
    } catch (error) {
      if (error instanceof StorageError && error.kind === "not-found") {
        return undefined;
      }
      throw this.#describe(error);
    }
  }

  /**
   * Reads it; `undefined` when it is not there.
   *
   * @throws {AccountsError} When it cannot be read, is too large, or is no UTF-8.
   */
  async read(): Promise<SecretText | undefined> {
    if (await this.version() === undefined) return undefined;
    try {
      const { disk, sizeMax } = this.#parts;
      const { bytes, stat } = await readWholeFile(disk, this.path, sizeMax);
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      return { text, version: versionOf(stat) };
    } catch (error) {
      throw this.#describe(error);
    }
  }

  /**
   * Writes it: whole or not at all, readable by its owner only, durable.
   *
   * @param text What is to be in it.
   * @param options `isNew`: refuses to replace one that is there; `mode`: the
   * permission bits, if others may read it after all.
   * @throws {AccountsError} When it cannot be written, or is there already.
   */
  async write(
    text: string,
    { isNew = false, mode = 0o600 }: {
      readonly isNew?: boolean;
      readonly mode?: number;
    } = {},
  ): Promise<void> {
    try {
      await writeWholeFile(this.#parts, this.path, text, {
        mode,
        publish: (draft) => this.#publish(draft, isNew),
      });
    } catch (error) {
      throw this.#describe(error);
    }
  }

  async #publish(draft: string, isNew: boolean): Promise<void> {
    const { disk } = this.#parts;
    if (isNew) {
      if (await disk.link(draft, this.path)) {
        return await disk.removeFile(draft);
      }
      if (await this.version() !== undefined) {
        throw new StorageError("exists", "the name is taken");
      }
    }
    // Behind a link, the file is replaced and not the link.
    const isThere = await this.version() !== undefined;
    const path = isThere ? await disk.realPath(this.path) : this.path;
    await disk.rename(draft, path);
  }

  /**
   * Reads, changes and writes it, alone among all programs that do so.
   *
   * @param change From the text that is there to that which is to be; `undefined`
   * stands for no file, and for no change.
   */
  async update(
    change: (text: string | undefined) => string | undefined,
  ): Promise<void> {
    const lock = await this.#lock();
    try {
      const before = (await this.read())?.text;
      const text = change(before);
      if (text !== undefined && text !== before) {
        await this.write(text, { isNew: lock === undefined });
      }
    } finally {
      lock?.close();
    }
  }

  /** The lock of the file itself; none where there is no file yet. */
  async #lock(): Promise<{ close(): void } | undefined> {
    const { disk, clock } = this.#parts;
    for (let attempt = 0; attempt < LOCK_TRIES; attempt++) {
      if (attempt > 0) await sleep(clock, LOCK_DELAY);
      if (await this.version() === undefined) return undefined;
      try {
        const file = await disk.open(this.path, "read");
        const isOurs = await file.tryLock() &&
          // Replaced since it was opened: that one is locked by nobody.
          (await file.stat()).inode === (await disk.stat(this.path)).inode;
        if (isOurs) return file;
        file.close();
      } catch (error) {
        throw this.#describe(error);
      }
    }
    throw new AccountsError(
      "another program is changing it; try again in a moment",
      { file: this.path },
    );
  }

  #describe(error: unknown): unknown {
    const place = { file: this.path };
    if (error instanceof StorageError) {
      return new AccountsError(error.message, place, { cause: error });
    }
    // What a decoder says of the text is not to be shown.
    return error instanceof TypeError
      ? new AccountsError("it is not UTF-8 text", place)
      : error;
  }
}

function versionOf({ inode, size, modified, changed }: DiskStat): string {
  return [inode, size, modified, changed].join(" ");
}
