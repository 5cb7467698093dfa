/**
 * Changing the served tree itself: making, moving and removing entries.
 *
 * @module
 */

import { basename, dirname, join, SEPARATOR } from "@std/path";
import {
  findTwin,
  moveToFreeName,
  type NamePlan,
  planName,
  twinError,
} from "./conflict.ts";
import type { Disk, DiskEntry, DiskStat } from "./disk.ts";
import type { DurableDirectories } from "./durable_directories.ts";
import { StorageError } from "./errors.ts";
import {
  type Jail,
  lstatIfAny,
  recheckDirectory,
  type SafePath,
  type SeenDirectory,
} from "./jail.ts";
import { siblingPath } from "./leftovers.ts";
import { LIST_BATCH, NUMBERED_NAMES_MAX } from "./limits.ts";
import type { NameLocks } from "./name_locks.ts";
import { isReservedName, quoteName } from "./names.ts";
import type {
  Attributes,
  ConflictPolicy,
  Durability,
  Publication,
} from "./storage.ts";

/** What the functions here work with. */
export interface Tree {
  /** Where it is. */
  readonly disk: Disk;
  /** Keeps names below the root. */
  readonly jail: Jail;
  /** The names that are being decided on. */
  readonly locks: NameLocks;
  /** Makes names durable. */
  readonly durable: DurableDirectories;
}

/** Makes a directory, and with `parents` those above it. */
export async function makeDirectories(
  tree: Tree,
  path: SafePath,
  options: { readonly parents: boolean; readonly durability: Durability },
): Promise<void> {
  const { disk, jail, durable } = tree;
  const { missing } = path;
  await assertNoTwins(tree, path);
  if (missing.length === 0) {
    return await assertMade(disk, path, options.parents);
  }
  if (missing.length > 1 && !options.parents) {
    throw new StorageError("not-found", "the directory above it is missing");
  }
  const made: string[] = [];
  let at = path.absolute;
  for (let up = missing.length; up > 0; up--) at = dirname(at);
  try {
    for (const name of missing) {
      await jail.recheck(path);
      at = join(at, name);
      if (await makeOne(disk, at, options.parents)) made.push(at);
      if (await disk.realPath(at) !== at) {
        throw new StorageError(
          "outside",
          `${quoteName(path.path)} leads outside the served folder`,
        );
      }
    }
    // The directory itself, its name, and every name above that may be new.
    if (options.durability === "full") await durable.sync(at);
  } catch (error) {
    // Somebody may have put something in already: then it stays.
    for (const each of made.reverse()) {
      await disk.removeDirectory(each).catch(() => {});
    }
    throw error;
  }
}

async function makeOne(
  disk: Disk,
  path: string,
  mayExist: boolean,
): Promise<boolean> {
  try {
    await disk.makeDirectory(path, 0o777);
    return true;
  } catch (error) {
    const isThere = error instanceof StorageError && error.kind === "exists";
    if (!isThere || !mayExist) throw error;
    if ((await disk.lstat(path)).kind === "directory") return false;
    throw error;
  }
}

/** What is there on the way must have the very names that were asked for. */
async function assertNoTwins(
  { disk, jail }: Tree,
  { location, path }: SafePath,
): Promise<void> {
  let at = jail.root;
  for (const name of location.split("/")) {
    if (name === "") return;
    const there = await lstatIfAny(disk, join(at, name));
    if (there === undefined) return;
    const twin = await findTwin(disk, at, name, there);
    if (twin !== undefined) throw twinError({ path }, twin);
    at = join(at, name);
  }
}

async function assertMade(
  disk: Disk,
  path: SafePath,
  mayExist: boolean,
): Promise<void> {
  const { kind } = await disk.stat(path.absolute);
  if (kind === "directory" && mayExist) return;
  throw new StorageError("exists", `${quoteName(path.path)} exists already`, {
    name: path.path,
  });
}

/** Gives an entry another name, as the policy says. */
export async function moveEntry(
  tree: Tree,
  from: SafePath,
  to: SafePath,
  onConflict: ConflictPolicy,
): Promise<{ readonly path: string; readonly publication: Publication }> {
  const { disk, jail, locks, durable } = tree;
  assertNotRoot(from);
  assertNotRoot(to);
  const directory = dirname(to.absolute);
  const wanted = { directory, name: basename(to.absolute), path: to.path };
  using _locks = await locks.acquire(from.absolute, to.absolute);
  for (let attempt = 0; attempt < NUMBERED_NAMES_MAX; attempt++) {
    const stat = await disk.lstat(from.absolute);
    assertNotInto(stat, from, to);
    using plan = await planName(disk, locks, wanted, onConflict);
    const { name, publication } = plan;
    const path = siblingPath(to.path, name);
    if (publication === "skipped") return { path, publication };
    await jail.recheck(from);
    await jail.recheck(to);
    if (!await moveOne(disk, from.absolute, directory, plan, stat)) continue;
    await jail.recheck(to);
    await durable.sync(directory);
    if (from.anchor !== directory) await durable.sync(from.anchor);
    return { path, publication };
  }
  throw new StorageError("busy", "others take every name first");
}

async function moveOne(
  disk: Disk,
  from: string,
  directory: string,
  plan: NamePlan,
  stat: DiskStat,
): Promise<boolean> {
  const to = join(directory, plan.name);
  if (plan.publication === "replaced" || stat.kind !== "file") {
    // Directories and links have no atomic "only if free": the lock must do.
    await disk.rename(from, to);
    return true;
  }
  return await moveToFreeName(disk, from, to);
}

