/**
 * A file system in memory, for tests and simulations: it counts open handles,
 * runs out of space, and forgets on {@linkcode MemoryDisk.powerLoss} what no
 * sync covered.
 *
 * The rule is stricter than ext4's: a name is durable only after its directory
 * was synced, data and size only after the file was.
 *
 * @module
 */

import { join, SEPARATOR } from "@std/path";
import { type Clock, type Random, systemClock } from "../platform/mod.ts";
import type {
  Disk,
  DiskAccess,
  DiskEntry,
  DiskFile,
  DiskStat,
  OpenMode,
} from "./disk.ts";
import { StorageError } from "./errors.ts";
import { NAME_BYTES_MAX } from "./limits.ts";
import { attempt, MemoryDiskFile } from "./memory_disk_file.ts";
import { MemoryDirectory, MemoryFile, MemoryInode } from "./memory_inode.ts";
import { nameBytes } from "./names.ts";

/** Links followed on the way of one path, as on Linux. */
const LINKS_MAX = 40;

/** Options of {@linkcode MemoryDisk}. */
export interface MemoryDiskOptions {
  /** Gives the times of change. @default {systemClock} */
  readonly clock?: Clock;
  /** Bytes that fit. @default {Infinity} */
  readonly capacity?: number;
  /** Whether there are hard links. @default {true} */
  readonly hardLinks?: boolean;
  /** Whether `A` and `a`, and the ways to write `é`, are one name. @default {false} */
  readonly foldNames?: boolean;
  /** Whether a directory can be synced. @default {true} */
  readonly directorySync?: boolean;
  /** What {@linkcode MemoryDisk.access} answers. @default everything */
  readonly access?: DiskAccess;
}

interface Place {
  readonly directory: MemoryDirectory;
  readonly name: string;
  readonly inode: MemoryInode | undefined;
  readonly path: string;
}

/** A {@linkcode Disk} in memory. */
export class MemoryDisk implements Disk {
  readonly #clock: Clock;
  readonly #options: MemoryDiskOptions;
  readonly #root: MemoryDirectory;
  readonly #handles = new Set<MemoryDiskFile>();
  #nextInode = 2;
  #nextDevice = 2;

