/**
 * The interface between whoever moves files and whatever keeps them.
 *
 * @module
 */

import type { DiskAccess, EntryKind } from "./disk.ts";
import type { SafePath } from "./jail.ts";

/** What to do when the name of a new file is taken. */
export type ConflictPolicy = "fail" | "overwrite" | "rename" | "skip";

/** `full`: an outcome is told after everything is synced. `none`: nothing is synced. */
export type Durability = "full" | "none";

/**
 * How the whole of a file is summed up.
 *
 * - `crc32-chunks`: SHA-256 over the list of the chunks' CRC-32 sums, see
 *   {@linkcode ChunkDigest}; costs almost nothing, works out of order, finds
 *   accidents and not forgeries.
 * - `sha256`: what `sha256sum` prints; serial.
 */
export type DigestAlgorithm = "crc32-chunks" | "sha256";

/** A sum over a whole file. */
export interface Digest {
  /** How it was made. */
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hexadecimal. */
  readonly value: string;
}

/** One entry of a listing, or what `stat` shows. */
export interface Entry {
  /** Last segment of the path; `""` for the root itself. */
  readonly name: string;
  /** Path relative to the root, with `/`; `""` for the root itself. */
  readonly path: string;
  /** What it is; a link is shown as a link. */
  readonly kind: EntryKind;
  /** Size in bytes; 0 for what is not a file. */
  readonly size: number;
  /** Last change of the data, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** Permission bits (0777); 0 where the host does not tell. */
  readonly mode: number;
  /** `false` when the name cannot be sent back, because it is not valid UTF-8 or not allowed. */
  readonly addressable: boolean;
}

/** Tells whether a source is still the one that was opened. */
export interface Fingerprint {
  /** Size in bytes. */
  readonly size: number;
  /** Last change of the data, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** Last change of data or attributes, in milliseconds since 1970, where known. */
  readonly changed: number | undefined;
  /** Identifies the file within its file system; 0 where the host does not tell. */
  readonly inode: number;
}

/** One chunk as read from a source. */
export interface SourceChunk {
  /** A view on the buffer that was given, as long as the chunk. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** CRC-32 of the bytes. */
  readonly checksum: number;
}

/** A file that is being read, to be sent. */
export interface Source extends Disposable {
  /** What it was when it was opened. */
  readonly fingerprint: Fingerprint;
  /**
   * Reads chunk `index` into `buffer`, which has room for a whole chunk.
   *
   * @throws {StorageError} `changed` when the file is shorter than it was.
   */
  readChunk(
    index: number,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<SourceChunk>;
  /**
   * The digest of all chunks; reads again what was not read in order.
   *
   * @throws {StorageError} `changed` when the file is no longer the one that was opened.
   */
  digest(): Promise<Digest>;
  /** Closes; a second call does nothing. */
  close(): void;
}

/** What is asked for when a file is to be received. */
export interface ReceiveRequest {
  /** Identifies this upload for ever: 32 hexadecimal digits. */
  readonly id: string;
  /** Size in bytes, where it is known beforehand. */
  readonly size: number | undefined;
  /** The time of last change to give the file, in milliseconds since 1970. */
  readonly modified: number | undefined;
  /** What to do if the name is taken. */
  readonly onConflict: ConflictPolicy;
  /** Whether the outcome waits for stable storage. */
  readonly durability: Durability;
  /** How the whole file is summed up. */
  readonly algorithm: DigestAlgorithm;
}

/** How a name was published. */
export type Publication = "created" | "replaced" | "renamed" | "skipped";

/** What became of a received file; the same again for the same id. */
export interface Outcome {
  /** The path that it has now, relative to the root, with `/`. */
  readonly path: string;
  /** How the name was published; `skipped`: it was not, the name was taken. */
  readonly publication: Publication;
  /** Size in bytes. */
  readonly size: number;
  /** The digest that was compared. */
  readonly digest: Digest | undefined;
  /** Whether data and name had reached stable storage. */
  readonly durable: boolean;
}

/** A file that is being received: invisible until {@linkcode Receiving.commit}. */
export interface Receiving {
  /** Bytes in verified chunks so far. */
  readonly verifiedBytes: number;
  /**
   * Checks a chunk against its sum and writes it. Chunks may come in any order,
   * one call at a time. All chunks but the last are whole.
   *
   * @throws {StorageError} `integrity` when the sum does not fit (nothing was written),
   * `too-large` beyond the announced size, `no-space`.
   */
  writeChunk(
    index: number,
    bytes: Uint8Array,
    checksum: number,
  ): Promise<void>;
  /**
   * Publishes the file if it is whole and its digest is the sender's.
   *
   * @throws {StorageError} `integrity`, or `exists` and its kin as the conflict
   * policy says; nothing is published then, and what was received is gone.
   */
  commit(size: number, digest: Digest): Promise<Outcome>;
  /** Gives up and removes what was received; a second call, or one after a commit, does nothing. */
  abort(): Promise<void>;
}

/** Either a file to receive, or the outcome it has already. */
export type ReceiveStart =
  | { readonly kind: "receiving"; readonly receiving: Receiving }
  | { readonly kind: "settled"; readonly outcome: Outcome };

/** How {@linkcode Storage.locate} treats a link at the end of a name. */
export type LocateIntent =
  /** The thing itself, links followed inside the root; it must exist. */
  | "read"
  /** A name to publish under; a link inside the root is followed to its target. */
  | "write"
  /** A directory to make; directories above it may be missing. */
  | "make"
  /** The entry as it stands, a link not followed: to remove or rename it. */
  | "entry";

/** Keeps files below one root. */
export interface Storage extends AsyncDisposable {
  /** What may be done at all, as the process's permissions and the options say. */
  readonly access: DiskAccess;
  /**
   * Turns a name, `/`-separated and relative to the root, into the only thing
   * that the other methods take.
   *
   * @throws {StorageError} `bad-name`, `outside`, `not-found`, `not-directory`.
   */
  locate(name: string, intent: LocateIntent): Promise<SafePath>;
  /** The entry at a path. */
  stat(path: SafePath): Promise<Entry>;
  /** The entries of a directory, unsorted, as the host gives them. */
  list(path: SafePath): AsyncIterable<Entry>;
  /** Opens a file to send it. */
  openSource(path: SafePath, algorithm: DigestAlgorithm): Promise<Source>;
  /** Prepares to receive a file under a path located with `write`. */
  receive(path: SafePath, request: ReceiveRequest): Promise<ReceiveStart>;
  /** Forgets the outcome of a received file: the sender knows it. */
  acknowledge(id: string): Promise<void>;
  /** Makes a directory; with `parents` also those above it, and an existing one is no error. */
  makeDirectory(
    path: SafePath,
    options: { readonly parents: boolean; readonly durability: Durability },
  ): Promise<void>;
  /** Removes a file, a link or an empty directory; with `recursive` a whole one. Returns how many entries. */
  remove(
    path: SafePath,
    options: {
      readonly recursive: boolean;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<number>;
  /** Gives an entry another name. Returns the path it has then. */
  rename(
    from: SafePath,
    to: SafePath,
    onConflict: ConflictPolicy,
  ): Promise<{ readonly path: string; readonly publication: Publication }>;
  /** Bytes free for new files; `undefined` if it cannot be asked. */
  freeSpace(): Promise<number | undefined>;
}
