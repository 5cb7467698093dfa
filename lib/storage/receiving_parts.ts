/**
 * What a transfer on its way in is made of.
 *
 * @module
 */

import type { Clock } from "../platform/mod.ts";
import type { ChunkMap } from "./chunk_map.ts";
import type { Disk, DiskFile } from "./disk.ts";
import type { SyncedDirectories } from "./durable_directories.ts";
import type { SafePath } from "./jail.ts";
import { StorageError } from "./errors.ts";
import type { JournalFile } from "./journal_file.ts";
import type { NameLocks } from "./name_locks.ts";
import type { Room } from "./room.ts";
import type { Staging } from "./staging.ts";
import type { ReceiveRequest } from "./storage.ts";

/** Between which steps of a transfer a hook is called. */
export type CommitStep =
  /** The staged file is open and locked. */
  | "opened"
  /** All chunks are written, and the commit was asked for. */
  | "written"
  /** The staged file was verified and is durable. */
  | "synced"
  /** The intent is durable. */
  | "intended"
  /** The file has its name. */
  | "published"
  /** The name is durable. */
  | "settled"
  /** The outcome is in the map. */
  | "recorded";

/** Called between steps, for tests that disturb exactly there. */
export interface StorageHooks {
  /** Called when a step is done and before the next begins. */
  readonly step?: (step: CommitStep) => void | Promise<void>;
}

/** Where a received file is to go. */
export interface PublishTarget {
  /** How users know the path. */
  readonly path: string;
  /** The same with links resolved, for the map. */
  readonly location: string;
  /** The real path of the directory. */
  readonly directory: string;
  /** The last segment. */
  readonly name: string;
  /** Names the directory as it was seen: what one check says holds for all with the same. */
  readonly seen: string;
  /** Checks that the directory is still the one that it was. */
  check(): Promise<void>;
  /** Makes the entries of the directory durable; `false` where the host cannot. */
  sync(directory: string, above?: SyncedDirectories): Promise<boolean>;
}

/** What a {@linkcode StagedReceiving} works with. */
export interface ReceivingParts {
  /** Where everything is. */
  readonly disk: Disk;
  /** Gives the times in the map. */
  readonly clock: Clock;
  /** The names that are being decided on. */
  readonly locks: NameLocks;
  /** The room that there is. */
  readonly room: Room;
  /** Called between steps. */
  readonly hooks: StorageHooks;
  /** Where the file is to go. */
  readonly target: PublishTarget;
  /** Where it is until then. */
  readonly staging: Staging;
  /** What was asked for. */
  readonly request: ReceiveRequest;
  /** The staged file, locked: new and empty, or left by an earlier try. */
  readonly data: DiskFile;
  /** Its map, perhaps not made yet. */
  readonly journal: JournalFile;
  /** What is known of its chunks: nothing, or what is held. */
  readonly chunks: ChunkMap;
  /** The target that another path stands for, where there may be another. */
  readonly retarget?: (path: SafePath) => PublishTarget;
  /** Called once, when it is over. */
  readonly onEnd: () => void;
}

/** The error of whoever goes on with a transfer that has ended. */
export function cancelled(): StorageError {
  return new StorageError("cancelled", "the transfer is over");
}

/** The error of whoever goes on with what is held, and has another source. */
export function foreign(): StorageError {
  return new StorageError("changed", "what is held is of another source");
}
