/**
 * The interface between whoever moves files and whatever keeps them.
 *
 * @module
 */

import type { DiskAccess, EntryKind } from "./disk.ts";
import type { StorageError } from "./errors.ts";
import type { KnownFolders, SafePath } from "./jail.ts";

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

/**
 * A file that is being read, to be sent. A small one was read when it was
 * opened, and is not seen to change after that.
 */
export interface Source extends Disposable {
  /** What it was when it was opened. */
  readonly fingerprint: Fingerprint;
  /** Permission bits (0777) that it had then; 0 where the host does not tell. */
  readonly mode: number;
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
  /**
   * Tells this source from another one, and from itself after a change:
   * hexadecimal SHA-256 over size, times of last change of data and attributes,
   * inode, and 16 blocks of 4 KiB from everywhere. Costs well under a millisecond.
   *
   * What it cannot see: an edit between the sampled blocks that leaves or
   * restores size and times. Times count to the millisecond, and where the host
   * tells no time of attributes, the other one is easily restored.
   *
   * @throws {StorageError} `changed` when the file is no longer the one that was opened.
   */
  identity(): Promise<string>;
  /** Closes; a second call does nothing. */
  close(): void;
}

/** Chunks in a row. */
export interface ChunkRun {
  /** Index of the first. */
  readonly first: number;
  /** How many. */
  readonly count: number;
}

/** The sums of chunks in a row. */
export interface ChunkSums {
  /** Index of the first. */
  readonly first: number;
  /** The CRC-32 of each; at most 1024. */
  readonly sums: readonly number[];
}

/** The chunks that a resumed transfer need not receive again. */
export interface HeldChunks {
  /** How many. A chunk that is replaced is held no more. */
  readonly count: number;
  /** Bytes in them. */
  readonly bytes: number;
  /** The CRC-32 of a chunk, if it is held. */
  sum(index: number): number | undefined;
  /** The sums of all, in order. */
  runs(): Iterable<ChunkSums>;
}

/** What a file or directory has beside its content. */
export interface Attributes {
  /** The time of last change, in milliseconds since 1970. */
  readonly modified?: number | undefined;
  /** Permission bits; of them 0777 count, never setuid, setgid or sticky. */
  readonly mode?: number | undefined;
}

/** A file that is whole and verified, and has no name yet. */
export interface StagedFile {
  /** The path that it is to get, relative to the root, with `/`. */
  readonly path: string;
  /** Where its bytes are until then, in the host's own form; not to be changed. */
  readonly staged: string;
  /** Size in bytes. */
  readonly size: number;
  /** The digest that was compared. */
  readonly digest: Digest;
}

/**
 * Looks at a file before it gets its name; rejects it by throwing a
 * {@linkcode StorageError}.
 *
 * @returns Another path, located with `write`, to publish it under; `undefined`
 * for the one that was asked for.
 */
export type Review = (file: StagedFile) => Promise<SafePath | undefined>;

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
  /** What tells the source from another one, such as {@linkcode Source.identity}. @default unknown */
  readonly source?: string | undefined;
  /**
   * The SHA-256 of a secret of the sender, in hexadecimal: who brings the same
   * again may continue the upload, also while it still seems to be running.
   *
   * @default none
   */
  readonly token?: string | undefined;
  /** Whether to continue what is left of an earlier try. @default {false} */
  readonly resume?: boolean | undefined;
  /** Permission bits (0777) to give the file. @default 0666 less the umask */
  readonly mode?: number | undefined;
  /** Called between verifying and publishing. @default nobody looks */
  readonly review?: Review | undefined;
}

/** A file of at most one chunk, whole, to be received with others. */
export interface SmallFile {
  /** What is asked for; `resume` has no meaning here. */
  readonly request: ReceiveRequest;
  /** All of it; not to be changed until it is received. */
  readonly bytes: Uint8Array;
  /** CRC-32 of the bytes. */
  readonly checksum: number;
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
  /** Bytes that were there from an earlier try when the last one began. @default {0} */
  readonly resumedFrom?: number;
}

/** What the source of a transfer is. */
export interface SourceState {
  /** Size in bytes. */
  readonly size: number;
  /** Last change, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** What tells it from another one, where known. */
  readonly source: string | undefined;
}

