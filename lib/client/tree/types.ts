/**
 * What goes into moving a folder and what comes out.
 *
 * @module
 */

import type { Clock } from "../../platform/mod.ts";
import type {
  Attributes,
  ConflictPolicy,
  DigestAlgorithm,
  Disk,
  Durability,
  Publication,
} from "../../storage/mod.ts";
import type { FerryError } from "../errors.ts";
import type { OperationOptions, Receipt, TransferOptions } from "../types.ts";
import type { FilterRule } from "./filter.ts";
import type { TreeLimits } from "./limits.ts";

/** Which way files go. */
export type TreeDirection = "get" | "put";

/** A folder of the server and one of this machine. */
export interface TreePlaces {
  /** The remote folder (or file); `""` is the root. */
  readonly remote: string;
  /** The local folder (or file). */
  readonly local: string;
}

/** A file of a tree, at both ends. */
export interface TreeFile {
  /** Path from the root of the tree, with `/`; `""` if the root is a file. */
  readonly path: string;
  /** The remote name. */
  readonly remote: string;
  /** The local path. */
  readonly local: string;
  /** Size in bytes; `undefined` where only moving it tells. */
  readonly size: number | undefined;
  /** Last change, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** Permission bits (0777); 0 where unknown. */
  readonly mode: number;
}

/** Moves small files together. */
export interface SmallFiles {
  /** Bytes of the largest file that it takes. @default {1048576} */
  readonly sizeMax?: number;
  /** Files that it takes at once. @default {256} */
  readonly countMax?: number;
  /**
   * Moves them, and tells of each what became of it, as soon as that is known.
   * What it does not tell of counts as failed with what it throws.
   */
  readonly transfer: (
    direction: TreeDirection,
    files: readonly TreeFile[],
    options: TransferOptions,
    settled: (index: number, result: PromiseSettledResult<Receipt>) => void,
  ) => Promise<void>;
}

/** Sets time and permission bits of a remote file or folder. */
export type SetAttributes = (
  path: string,
  attributes: Attributes,
  options: OperationOptions,
) => Promise<void>;

/** What happened to one entry of a tree, or in a dry run: what would happen. */
export type TreeEvent =
  | {
    /** A folder was made. */
    readonly kind: "folder";
    /** Path from the root of the tree. */
    readonly path: string;
    /** The remote name. */
    readonly remote: string;
    /** The local path. */
    readonly local: string;
  }
  | {
    /** A file was moved, or with `skipped` left out because of the conflict policy. */
    readonly kind: "file";
    /** Which. */
    readonly file: TreeFile;
    /** How its name was given. */
    readonly publication: Publication;
    /** The proof; `undefined` in a dry run, and where nothing was asked of the server. */
    readonly receipt: Receipt | undefined;
  }
  | {
    /** A file is there already. */
    readonly kind: "equal";
    /** Which. */
    readonly file: TreeFile;
  }
  | {
    /** An entry that is not moved. */
    readonly kind: "left-out";
    /** Why: it is a link, or neither file, folder nor link. */
    readonly reason: "link" | "special";
    /** Path from the root of the tree. */
    readonly path: string;
    /** The remote name. */
    readonly remote: string;
    /** The local path. */
    readonly local: string;
  }
  | {
    /** An entry of the destination that the source does not have was deleted. */
    readonly kind: "deleted";
    /** Path from the root of the tree. */
    readonly path: string;
    /** Its remote name or local path. */
    readonly target: string;
    /** Whether it was a folder. */
    readonly isFolder: boolean;
  }
  | {
    /** Something failed; the rest goes on. */
    readonly kind: "failed";
    /** What was tried. */
    readonly doing: "list" | "look at" | "get" | "put" | "make" | "delete";
    /** Path from the root of the tree. */
    readonly path: string;
    /** What to call it: its remote name or local path. */
    readonly subject: string;
    /** The local path that was written to, if it was one. */
    readonly target: string | undefined;
    /** Why. */
    readonly error: FerryError;
  };

