/**
 * The lines that were typed, in a file that only their author can read.
 *
 * @module
 */

import {
  type Disk,
  type DiskFile,
  makeLocalDirectory,
  setLocalAttributes,
  StorageError,
} from "../../storage/mod.ts";
import { joinLocal } from "../names.ts";

/** Lines that can be called back. */
export const HISTORY_SIZE = 1000;

/** Bytes from which on the file is written anew: its lines several times over. */
const FILE_SIZE_MAX = 262_144;
const FILE_NAME = "history";

/** What is near a secret: such a line is nothing to keep. */
const SECRET_PATTERN =
  /passw(or)?d|passphrase|secret|token|api[-_]?key|:\/\/[^\s/@]*:[^\s/@]*@/i;

/**
 * Whether a line is to be kept: not what may carry a secret, nor what begins
 * with a blank, by which people say so.
 */
export function isKept(line: string): boolean {
  return /^\S/.test(line) && !SECRET_PATTERN.test(line);
}

/** The history of a shell. What cannot be read or written is not kept, and no reason to stop. */
export class History {
  readonly #disk: Disk;
  readonly #folder: string | undefined;
  #last: string | undefined;

  /**
   * @param disk Where local files are.
   * @param folder The folder for it; `undefined`: it is not kept.
   */
  constructor(disk: Disk, folder: string | undefined) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** The lines of before, the oldest first. */
  async load(): Promise<readonly string[]> {
    if (this.#folder === undefined) return [];
    try {
      const path = joinLocal(this.#folder, FILE_NAME);
      const text = await withFile(
        await this.#disk.open(path, "read"),
        async (file) => {
          const { size } = await file.stat();
          const buffer = new Uint8Array(Math.min(size, FILE_SIZE_MAX));
          const offset = size - buffer.length;
          const length = await file.read(buffer, offset);
          return new TextDecoder().decode(buffer.subarray(0, length));
        },
      );
      const lines = text.split("\n").filter((line) => line !== "");
      return lines.slice(-HISTORY_SIZE);
    } catch (error) {
      forgive(error);
      return [];
    }
  }

  /** Keeps a line, unless it is one that is better forgotten. */
  async add(typed: string): Promise<void> {
    // Completion leaves a blank at the end.
    const line = typed.trimEnd();
    if (this.#folder === undefined || !isKept(line) || line === this.#last) {
      return;
    }
    this.#last = line;
    try {
      const path = joinLocal(this.#folder, FILE_NAME);
      await withFile(await this.#open(path, this.#folder), async (file) => {
        const { size } = await file.stat();
        const isFull = size > FILE_SIZE_MAX;
        const kept = isFull ? await this.load() : [];
        if (isFull) await file.truncate(0);
        const text = [...kept.slice(-HISTORY_SIZE / 2), line]
          .map((each) => `${each}\n`).join("");
        await file.write(new TextEncoder().encode(text), isFull ? 0 : size);
      });
    } catch (error) {
      forgive(error);
    }
  }

  async #open(path: string, folder: string): Promise<DiskFile> {
    try {
      return await this.#disk.open(path, "write");
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== "not-found") {
        throw error;
      }
    }
    await makeLocalDirectory(this.#disk, folder, "none");
    const file = await this.#disk.open(path, "create");
    await setLocalAttributes(this.#disk, path, { mode: 0o600 });
    return file;
  }
}

async function withFile<T>(
  file: DiskFile,
  work: (file: DiskFile) => Promise<T>,
): Promise<T> {
  try {
    return await work(file);
  } finally {
    file.close();
  }
}

function forgive(error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
}
