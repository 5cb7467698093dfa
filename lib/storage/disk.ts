/**
 * The narrow port to a file system. The commit engine and the jail are written
 * over it, so that what is tested on a disk that fails and loses power is what
 * ships.
 *
 * Paths are absolute, in the host's own form. Every method throws a
 * `StorageError`, never an error of the host.
 *
 * @module
 */

/** What a directory entry is. */
export type EntryKind = "file" | "directory" | "link" | "other";

/** One entry of a directory. */
export interface DiskEntry {
  /** Its name; undecodable bytes show as U+FFFD, and then it cannot be opened. */
  readonly name: string;
  /** What it is; links are not followed. */
  readonly kind: EntryKind;
}

/** What the file system knows of a file. */
export interface DiskStat {
  /** What it is. */
  readonly kind: EntryKind;
  /** Size in bytes. */
  readonly size: number;
  /** Last change of the data, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** Last change of data or attributes, in milliseconds since 1970, where known. */
  readonly changed: number | undefined;
  /** Identifies the file system; 0 where the host does not tell. */
  readonly device: number;
  /** Identifies the file within it; 0 where the host does not tell. */
  readonly inode: number;
  /** Number of hard links; 1 where the host does not tell. */
  readonly links: number;
  /** Permission bits (07777); 0 where the host does not tell. */
  readonly mode: number;
}

/** An open file. Operations on one file are not run at the same time. */
export interface DiskFile {
  /** Reads at `offset`; returns how many bytes, 0 at the end of the file. */
  read(buffer: Uint8Array, offset: number): Promise<number>;
  /** Writes all of `bytes` at `offset`. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Sets the length. */
  truncate(size: number): Promise<void>;
  /** Returns when data and attributes are on stable storage. */
  sync(): Promise<void>;
  /** Looks at the open file itself, whatever its name is by now. */
  stat(): Promise<DiskStat>;
  /**
   * Sets the time of the last change of the data, in milliseconds since 1970.
   * One that the host cannot hold is passed over.
   */
  setModified(modified: number): Promise<void>;
  /** Takes the exclusive lock that ends with this handle; `false` if another holds it. */
  tryLock(): Promise<boolean>;
  /** Closes; a second call does nothing. */
  close(): void;
}

/** How {@linkcode Disk.open} opens: `create` refuses an existing name, links included. */
export type OpenMode = "read" | "write" | "create";

/** What this process may do below a path, asked without prompting. */
export interface DiskAccess {
  /** May read. */
  readonly read: boolean;
  /** May write. */
  readonly write: boolean;
  /** May ask for free space. */
  readonly freeSpace: boolean;
}

/** A file system. */
export interface Disk {
  /** What this process may do below `path`; never prompts. */
  access(path: string): Promise<DiskAccess>;
  /** Opens a file; `read` and `write` (which also reads) follow links. */
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Looks at what `path` leads to. */
  stat(path: string): Promise<DiskStat>;
  /** Looks at `path` itself, not through a link. */
  lstat(path: string): Promise<DiskStat>;
  /**
   * Whether `path` leads to anything: `false` says that nothing is there, or a
   * link that leads nowhere. On a disk with this method that costs less than to
   * look at what is not there.
   */
  exists?(path: string): Promise<boolean>;
  /** Resolves every link of an existing path. */
  realPath(path: string): Promise<string>;
  /** Lists a directory as the host gives it, unsorted; holds no more than a bounded part in memory. */
  list(path: string): AsyncIterable<DiskEntry>;
  /** Makes one directory, with permission bits `mode` less the umask. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /**
   * Sets the time of last change, in milliseconds since 1970, and permission
   * bits of what `path` leads to. A disk without this method leaves them as they
   * are, and one that knows no such bits, or cannot hold such a time, leaves
   * those.
   */
  setAttributes?(
    path: string,
    attributes: {
      readonly modified?: number | undefined;
      readonly mode?: number | undefined;
    },
  ): Promise<void>;
  /** Renames; replaces an existing file. */
  rename(from: string, to: string): Promise<void>;
  /**
   * Makes a hard link; throws `exists` where `to` exists. Returns `false` where
   * the file system has no hard links.
   */
  link(from: string, to: string): Promise<boolean>;
  /** Removes a file or a link. */
  removeFile(path: string): Promise<void>;
  /** Removes an empty directory. */
  removeDirectory(path: string): Promise<void>;
  /** Makes a directory's entries durable; `false` where the host cannot. */
  syncDirectory(path: string): Promise<boolean>;
  /** Bytes free for this user on the file system of `path`; `undefined` if it cannot be asked. */
  freeSpace(path: string): Promise<number | undefined>;
}