function assertNotInto(stat: DiskStat, from: SafePath, to: SafePath): void {
  if (
    stat.kind === "directory" &&
    to.absolute.startsWith(from.absolute + SEPARATOR)
  ) {
    throw new StorageError("bad-name", "a directory cannot go into itself");
  }
}

/** Sets time and bits of a file or a directory. */
export async function setAttributes(
  { disk, jail }: Tree,
  path: SafePath,
  { modified, mode }: Attributes,
): Promise<void> {
  assertNotRoot(path);
  await jail.recheck(path);
  await setEntryAttributes(disk, path.absolute, { modified, mode });
  await jail.recheck(path);
}

/** Sets time and bits of what is no link, nor becomes one meanwhile. */
export async function setEntryAttributes(
  disk: Disk,
  path: string,
  { modified, mode }: Attributes,
): Promise<void> {
  const before = await disk.lstat(path);
  if (before.kind !== "file" && before.kind !== "directory") {
    throw new StorageError("not-file", "it is no file and no directory");
  }
  await disk.setAttributes?.(path, {
    modified,
    mode: mode === undefined ? undefined : mode & 0o777,
  });
  const after = await disk.lstat(path);
  if (after.inode !== before.inode || after.device !== before.device) {
    throw new StorageError("changed", "it was exchanged meanwhile");
  }
}

/** Removes an entry, with `recursive` and everything below it; returns how many. */
export async function removeEntry(
  tree: Tree,
  path: SafePath,
  options: {
    readonly recursive: boolean;
    readonly signal: AbortSignal | undefined;
  },
): Promise<number> {
  const { disk, jail, locks, durable } = tree;
  assertNotRoot(path);
  using _lock = await locks.acquire(path.absolute);
  await jail.recheck(path);
  const stat = await disk.lstat(path.absolute);
  let count = 1;
  if (stat.kind !== "directory") {
    await disk.removeFile(path.absolute);
  } else if (options.recursive) {
    count = await new TreeRemoval(tree, path, options.signal).run(stat);
  } else {
    await disk.removeDirectory(path.absolute);
  }
  await jail.recheck(path);
  await durable.sync(path.anchor);
  return count;
}

/** One walk that removes from the bottom up and never follows a link. */
class TreeRemoval {
  readonly #disk: Disk;
  readonly #jail: Jail;
  readonly #path: SafePath;
  readonly #signal: AbortSignal | undefined;
  #count = 0;

  constructor(tree: Tree, path: SafePath, signal: AbortSignal | undefined) {
    this.#disk = tree.disk;
    this.#jail = tree.jail;
    this.#path = path;
    this.#signal = signal;
  }

  /** Removes the directory that `stat` shows; returns how many entries. */
  async run(stat: DiskStat): Promise<number> {
    // A stack and not recursion: the tree may be deeper than names may be.
    const stack = [this.#enter(this.#path.absolute, stat, this.#path)];
    while (stack.length > 0) {
      const directory = stack.at(-1)!;
      const below = await this.#empty(directory);
      if (below !== undefined) {
        stack.push(below);
        continue;
      }
      await this.#check(directory);
      await this.#disk.removeDirectory(directory.path);
      this.#count++;
      stack.pop();
    }
    return this.#count;
  }

  #enter(
    path: string,
    stat: DiskStat,
    above: { readonly device?: number; readonly anchorDevice?: number },
  ): SeenDirectory {
    if (stat.device !== (above.device ?? above.anchorDevice)) {
      throw new StorageError("busy", "a file system is mounted below it");
    }
    return { path, device: stat.device, inode: stat.inode };
  }

  /** Removes what is no directory; returns the first directory that is in the way. */
  async #empty(directory: SeenDirectory): Promise<SeenDirectory | undefined> {
    while (true) {
      await this.#check(directory);
      const batch = await this.#batch(directory.path);
      if (batch.length === 0) return undefined;
      const before = this.#count;
      for (const { name } of batch) {
        await this.#check(directory);
        const path = join(directory.path, name);
        const stat = await lstatIfAny(this.#disk, path);
        if (stat === undefined) continue;
        if (stat.kind === "directory") {
          const below = this.#enter(path, stat, directory);
          if (isReservedName(name)) await this.#assertIdle(path);
          return below;
        }
        await this.#disk.removeFile(path);
        this.#count++;
      }
      // Listed, and yet not there: names that no text can address.
      if (this.#count === before) {
        throw new StorageError(
          "not-empty",
          "it holds names that are not UTF-8",
        );
      }
    }
  }

  async #batch(path: string): Promise<DiskEntry[]> {
    const batch: DiskEntry[] = [];
    for await (const entry of this.#disk.list(path)) {
      batch.push(entry);
      if (batch.length === LIST_BATCH) break;
    }
    return batch;
  }

  /** A staging folder of another server may be in use. */
  async #assertIdle(path: string): Promise<void> {
    for await (const { name, kind } of this.#disk.list(path)) {
      if (kind !== "file") continue;
      const file = await this.#disk.open(join(path, name), "read");
      try {
        if (!await file.tryLock()) {
          throw new StorageError("busy", "a file below it is being received");
        }
      } finally {
        file.close();
      }
    }
  }

  async #check(directory: SeenDirectory): Promise<void> {
    if (this.#signal?.aborted) {
      throw new StorageError("cancelled", "the removal was cancelled", {
        cause: this.#signal.reason,
      });
    }
    await this.#jail.recheck(this.#path);
    await recheckDirectory(this.#disk, directory, this.#path.path);
  }
}

function assertNotRoot(path: SafePath): void {
  if (path.location === "") {
    throw new StorageError("denied", "the root itself stays as it is");
  }
}
