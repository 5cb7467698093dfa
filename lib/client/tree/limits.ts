/**
 * Limits of moving folders, each with its reason.
 *
 * @module
 */

/** What a folder may cost in memory and at once. */
export interface TreeLimits {
  /** Folders of one tree: each is remembered until the end. */
  readonly folders: number;
  /** Entries of one folder, whose names are remembered until it is listed. */
  readonly names: number;
  /** Entries that are to be deleted: all are known before the first is. */
  readonly extras: number;
  /** Files that are listed ahead of the one that is moved. */
  readonly queue: number;
}

/** The limits unless told otherwise. */
export const TREE_LIMITS: TreeLimits = {
  /** A million: at some 200 bytes each 200 MB, which nobody has but who means harm. */
  folders: 1_000_000,
  /** Four million: what a file system takes minutes to list. */
  names: 4_000_000,
  /** A million paths, like folders. */
  extras: 1_000_000,
  /** Two pages of a listing and what the batches of small files want to choose from. */
  queue: 1024,
};

/** Transfers at once: enough to hide a disk's sync behind the next file's data. */
export const CONCURRENCY_DEFAULT = 4;

/**
 * Transfers at once at most: each may hold two buffers of a chunk and a
 * connection.
 */
export const CONCURRENCY_MAX = 64;

/** Folders that are made on the server at once, so that a round trip is not paid for each. */
export const FOLDERS_AT_ONCE = 8;

/** How often in a row a lost listing is begun again without anything new. */
export const LISTING_TRIES = 4;

/** Milliseconds before a lost listing is begun again; doubles with each time. */
export const LISTING_DELAY_MIN = 250;

/**
 * Milliseconds by which the times of equal files may differ: file systems keep
 * seconds, and some round.
 */
export const MODIFIED_SLACK = 1000;

/** Bytes of a file that can be moved in a batch: a chunk. */
export const SMALL_SIZE_MAX = 1_048_576;

/** Files in a batch: what one group commit takes. */
export const SMALL_COUNT_MAX = 256;
