/**
 * A lock between programs, which ends with its holder.
 *
 * @module
 */

import { sleep } from "../platform/mod.ts";
import {
  type Disk,
  type DiskFile,
  setLocalAttributes,
  StorageError,
} from "../storage/mod.ts";
import { IdentityError } from "./errors.ts";
import type { FileParts } from "./files.ts";

/** Milliseconds between two tries to take a lock, and how many there are: 5 s. */
const LOCK_INTERVAL = 50;
const LOCK_TRIES = 100;

/**
 * Takes a lock that ends with its holder, even by a crash.
 *
 * @throws {IdentityError} `file` if somebody holds it for long.
 */
export async function takeLock(
  path: string,
  { disk, clock }: Pick<FileParts, "disk" | "clock">,
): Promise<Disposable> {
  for (let attempt = 0; attempt < LOCK_TRIES; attempt++) {
    const file = await openLock(path, disk);
    try {
      if (await file.tryLock()) return { [Symbol.dispose]: () => file.close() };
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
    await sleep(clock, LOCK_INTERVAL);
  }
  throw new IdentityError(
    "file",
    `${
      JSON.stringify(path)
    } is held by another program for more than 5 s; try again later`,
  );
}

/** The lock's file, made if it is missing; it stays, for to remove it would race. */
async function openLock(path: string, disk: Disk): Promise<DiskFile> {
  for (;;) {
    try {
      const file = await disk.open(path, "create");
      await setLocalAttributes(disk, path, { mode: 0o600 });
      return file;
    } catch (error) {
      if (!isKind(error, "exists")) throw error;
    }
    try {
      return await disk.open(path, "write");
    } catch (error) {
      if (!isKind(error, "not-found")) throw error;
    }
  }
}

function isKind(error: unknown, kind: string): boolean {
  return error instanceof StorageError && error.kind === kind;
}
