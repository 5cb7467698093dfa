/**
 * What to do about a name that is taken.
 *
 * @module
 */

import { join } from "@std/path";
import type { Disk, DiskStat } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { lstatIfAny } from "./jail.ts";
import { NUMBERED_NAMES_MAX } from "./limits.ts";
import type { NameLocks } from "./name_locks.ts";
import { foldName, nameVariants, numberedName, quoteName } from "./names.ts";
import type { ConflictPolicy, Publication } from "./storage.ts";

/** A name that was decided on. */
export interface NamePlan extends Disposable {
  /** The last segment. */
  readonly name: string;
  /** How it will be published there. */
  readonly publication: Publication;
}

/** Where a name is wanted. */
export interface WantedName {
  /** The real path of the directory. */
  readonly directory: string;
  /** The last segment. */
  readonly name: string;
  /** How users know the whole of it. */
  readonly path: string;
}

/** The error for a name that is taken by what `stat` shows. */
export function takenError(stat: DiskStat, path: string): StorageError {
  return stat.kind === "directory"
    ? new StorageError("is-directory", `${quoteName(path)} is a directory`, {
      name: path,
    })
    : new StorageError("exists", `${quoteName(path)} exists already`, {
      name: path,
    });
}

/** The error for a name that means an entry of another name. */
export function twinError(
  { path }: Pick<WantedName, "path">,
  twin: string,
): StorageError {
  return new StorageError(
    "exists",
    `${quoteName(path)} and the existing ${
      quoteName(twin)
    } are one name to this file system`,
    { name: path },
  );
}

/**
 * The name that the entry really has which a file system finds under `name`;
 * `undefined` if it is that very one.
 *
 * Only asked where something was found. What differs only in case or
 * normalization from `name` must then lead to the same entry for a file system
 * that folds names: one look says that most do not, and only where it does the
 * directory is listed.
 *
 * @param there What was found.
 */
export async function findTwin(
  disk: Disk,
  directory: string,
  name: string,
  there: DiskStat,
): Promise<string | undefined> {
  let isFolded = false;
  for (const variant of nameVariants(name)) {
    const stat = await lstatIfAny(disk, join(directory, variant));
    isFolded ||= stat !== undefined && stat.inode === there.inode &&
      stat.device === there.device;
  }
  if (!isFolded) return undefined;
  const twins: string[] = [];
  const wanted = foldName(name);
  for await (const entry of disk.list(directory)) {
    if (entry.name === name) return undefined;
    if (foldName(entry.name) === wanted) twins.push(entry.name);
  }
  return twins[0] ?? name;
}

/**
 * Decides on a name while the lock of the wanted one is held. A plan to use
 * another one holds that one's lock, until it is disposed.
 *
 * @throws {StorageError} `exists`, `is-directory`, as the policy says.
 */
export async function planName(
  disk: Disk,
  locks: NameLocks,
  wanted: WantedName,
  policy: ConflictPolicy,
): Promise<NamePlan> {
  const there = await lstatIfAny(disk, join(wanted.directory, wanted.name));
  if (there === undefined) return freePlan(wanted.name);
  if (policy !== "rename") {
    const twin = await findTwin(disk, wanted.directory, wanted.name, there);
    if (twin !== undefined) throw twinError(wanted, twin);
  }
  switch (policy) {
    case "fail":
      throw takenError(there, wanted.path);
    case "overwrite":
      if (there.kind === "directory") throw takenError(there, wanted.path);
      return plan(wanted.name, "replaced");
    case "skip":
      return plan(wanted.name, "skipped");
    case "rename":
      return await planNumbered(disk, locks, wanted);
  }
}

async function planNumbered(
  disk: Disk,
  locks: NameLocks,
  wanted: WantedName,
): Promise<NamePlan> {
  for (let number = 1; number <= NUMBERED_NAMES_MAX; number++) {
    const name = numberedName(wanted.name, number);
    const path = join(wanted.directory, name);
    // Held by somebody who is about to publish under it: as good as taken.
    // Not waited for, as two could wait for each other's.
    const lock = locks.tryAcquire(path);
    if (lock === undefined) continue;
    let isFree = false;
    try {
      isFree = await lstatIfAny(disk, path) === undefined;
    } finally {
      if (!isFree) lock[Symbol.dispose]();
    }
    if (isFree) return { ...lock, name, publication: "renamed" };
  }
  throw new StorageError(
    "exists",
    `${
      quoteName(wanted.path)
    } and ${NUMBERED_NAMES_MAX} numbered names exist already`,
    { name: wanted.path },
  );
}

/** The plan to use a name that seems to be free. */
export function freePlan(name: string): NamePlan {
  return plan(name, "created");
}

function plan(name: string, publication: Publication): NamePlan {
  return { name, publication, [Symbol.dispose]: () => {} };
}

/**
 * Gives an entry a name that must be free; `false` if it is taken. Atomic
 * against everybody where the file system has hard links, among the sessions of
 * this process elsewhere.
 */
export async function moveToFreeName(
  disk: Disk,
  from: string,
  to: string,
): Promise<boolean> {
  try {
    if (await disk.link(from, to)) {
      await removeLinked(disk, from, to);
      return true;
    }
  } catch (error) {
    if (error instanceof StorageError && error.kind === "exists") return false;
    throw error;
  }
  if (await lstatIfAny(disk, to) !== undefined) return false;
  await disk.rename(from, to);
  return true;
}

/** The second half of a move by link; without it the first is taken back. */
async function removeLinked(
  disk: Disk,
  from: string,
  to: string,
): Promise<void> {
  try {
    await disk.removeFile(from);
  } catch (error) {
    await disk.removeFile(to);
    throw error;
  }
}
