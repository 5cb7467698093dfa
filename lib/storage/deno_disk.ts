/**
 * The file system of this machine.
 *
 * Looking, naming and small reads and writes are synchronous: a hop to Deno's
 * thread pool takes 25 to 30 µs, such a call 3 (measured; 10,000 small files
 * take half the time). What may really wait, syncs and large transfers, is not.
 *
 * @module
 */

import type {
  Disk,
  DiskAccess,
  DiskEntry,
  DiskFile,
  DiskStat,
  EntryKind,
  OpenMode,
} from "./disk.ts";
import { hostErrorCode, toStorageError } from "./deno_errors.ts";
import { SYNCHRONOUS_BYTES_MAX } from "./limits.ts";
import { SyncPace } from "./sync_pace.ts";
import { IS_WINDOWS } from "./names.ts";

const OPEN_OPTIONS: Readonly<Record<OpenMode, Deno.OpenOptions>> = {
  read: { read: true },
  write: { read: true, write: true },
  create: { read: true, write: true, createNew: true, mode: 0o666 },
};

/** How hosts say that a file system has no hard links, or none between these two places. */
const NO_LINK_CODES = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EXDEV",
  "EMLINK",
]);

/** How hosts say that a directory cannot be synced. */
const NO_SYNC_CODES = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP"]);

/** The last millisecond from 1970 that a `Date` holds, and minus the first (ECMA-262, time values). */
const DATE_MAX = 8_640_000_000_000_000;

let nodeFs: Promise<typeof import("node:fs")> | undefined;

/** Loaded at first use: it takes 7 ms, and many commands of a client get by without. */
function loadNodeFs(): Promise<typeof import("node:fs")> {
  return nodeFs ??= import("node:fs");
}

/** The {@linkcode Disk} of this machine, through Deno's permissions. */
export class DenoDisk implements Disk {
  readonly #pace = new SyncPace(() => performance.now());

  /** Asks for the state of the permissions; never prompts. */
  async access(path: string): Promise<DiskAccess> {
    const [read, write, sys] = await Promise.all([
      Deno.permissions.query({ name: "read", path }),
      Deno.permissions.query({ name: "write", path }),
      Deno.permissions.query({ name: "sys", kind: "statfs" }),
    ]);
    return {
      read: read.state === "granted",
      write: read.state === "granted" && write.state === "granted",
      freeSpace: read.state === "granted" && sys.state === "granted",
    };
  }

  /** Opens a file. */
  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return attempt(() =>
      new DenoDiskFile(Deno.openSync(path, OPEN_OPTIONS[mode]), this.#pace)
    );
  }

  /** Looks at what a path leads to. */
  stat(path: string): Promise<DiskStat> {
    return attempt(() => toDiskStat(Deno.statSync(path)));
  }

  /** Looks at a path itself. */
  lstat(path: string): Promise<DiskStat> {
    return attempt(() => toDiskStat(Deno.lstatSync(path)));
  }

  /** Whether a path leads anywhere. */
  async exists(path: string): Promise<boolean> {
    const { existsSync } = await loadNodeFs();
    return await attempt(() => existsSync(path));
  }

  /** Resolves every link. */
  realPath(path: string): Promise<string> {
    return attempt(() => Deno.realPathSync(path));
  }

  /** Lists a directory. Deno reads it whole, names and kinds only, before the first entry. */
  async *list(path: string): AsyncIterable<DiskEntry> {
    try {
      for await (const entry of Deno.readDir(path)) {
        yield { name: entry.name, kind: kindOf(entry) };
      }
    } catch (error) {
      throw toStorageError(error);
    }
  }

  /** Makes a directory. */
  makeDirectory(path: string, mode: number): Promise<void> {
    return attempt(() => Deno.mkdirSync(path, { mode }));
  }

  /** Sets time and bits; Windows has no such bits. */
  setAttributes(
    path: string,
    { modified, mode }: {
      readonly modified?: number | undefined;
      readonly mode?: number | undefined;
    },
  ): Promise<void> {
    return attempt(() => {
      if (mode !== undefined && !IS_WINDOWS) Deno.chmodSync(path, mode);
      const time = dateOf(modified);
      if (time !== undefined) Deno.utimeSync(path, time, time);
    });
  }

  /** Renames. */
  rename(from: string, to: string): Promise<void> {
    return attempt(() => Deno.renameSync(from, to));
  }

  /** Makes a hard link where the file system has them. */
  link(from: string, to: string): Promise<boolean> {
    return attempt(() => {
      try {
        Deno.linkSync(from, to);
        return true;
      } catch (error) {
        if (NO_LINK_CODES.has(hostErrorCode(error) ?? "")) return false;
        throw error;
      }
    });
  }

