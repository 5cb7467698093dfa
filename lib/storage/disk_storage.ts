/**
 * Storage below one directory of a disk.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { type Clock, systemClock } from "../platform/mod.ts";
import {
  CommitEngine,
  type CommitEngineOptions,
  isUploadId,
} from "./commit_engine.ts";
import { findTwin } from "./conflict.ts";
import { DenoDisk } from "./deno_disk.ts";
import type { Disk, DiskAccess, DiskEntry, DiskStat } from "./disk.ts";
import { DurableDirectories } from "./durable_directories.ts";
import { StorageError } from "./errors.ts";
import { Jail, type KnownFolders, lstatIfAny, type SafePath } from "./jail.ts";
import { removeIfAny } from "./leftovers.ts";
import { LIST_BATCH, SWEEP_INTERVAL } from "./limits.ts";
import { MemoryDisk, type MemoryDiskOptions } from "./memory_disk.ts";
import { NameLocks } from "./name_locks.ts";
import { isReservedName, segmentFault } from "./names.ts";
import type { PublishTarget, StorageHooks } from "./receiving_parts.ts";
import { recoverStaging } from "./recovery.ts";
import { Room } from "./room.ts";
import { receiveSmallFiles } from "./small_files.ts";
import type { SmallItem } from "./small_group.ts";
import { openSource } from "./source.ts";
import { findMountPoint, StagingFolder } from "./staging.ts";
import type {
  Attributes,
  ConflictPolicy,
  DigestAlgorithm,
  Durability,
  Entry,
  LocateIntent,
  Outcome,
  Publication,
  ReceiveRequest,
  ReceiveStart,
  SmallFile,
  Source,
  Storage,
} from "./storage.ts";
import {
  makeDirectories,
  moveEntry,
  removeEntry,
  setAttributes,
  type Tree,
} from "./tree.ts";
import type { HeaderRecord } from "./upload_journal.ts";

/** Options of {@linkcode DiskStorage}. */
export interface DiskStorageOptions {
  /** Refuse every change. @default {false} */
  readonly readOnly?: boolean;
  /** Bytes of each file system that no upload may use. @default {0} */
  readonly reserve?: number;
  /** Tells what is expired. @default {systemClock} */
  readonly clock?: Clock;
  /** Called between the steps of a commit, for tests. @default none */
  readonly hooks?: StorageHooks;
  /**
   * A storage on the same disk whose root may be above or below this one: of two
   * sessions that want one name, one is first then, whichever way they come.
   * What is reserved there is reserved here.
   */
  readonly neighbour?: DiskStorage;
}

/** Options of {@linkcode openMemoryStorage}. */
export interface MemoryStorageOptions
  extends DiskStorageOptions, Omit<MemoryDiskOptions, "clock"> {}

/** Keeps files below a directory of this machine. */
export async function openFileStorage(
  root: string,
  options: DiskStorageOptions = {},
): Promise<DiskStorage> {
  return await DiskStorage.open(new DenoDisk(), root, options);
}

/** Keeps files in memory. */
export async function openMemoryStorage(
  options: MemoryStorageOptions = {},
): Promise<DiskStorage> {
  return await DiskStorage.open(new MemoryDisk(options), "/", options);
}

/** {@linkcode Storage} over any {@linkcode Disk}. */
export class DiskStorage implements Storage {
  readonly #disk: Disk;
  readonly #jail: Jail;
  readonly #clock: Clock;
  readonly #access: DiskAccess;
  #isReadOnly: boolean;
  readonly #locks: NameLocks;
  readonly #room: Room;
  readonly #durable: DurableDirectories;
  readonly #engineOptions: CommitEngineOptions;
  readonly #engine: CommitEngine;
  /** By mount point, the staging folders that were used or looked for. */
  readonly #folders = new Map<string, Promise<StagingFolder>>();
  #swept: number;