  /** Makes an empty one. */
  constructor(options: MemoryDiskOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#root = new MemoryDirectory({
      inode: 1,
      device: 1,
      kind: "directory",
      mode: 0o755,
      now: this.#clock.now(),
    });
  }

  /** How many files are open. */
  get openHandles(): number {
    return this.#handles.size;
  }

  /** Makes a symbolic link, which no part of Ferry can do. */
  symlink(target: string, path: string): void {
    const place = this.#find(path, false);
    if (place.inode !== undefined) throw taken();
    const inode = new MemoryInode({
      ...this.#birth(place.directory, 0o777),
      kind: "link",
      target,
    });
    this.#apply(place.directory, [[place.name, inode]]);
  }

  /** Makes something that is neither file, directory nor link. */
  special(path: string): void {
    const place = this.#find(path, false);
    const birth = this.#birth(place.directory, 0o666);
    const inode = new MemoryInode({ ...birth, kind: "other" });
    this.#apply(place.directory, [[place.name, inode]]);
  }

  /** Makes a directory that is another file system, durable at once. */
  mount(path: string): void {
    const place = this.#find(path, false);
    const inode = new MemoryDirectory({
      ...this.#birth(place.directory, 0o755),
      device: this.#nextDevice++,
      kind: "directory",
    });
    this.#apply(place.directory, [[place.name, inode]]);
    place.directory.sync();
  }

  /** Makes everything there is durable. */
  syncAll(): void {
    for (const inode of this.#reachable()) inode.sync();
  }

  /**
   * The power goes: what no sync covered is gone, and every handle and lock.
   *
   * @param random With it, each unsynced operation and page may also survive.
   */
  powerLoss(random?: Random): void {
    this.killProcess();
    const inodes = this.#reachable();
    for (const inode of inodes) inode.powerLoss(random);
    for (const inode of inodes) inode.links = 0;
    this.#root.links = 1;
    for (const inode of this.#reachable()) {
      if (!(inode instanceof MemoryDirectory)) continue;
      for (const child of inode.entries.values()) child.links++;
    }
  }

  /** The process dies: every handle and lock is gone, what was written stays. */
  killProcess(): void {
    for (const handle of this.#handles) handle.kill();
    this.#handles.clear();
  }

  /** Says what the options say. */
  access(_path: string): Promise<DiskAccess> {
    return Promise.resolve(
      this.#options.access ?? { read: true, write: true, freeSpace: true },
    );
  }

  /** Opens a file. */
  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return attempt(() => {
      const place = this.#find(path, mode !== "create");
      let inode = place.inode;
      if (mode === "create") {
        if (inode !== undefined) throw taken();
        const birth = this.#birth(place.directory, 0o644);
        inode = new MemoryFile({ ...birth, kind: "file" });
        this.#apply(place.directory, [[place.name, inode]]);
      }
      if (inode === undefined) throw missing();
      if (inode instanceof MemoryDirectory) throw isDirectory();
      if (!(inode instanceof MemoryFile)) {
        throw new StorageError("io", "opening it would wait for ever");
      }
      const handle = new MemoryDiskFile(inode, {
        writable: mode !== "read",
        now: () => this.#clock.now(),
        spare: () => this.#spare(),
        onClose: () => this.#handles.delete(handle),
      });
      this.#handles.add(handle);
      return handle;
    });
  }

  /** Looks at what a path leads to. */
  stat(path: string): Promise<DiskStat> {
    return attempt(() => this.#existing(path, true).toStat());
  }

  /** Looks at a path itself. */
  lstat(path: string): Promise<DiskStat> {
    return attempt(() => this.#existing(path, false).toStat());
  }

  /** Resolves every link. */
  realPath(path: string): Promise<string> {
    return attempt(() => {
      const place = this.#find(path, true);
      if (place.inode === undefined) throw missing();
      return place.path;
    });
  }

  /** Lists a directory in the order of making. */
  async *list(path: string): AsyncIterable<DiskEntry> {
    const inode = await attempt(() => this.#directory(path));
    for (const [name, { kind }] of [...inode.entries]) yield { name, kind };
  }

  /** Makes a directory. */
  makeDirectory(path: string, mode: number): Promise<void> {
    return attempt(() => {
      const place = this.#find(path, false);
      if (place.inode !== undefined) throw taken();
      const birth = this.#birth(place.directory, mode & 0o755);
      const inode = new MemoryDirectory({ ...birth, kind: "directory" });
      this.#apply(place.directory, [[place.name, inode]]);
    });
  }

  /** Sets time and bits. */
  setAttributes(
    path: string,
    { modified, mode }: {
      readonly modified?: number | undefined;
      readonly mode?: number | undefined;
    },
  ): Promise<void> {
    return attempt(() => {
      const inode = this.#existing(path, true);
      inode.modified = modified ?? inode.modified;
      inode.mode = mode ?? inode.mode;
      inode.changed = this.#clock.now();
    });
  }

  /** Renames, with the rules of POSIX. */
  rename(from: string, to: string): Promise<void> {
    return attempt(() => {
      const source = this.#find(from, false);
      const target = this.#find(to, false);
      const inode = source.inode;
      if (inode === undefined) throw missing();
      if (inode === target.inode) return;
      if (source.directory.device !== target.directory.device) {
        throw new StorageError(
          "io",
          "the two names are on different file systems",
        );
      }
      if (inode instanceof MemoryDirectory) {
        if (`${target.path}${SEPARATOR}`.startsWith(source.path + SEPARATOR)) {
          throw new StorageError("io", "a directory cannot go into itself");
        }
        if (target.inode instanceof MemoryDirectory) {
          if (target.inode.entries.size > 0) throw notEmpty();
        } else if (target.inode !== undefined) throw notDirectory();
      } else if (target.inode instanceof MemoryDirectory) throw isDirectory();
      if (target.inode !== undefined) target.inode.links--;
      const set = [target.name, inode] as const;
      const remove = [source.name, undefined] as const;
      if (source.directory === target.directory) {
        this.#apply(target.directory, [remove, set]);
      } else {
        this.#apply(target.directory, [set]);
        this.#apply(source.directory, [remove]);
      }
    });
  }

  /** Makes a hard link. */
  link(from: string, to: string): Promise<boolean> {
    return attempt(() => {
      const inode = this.#existing(from, false);
      const target = this.#find(to, false);
      if (target.inode !== undefined) throw taken();
      if (
        this.#options.hardLinks === false || inode.kind === "directory" ||
        inode.device !== target.directory.device
      ) return false;
      inode.links++;
      inode.changed = this.#clock.now();
      this.#apply(target.directory, [[target.name, inode]]);
      return true;
    });
  }

  /** Removes a file or a link. */
  removeFile(path: string): Promise<void> {
    return attempt(() => {
      const place = this.#find(path, false);
      if (place.inode === undefined) throw missing();
      if (place.inode instanceof MemoryDirectory) throw isDirectory();
      place.inode.links--;
      this.#apply(place.directory, [[place.name, undefined]]);
    });
  }

  /** Removes an empty directory. */
  removeDirectory(path: string): Promise<void> {
    return attempt(() => {
      const place = this.#find(path, false);
      if (place.inode === undefined) throw missing();
      if (!(place.inode instanceof MemoryDirectory)) throw notDirectory();
      if (place.inode.entries.size > 0) throw notEmpty();
      if (place.inode.device !== place.directory.device) {
        throw new StorageError("busy", "it is in use");
      }
      this.#apply(place.directory, [[place.name, undefined]]);
    });
  }

  /** Makes the entries durable. */
  syncDirectory(path: string): Promise<boolean> {
    return attempt(() => {
      const inode = this.#directory(path);
      if (this.#options.directorySync === false) return false;
      inode.sync();
      return true;
    });
  }

  /** What is left of the capacity. */
  freeSpace(_path: string): Promise<number | undefined> {
    return attempt(() =>
      this.#options.access?.freeSpace === false ? undefined : this.#spare()
    );
  }

  #spare(): number {
    if (this.#options.capacity === undefined) return Number.MAX_SAFE_INTEGER;
    let used = 0;
    for (const inode of this.#reachable(false)) used += inode.footprint;
    return Math.max(0, this.#options.capacity - used);
  }

  #birth(
    parent: MemoryDirectory,
    mode: number,
  ): { inode: number; device: number; mode: number; now: number } {
    return {
      inode: this.#nextInode++,
      device: parent.device,
      mode,
      now: this.#clock.now(),
    };
  }

  #apply(
    directory: MemoryDirectory,
    changes: (readonly [string, MemoryInode | undefined])[],
  ): void {
    directory.apply(changes, this.#clock.now());
  }

  /** Every inode with a handle or a name, also one that a loss of power may bring back. */
  #reachable(isRemembered = true): Set<MemoryInode> {
    const found = new Set<MemoryInode>([this.#root]);
    for (const handle of this.#handles) found.add(handle.inode);
    for (const inode of found) {
      if (!(inode instanceof MemoryDirectory)) continue;
      const children = isRemembered
        ? inode.remembered()
        : inode.entries.values();
      for (const child of children) found.add(child);
    }
    return found;
  }

  #existing(path: string, follow: boolean): MemoryInode {
    const { inode } = this.#find(path, follow);
    if (inode === undefined) throw missing();
    return inode;
  }

  #directory(path: string): MemoryDirectory {
    const inode = this.#existing(path, true);
    if (!(inode instanceof MemoryDirectory)) throw notDirectory();
    return inode;
  }

  /** The name that an entry really has. */
  #nameIn(directory: MemoryDirectory, name: string): string {
    if (!this.#options.foldNames || directory.entries.has(name)) return name;
    const wanted = fold(name);
    return [...directory.entries.keys()]
      .find((each) => fold(each) === wanted) ?? name;
  }

  /** Walks a path; the last segment may be missing, none before it. */
  #find(path: string, follow: boolean): Place {
    let links = 0;
    const walk = (from: string): Place => {
      const segments = from.split(SEPARATOR).filter((part) => part !== "");
      let place: Place = {
        directory: this.#root,
        name: "",
        inode: this.#root,
        path: SEPARATOR,
      };
      for (const [index, segment] of segments.entries()) {
        const directory = place.inode;
        if (directory === undefined) throw missing();
        if (!(directory instanceof MemoryDirectory)) throw notDirectory();
        if (nameBytes(segment) > NAME_BYTES_MAX) {
          throw new StorageError("bad-name", "the name is too long");
        }
        const name = this.#nameIn(directory, segment);
        const inode = directory.entries.get(name);
        const isLast = index === segments.length - 1;
        if (inode?.kind === "link" && (follow || !isLast)) {
          if (++links > LINKS_MAX) {
            throw new StorageError("outside", "too many links on the way");
          }
          const base = inode.target.startsWith(SEPARATOR) ? "" : place.path;
          return walk(join(base, inode.target, ...segments.slice(index + 1)));
        }
        place = { directory, name, inode, path: join(place.path, name) };
      }
      return place;
    };
    return walk(path);
  }
}

function fold(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

function missing(): StorageError {
  return new StorageError("not-found", "not found");
}

function taken(): StorageError {
  return new StorageError("exists", "the name is taken");
}

function isDirectory(): StorageError {
  return new StorageError("is-directory", "it is a directory");
}

function notDirectory(): StorageError {
  return new StorageError("not-directory", "it is not a directory");
}

function notEmpty(): StorageError {
  return new StorageError("not-empty", "the directory is not empty");
}