/** How far a tree is. */
export interface TreeProgress {
  /** Files that are through, failed ones included. */
  readonly files: number;
  /** Files to move, as far as they are listed. */
  readonly filesTotal: number;
  /** Bytes so far. */
  readonly bytes: number;
  /** Bytes to move, as far as they are known. */
  readonly bytesTotal: number;
  /** Whether listing goes on, so that the totals may still grow. */
  readonly isCounting: boolean;
  /** Path of a file that is being moved; `""` when none is. */
  readonly name: string;
  /** How many are being moved. */
  readonly active: number;
}

/** Options of {@linkcode getTree} and {@linkcode putTree}. */
export interface TreeOptions extends OperationOptions {
  /** What to do if the name of a file is taken by another one. @default {"fail"} */
  readonly onConflict?: ConflictPolicy;
  /** Whether to wait for stable storage. @default {"full"} */
  readonly durability?: Durability;
  /** How to sum up whole files. @default {"crc32-chunks"} */
  readonly digest?: DigestAlgorithm;
  /** Compare files by digest instead of size and time. @default {false} */
  readonly checksum?: boolean;
  /** Which entries are meant. @default all */
  readonly filter?: readonly FilterRule[];
  /** What to do about links. @default {"skip"} */
  readonly links?: "skip" | "follow";
  /** Keep permission bits (0777). @default {false} */
  readonly preserve?: boolean;
  /** Only say what would be done. @default {false} */
  readonly dryRun?: boolean;
  /** Transfers at once; never more than the server allows. @default {4} */
  readonly concurrency?: number;
  /** Moves small files together. @default one by one */
  readonly smallFiles?: SmallFiles;
  /**
   * Sets attributes on the server. Without it, folders there keep the time at
   * which they were filled, and `preserve` is refused.
   *
   * @default none
   */
  readonly setAttributes?: SetAttributes;
  /** Told what happens, in order; what it returns is awaited. */
  readonly onEvent?: (event: TreeEvent) => void | Promise<void>;
  /** Told how far everything is, whenever that changes. */
  readonly onProgress?: (progress: TreeProgress) => void;
  /** Where local files are. @default {the machine's file system} */
  readonly disk?: Disk;
  /** The time. @default {the machine's clock} */
  readonly clock?: Clock;
  /** What a tree may cost. @default {TREE_LIMITS} */
  readonly limits?: Partial<TreeLimits>;
}

/** Options of {@linkcode syncTree}. */
export interface SyncOptions extends Omit<TreeOptions, "onConflict"> {
  /** Delete what the source does not have. @default {false} */
  readonly deleteExtra?: boolean;
  /**
   * Asked once, after everything was moved, whether to delete these paths.
   * Not asked in a dry run, nor where there is nothing to delete.
   *
   * @default yes
   */
  readonly confirmDelete?: (paths: readonly string[]) => Promise<boolean>;
}

/** What became of a tree, or in a dry run: what would. */
export interface TreeSummary {
  /** Files that were moved. */
  readonly files: number;
  /** Bytes of them. */
  readonly bytes: number;
  /** Bytes that crossed the data connections. */
  readonly wireBytes: number;
  /** Folders that were made. */
  readonly folders: number;
  /** Files that were there already. */
  readonly equal: number;
  /** Files that were left out because their names were taken. */
  readonly skipped: number;
  /** Links that were left out. */
  readonly links: number;
  /** Entries left out that are neither file, folder nor link. */
  readonly specials: number;
  /** Entries that failed. */
  readonly failed: number;
  /** Files that are known of and were not tried. */
  readonly notTried: number;
  /** Entries that were deleted. */
  readonly deleted: number;
  /** Entries that the source does not have and that were left: it was not allowed, or something failed. */
  readonly extra: number;
  /** Whether every moved file had reached stable storage; `undefined` if none was moved. */
  readonly isDurable: boolean | undefined;
  /** What ended everything before its time; `undefined` if nothing did. */
  readonly ended: FerryError | undefined;
}