  private constructor(
    disk: Disk,
    jail: Jail,
    access: DiskAccess,
    options: DiskStorageOptions,
  ) {
    this.#disk = disk;
    this.#jail = jail;
    this.#clock = options.clock ?? systemClock;
    this.#isReadOnly = options.readOnly ?? false;
    const { neighbour, reserve } = options;
    this.#locks = neighbour === undefined ? new NameLocks() : neighbour.#locks;
    this.#room = neighbour === undefined
      ? new Room(disk, reserve)
      : neighbour.#room;
    this.#access = access;
    this.#durable = new DurableDirectories(disk, jail.root);
    this.#swept = this.#clock.monotonic();
    this.#engineOptions = {
      disk,
      clock: this.#clock,
      locks: this.#locks,
      room: this.#room,
      hooks: options.hooks ?? {},
      retarget: (path) => this.#target(path),
      findDirectory: (header) => this.#findDirectory(header),
    };
    this.#engine = new CommitEngine(this.#engineOptions);
  }

  /**
   * Opens the storage below `root`, and puts its staging folder in order.
   *
   * @throws {StorageError} `not-found`, `not-directory`, `denied`.
   */
  static async open(
    disk: Disk,
    root: string,
    options: DiskStorageOptions = {},
  ): Promise<DiskStorage> {
    const jail = await Jail.open(disk, root);
    const access = await disk.access(jail.root);
    const storage = new DiskStorage(disk, jail, access, options);
    if (storage.access.write) await storage.#folderAt(jail.root);
    return storage;
  }

  /** What may be done at all. */
  get access(): DiskAccess {
    const { write, ...access } = this.#access;
    return { ...access, write: write && !this.#isReadOnly };
  }

  /** Refuses changes no more that were refused only because that was asked for. */
  allowChanges(): void {
    this.#isReadOnly = false;
  }

  /** The root folder, every link resolved, in the host's own form. */
  get root(): string {
    return this.#jail.root;
  }

  /** Makes a safe path of a name. */
  locate(
    name: string,
    intent: LocateIntent,
    known?: KnownFolders,
  ): Promise<SafePath> {
    return this.#jail.locate(name, intent, known);
  }

  /** Looks at an entry. */
  async stat(path: SafePath): Promise<Entry> {
    await this.#jail.recheck(path);
    const stat = await this.#disk.lstat(path.absolute);
    return toEntry(path.path, path.path.split("/").at(-1)!, stat);
  }

  /** Lists a directory; nothing is told of one that was exchanged meanwhile. */
  async *list(path: SafePath): AsyncIterable<Entry> {
    const stat = await this.#disk.lstat(path.absolute);
    if (stat.kind !== "directory") {
      throw new StorageError("not-directory", "it is not a directory");
    }
    await this.#jail.recheck(path);
    let batch: Entry[] = [];
    for await (const entry of this.#disk.list(path.absolute)) {
      const shown = await this.#look(path, entry);
      if (shown !== undefined) batch.push(shown);
      if (batch.length < LIST_BATCH) continue;
      await this.#checkListed(path, stat);
      yield* batch;
      batch = [];
    }
    await this.#checkListed(path, stat);
    yield* batch;
  }

  /** Opens a file to send it. */
  async openSource(
    path: SafePath,
    algorithm: DigestAlgorithm,
  ): Promise<Source> {
    return await openSource(this.#disk, path.absolute, {
      algorithm,
      check: () => this.#jail.recheck(path),
    });
  }

  /** Prepares to receive a file. */
  async receive(
    path: SafePath,
    request: ReceiveRequest,
  ): Promise<ReceiveStart> {
    this.#assertWritable();
    await this.#sweepIfDue();
    const folder = await this.#folderFor(path);
    return await this.#engine.receive(
      this.#target(path),
      folder.place(request.id),
      request,
    );
  }

  /** Receives many small files. */
  async receiveSmall(
    items: readonly (SmallFile & { readonly path: SafePath })[],
  ): Promise<readonly (Outcome | StorageError)[]> {
    this.#assertWritable();
    await this.#sweepIfDue();
    const all: SmallItem[] = [];
    for (const { path, request, bytes, checksum } of items) {
      const folder = await this.#folderFor(path);
      const staging = folder.place(request.id);
      const target = this.#target(path);
      const relocate = () => this.#relocate(path);
      all.push({
        ...{ target, staging, folder, relocate },
        ...{ request, bytes, checksum },
      });
    }
    return await receiveSmallFiles(this.#engine, this.#engineOptions, all);
  }

  /** Forgets an outcome. */
  async acknowledge(id: string): Promise<void> {
    if (!this.access.write || !isUploadId(id)) return;
    for (const opening of this.#folders.values()) {
      const folder = await opening;
      const staging = folder.place(id);
      if (this.#engine.isLive(staging) || !await folder.exists()) continue;
      if (await folder.groups.acknowledge(id)) continue;
      await removeIfAny(this.#disk, staging.map);
    }
  }

  /** Makes a directory. */
  async makeDirectory(
    path: SafePath,
    options: { readonly parents: boolean; readonly durability: Durability },
  ): Promise<void> {
    this.#assertWritable();
    await makeDirectories(this.#tree, path, options);
  }

  /** Removes an entry. */
  async remove(
    path: SafePath,
    options: {
      readonly recursive: boolean;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<number> {
    this.#assertWritable();
    return await removeEntry(this.#tree, path, options);
  }

  /** Sets time and permission bits. */
  async setAttributes(path: SafePath, attributes: Attributes): Promise<void> {
    this.#assertWritable();
    await setAttributes(this.#tree, path, attributes);
  }

  /** The name that an entry really has, if it is another one. */
  async twin(path: SafePath): Promise<string | undefined> {
    await this.#jail.recheck(path);
    if (path.missing.length > 1) return undefined;
    const there = await lstatIfAny(this.#disk, path.absolute);
    return there && await findTwin(
      this.#disk,
      dirname(path.absolute),
      basename(path.absolute),
      there,
    );
  }

  /** Renames an entry. */
  async rename(
    from: SafePath,
    to: SafePath,
    onConflict: ConflictPolicy,
  ): Promise<{ readonly path: string; readonly publication: Publication }> {
    this.#assertWritable();
    return await moveEntry(this.#tree, from, to, onConflict);
  }

  /** Puts the staging folders in order. */
  async sweep(): Promise<void> {
    this.#swept = this.#clock.monotonic();
    for (const opening of [...this.#folders.values()]) {
      await this.#recover(await opening);
    }
  }

  /** Bytes that uploads may still use at the root. */
  freeSpace(): Promise<number | undefined> {
    return this.#room.free(this.#jail.root);
  }

  /** Aborts what is being received. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close();
  }

  get #tree(): Tree {
    return {
      disk: this.#disk,
      jail: this.#jail,
      locks: this.#locks,
      durable: this.#durable,
    };
  }

  async #look(
    path: SafePath,
    { name, kind }: DiskEntry,
  ): Promise<Entry | undefined> {
    if (isReservedName(name)) return undefined;
    const shown = path.path === "" ? name : `${path.path}/${name}`;
    const stat = await lstatIfAny(this.#disk, join(path.absolute, name));
    if (stat !== undefined) return toEntry(shown, name, stat);
    // Gone since it was listed; or there, under bytes that no text can say.
    return name.includes("\ufffd")
      ? toEntry(shown, name, { kind, size: 0, modified: undefined, mode: 0 })
      : undefined;
  }

  async #checkListed(path: SafePath, before: DiskStat): Promise<void> {
    await this.#jail.recheck(path);
    const now = await this.#disk.lstat(path.absolute);
    if (now.inode !== before.inode || now.device !== before.device) {
      throw new StorageError("changed", "it was exchanged while it was listed");
    }
  }

  /** The staging folder on the file system of a path, which a rename cannot leave. */
  async #folderFor(path: SafePath): Promise<StagingFolder> {
    const { root, device } = this.#jail;
    if (path.anchorDevice === device) return await this.#folderAt(root);
    return await this.#folderAt(
      await findMountPoint(this.#disk, root, path.anchor, path.anchorDevice),
    );
  }

  #folderAt(mountPoint: string): Promise<StagingFolder> {
    let opening = this.#folders.get(mountPoint);
    if (opening === undefined) {
      opening = this.#openFolder(mountPoint);
      this.#folders.set(mountPoint, opening);
      // Asked again, it is tried again.
      opening.catch(() => this.#folders.delete(mountPoint));
    }
    return opening;
  }

  async #openFolder(mountPoint: string): Promise<StagingFolder> {
    const folder = new StagingFolder(this.#disk, mountPoint);
    await this.#recover(folder);
    return folder;
  }

  async #recover(folder: StagingFolder): Promise<void> {
    await recoverStaging(this.#disk, folder, {
      now: this.#clock.now(),
      isLive: (staging) => this.#engine.isLive(staging),
      findDirectory: (header) => this.#findDirectory(header),
      syncDirectory: (directory) => this.#durable.sync(directory),
    });
  }

  /** Outcomes that nobody acknowledges must not pile up in a server that never stops. */
  async #sweepIfDue(): Promise<void> {
    const now = this.#clock.monotonic();
    if (now - this.#swept >= SWEEP_INTERVAL) await this.sweep();
  }

  #target(path: SafePath): PublishTarget {
    const { anchor, anchorDevice, anchorInode } = path;
    return {
      path: path.path,
      location: path.location,
      directory: anchor,
      name: basename(path.absolute),
      seen: `${anchorDevice}:${anchorInode}:${anchor}`,
      check: () => this.#jail.recheck(path),
      sync: (directory, above) => this.#durable.sync(directory, above),
    };
  }

  /** The same with a second look; where it leads elsewhere now, nobody was asked. */
  async #relocate(path: SafePath): Promise<PublishTarget> {
    const now = await this.#jail.locate(path.path, "write");
    if (now.location === path.location) return this.#target(now);
    throw new StorageError("outside", "somebody put a link under its name", {
      name: path.path,
    });
  }

  async #findDirectory(
    header: Pick<HeaderRecord, "location">,
  ): Promise<string | undefined> {
    const directory = dirname(header.location);
    try {
      const name = directory === "." ? "" : directory;
      return (await this.#jail.locate(name, "read")).absolute;
    } catch (error) {
      if (error instanceof StorageError) return undefined;
      throw error;
    }
  }

  #assertWritable(): void {
    if (this.access.write) return;
    throw new StorageError(
      "denied",
      this.#isReadOnly
        ? "the served folder is read-only"
        : "this program runs without --allow-write for the served folder",
    );
  }
}

function toEntry(
  path: string,
  name: string,
  stat: Pick<DiskStat, "kind" | "size" | "modified" | "mode">,
): Entry {
  return {
    name,
    path,
    kind: stat.kind,
    size: stat.kind === "file" ? stat.size : 0,
    modified: stat.modified,
    mode: stat.mode & 0o777,
    addressable: name === "" || segmentFault(name) === undefined,
  };
}