/** A file that is being received: invisible until {@linkcode Receiving.commit}. */
export interface Receiving {
  /** Bytes in verified chunks so far, held ones among them. */
  readonly verifiedBytes: number;
  /** What is held from an earlier try; nothing unless it was resumed. */
  readonly held: HeldChunks;
  /** The fingerprint of the source that the held chunks are of, if any was told. */
  readonly heldSource: string | undefined;
  /** The chunks that a file of `size` bytes still lacks, in order. */
  missing(size: number): Iterable<ChunkRun>;
  /**
   * Says what the source is, where that was not known at the beginning, or is
   * not what is held. Where it is another one, sums of chunks that end elsewhere
   * now are forgotten; the others stay to be compared, and a chunk that differs
   * is simply written.
   *
   * To be called before the first chunk if the request names another size or
   * source than what is held.
   *
   * @param source What it is.
   * @param stale Chunks that are held and are not those of that source: they are
   * forgotten in the same step. What still is to be compared when a source with a
   * fingerprint is set would later pass for its own.
   */
  setSource(
    source: SourceState,
    stale?: readonly ChunkRun[],
  ): Promise<void>;
  /**
   * Checks a chunk against its sum and writes it. Chunks may come in any order,
   * and from several callers, who are served one after the other; `bytes` must
   * stay as they are until the call is over. All chunks but the last are whole.
   * A chunk that was held may be replaced by another one.
   *
   * @throws {StorageError} `integrity` when the sum does not fit (nothing was written),
   * `too-large` beyond the announced size, `no-space`, `busy` when a newer
   * connection has taken the upload over, `changed` when what is held is of
   * another source and {@linkcode setSource} was not called.
   */
  writeChunk(
    index: number,
    bytes: Uint8Array,
    checksum: number,
  ): Promise<void>;
  /**
   * Publishes the file if it is whole and its digest is the sender's.
   *
   * @param size The size that the sender tells.
   * @param digest The sender's; without it the sums of the chunks must do,
   * which they do unless the source changed since they were made.
   * @throws {StorageError} `integrity`, or `exists` and its kin as the conflict
   * policy says; nothing is published then, and what was received is gone.
   */
  commit(size: number, digest?: Digest): Promise<Outcome>;
  /**
   * Stops for now, as after a lost connection: what was received stays, to be
   * continued with `resume`. Where nothing was received, or the size is not
   * known, nothing stays. A second call, or one after a commit, does nothing.
   */
  suspend(): Promise<void>;
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
   * @param name The name.
   * @param intent What for.
   * @param known For names to `write` that are handled together: their folders
   * are looked at once.
   * @throws {StorageError} `bad-name`, `outside`, `not-found`, `not-directory`.
   */
  locate(
    name: string,
    intent: LocateIntent,
    known?: KnownFolders,
  ): Promise<SafePath>;
  /** The entry at a path. */
  stat(path: SafePath): Promise<Entry>;
  /** The entries of a directory, unsorted, as the host gives them. */
  list(path: SafePath): AsyncIterable<Entry>;
  /** Opens a file to send it. */
  openSource(path: SafePath, algorithm: DigestAlgorithm): Promise<Source>;
  /** Prepares to receive a file under a path located with `write`. */
  receive(path: SafePath, request: ReceiveRequest): Promise<ReceiveStart>;
  /**
   * Receives many small files at once, each with the same guarantees as by
   * {@linkcode receive}; those of one call share checks and syncs. What fails
   * is told in its place and hinders no other. What is to be reviewed is to be
   * received by itself.
   */
  receiveSmall(
    items: readonly (SmallFile & { readonly path: SafePath })[],
  ): Promise<readonly (Outcome | StorageError)[]>;
  /** Forgets the outcome of a received file: the sender knows it. */
  acknowledge(id: string): Promise<void>;
  /** Makes a directory; with `parents` also those above it, and an existing one is no error. */
  makeDirectory(
    path: SafePath,
    options: { readonly parents: boolean; readonly durability: Durability },
  ): Promise<void>;
  /**
   * Sets time and permission bits of a file or a directory.
   *
   * @throws {StorageError} `not-file` for a link and what is neither.
   */
  setAttributes(path: SafePath, attributes: Attributes): Promise<void>;
  /**
   * The name that an entry really has, where the file system takes that of
   * `path` for the same: another case, or another Unicode normalization.
   * `undefined` when there is no such entry or it has that very name.
   */
  twin(path: SafePath): Promise<string | undefined>;
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
  /**
   * Removes expired leftovers and outcomes, as is done when the storage is
   * opened; what can still be resumed stays.
   */
  sweep(): Promise<void>;
  /** Bytes free for new files; `undefined` if it cannot be asked. */
  freeSpace(): Promise<number | undefined>;
}