  /** Removes a file or a link. */
  removeFile(path: string): Promise<void> {
    return attempt(() => Deno.removeSync(path));
  }

  /** Removes an empty directory. */
  removeDirectory(path: string): Promise<void> {
    return attempt(() => Deno.removeSync(path));
  }

  /** Syncs a directory; Windows cannot. */
  async syncDirectory(path: string): Promise<boolean> {
    if (IS_WINDOWS) return false;
    try {
      using directory = Deno.openSync(path);
      await this.#pace.directory(directory);
      return true;
    } catch (error) {
      if (NO_SYNC_CODES.has(hostErrorCode(error) ?? "")) return false;
      throw toStorageError(error);
    }
  }

  /** Free space, if `--allow-sys=statfs` is granted. */
  async freeSpace(path: string): Promise<number | undefined> {
    if (!(await this.access(path)).freeSpace) return undefined;
    const { statfsSync } = await loadNodeFs();
    return await attempt(() => {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    });
  }
}

class DenoDiskFile implements DiskFile {
  readonly #file: Deno.FsFile;
  readonly #pace: SyncPace;
  #position = 0;
  /** Bytes written since the last sync. */
  #dirty = 0;
  #open = true;

  constructor(file: Deno.FsFile, pace: SyncPace) {
    this.#file = file;
    this.#pace = pace;
  }

  async read(buffer: Uint8Array, offset: number): Promise<number> {
    try {
      this.#seek(offset);
      const count = buffer.length <= SYNCHRONOUS_BYTES_MAX
        ? this.#file.readSync(buffer)
        : await this.#file.read(buffer);
      this.#position += count ?? 0;
      return count ?? 0;
    } catch (error) {
      throw this.#lost(error);
    }
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      this.#seek(offset);
      let done = 0;
      while (done < bytes.length) {
        const rest = bytes.subarray(done);
        const count = rest.length <= SYNCHRONOUS_BYTES_MAX
          ? this.#file.writeSync(rest)
          : await this.#file.write(rest);
        done += count;
        this.#position += count;
        this.#dirty += count;
      }
    } catch (error) {
      throw this.#lost(error);
    }
  }

  truncate(size: number): Promise<void> {
    return attempt(() => this.#file.truncateSync(size));
  }

  async sync(): Promise<void> {
    try {
      const dirty = this.#dirty;
      this.#dirty = 0;
      await this.#pace.file(this.#file, dirty);
    } catch (error) {
      throw toStorageError(error);
    }
  }

  stat(): Promise<DiskStat> {
    return attempt(() => toDiskStat(this.#file.statSync()));
  }

  setModified(modified: number): Promise<void> {
    return attempt(() => {
      const time = dateOf(modified);
      if (time !== undefined) this.#file.utimeSync(time, time);
    });
  }

  tryLock(): Promise<boolean> {
    return attempt(() => this.#file.tryLockSync(true));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#file.close();
  }

  #seek(offset: number): void {
    if (this.#position === offset) return;
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    this.#position = offset;
  }

  /** After a failure nobody knows where the host's own position is. */
  #lost(error: unknown): Error {
    this.#position = -1;
    return toStorageError(error);
  }
}

function attempt<T>(action: () => T): Promise<T> {
  try {
    return Promise.resolve(action());
  } catch (error) {
    return Promise.reject(toStorageError(error));
  }
}

/** A time as the host takes it; `undefined` where no `Date` can hold it. */
function dateOf(time: number | undefined): Date | undefined {
  return time !== undefined && Math.abs(time) <= DATE_MAX
    ? new Date(time)
    : undefined;
}

/** A time of the host; `undefined` where it has none, or no `Date` can hold it. */
function timeOf(date: Date | null): number | undefined {
  const time = date?.getTime();
  return Number.isNaN(time) ? undefined : time;
}

function toDiskStat(info: Deno.FileInfo): DiskStat {
  return {
    kind: kindOf(info),
    size: info.size,
    modified: timeOf(info.mtime),
    changed: timeOf(info.ctime),
    device: info.dev,
    inode: info.ino ?? 0,
    links: info.nlink ?? 1,
    mode: (info.mode ?? 0) & 0o7777,
  };
}

function kindOf(
  entry: Pick<Deno.FileInfo, "isFile" | "isDirectory" | "isSymlink">,
): EntryKind {
  if (entry.isSymlink) return "link";
  if (entry.isDirectory) return "directory";
  return entry.isFile ? "file" : "other";
}
