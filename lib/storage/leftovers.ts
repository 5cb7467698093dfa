/**
 * What an earlier transfer left behind, and what it proves.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import type { ChunkMap } from "./chunk_map.ts";
import type { Disk, DiskFile, OpenMode } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { lstatIfAny } from "./jail.ts";
import { appendToJournal, type Journal, loadJournal } from "./journal_file.ts";
import type { Staging } from "./staging.ts";
import type { Durability, Outcome } from "./storage.ts";
import type { HeaderRecord, IntentRecord } from "./upload_journal.ts";

/** Where a map says that something was to go. */
type Located = Pick<HeaderRecord, "location">;

/** Turns the place that a map names into the directory it is in, if it can still be reached. */
export type FindDirectory = (
  header: Located,
) => Promise<string | undefined>;

/** Makes the entries of a directory durable; `false` where the host cannot. */
export type SyncDirectory = (directory: string) => Promise<boolean>;

/** What a map says, after a published name was looked for. */
export type Leftover =
  /** It has an outcome, now at the latest. */
  | { readonly kind: "settled"; readonly outcome: Outcome; readonly at: number }
  /** It has none; when it was last written, in milliseconds since 1970. */
  | {
    readonly kind: "unfinished";
    readonly modified: number;
    readonly journal: Journal;
  }
  /** There is no valid map. */
  | { readonly kind: "invalid" }
  /** Somebody is at work on it. */
  | { readonly kind: "live" };

/** What {@linkcode readLeftover} works with. */
export interface LeftoverOptions {
  /** The id that the map must be of; without one any will do. */
  readonly id: string | undefined;
  /** The time, in milliseconds since 1970. */
  readonly now: number;
  /** Finds the directory that the map names. */
  readonly findDirectory: FindDirectory;
  /** Makes a published name durable. */
  readonly syncDirectory: SyncDirectory;
}

/**
 * Reads the map of a transfer that is not running any more. An intent without
 * an outcome is settled if the file that it speaks of has the name that it
 * speaks of: then the commit had happened, and only its answer was lost.
 */
export async function readLeftover(
  disk: Disk,
  map: string,
  options: LeftoverOptions,
): Promise<Leftover> {
  const file = await openLeftoverFile(disk, map, "write");
  if (file === undefined) return { kind: "invalid" };
  try {
    return await judgeLeftover(disk, file, options, undefined);
  } finally {
    file.close();
  }
}

/** Opens a file that an earlier transfer left; not through a link, nor a pipe. */
export async function openLeftoverFile(
  disk: Disk,
  path: string,
  mode: OpenMode,
): Promise<DiskFile | undefined> {
  try {
    if ((await disk.lstat(path)).kind !== "file") return undefined;
    return await disk.open(path, mode);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * The same as {@linkcode readLeftover} for a map that is open: the lock stays
 * with the file.
 *
 * @param chunks Where to put what it says of chunks, if that is wanted.
 */
export async function judgeLeftover(
  disk: Disk,
  file: DiskFile,
  options: LeftoverOptions,
  chunks: ChunkMap | undefined,
): Promise<Leftover> {
  if (!await file.tryLock()) return { kind: "live" };
  const journal = await loadJournal(file, chunks);
  if (
    journal === undefined ||
    (options.id !== undefined && journal.header.id !== options.id)
  ) return { kind: "invalid" };
  if (journal.outcome !== undefined) {
    const { outcome, at } = journal.outcome;
    return { kind: "settled", outcome, at };
  }
  const { header, intent } = journal;
  const outcome = intent &&
    await proveIntent(disk, { ...header, intent }, options);
  if (outcome === undefined) {
    const modified = (await file.stat()).modified ?? header.created;
    return { kind: "unfinished", modified, journal };
  }
  const at = options.now;
  await appendToJournal(file, journal, { kind: "outcome", at, outcome });
  return { kind: "settled", outcome, at };
}

/** Removes a file that may be gone already; a link is removed, not followed. Returns whether it was there. */
export async function removeIfAny(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.removeFile(path);
    return true;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return false;
  }
}

/**
 * Removes both files of a transfer that is not running any more: the map first
 * and durably, so that it never comes back to speak of other data.
 */
export async function removeStaging(
  disk: Disk,
  staging: Pick<Staging, "data" | "map">,
): Promise<void> {
  if (await removeIfAny(disk, staging.map)) {
    await disk.syncDirectory(dirname(staging.map));
  }
  await removeIfAny(disk, staging.data);
}

/**
 * The outcome that follows from an intent, if the file that it speaks of has
 * the name that it speaks of.
 */
export async function proveIntent(
  disk: Disk,
  { intent, ...place }: Located & {
    readonly path: string;
    readonly durability: Durability;
    readonly intent: IntentRecord;
  },
  options: Pick<LeftoverOptions, "findDirectory" | "syncDirectory">,
): Promise<Outcome | undefined> {
  const directory = await options.findDirectory(place);
  if (directory === undefined) return undefined;
  if (!await isPublished(disk, join(directory, intent.name), intent)) {
    return undefined;
  }
  return {
    path: siblingPath(place.path, intent.name),
    publication: intent.publication,
    size: intent.size,
    digest: intent.digest,
    // The file was synced before the intent was written; its name was perhaps not.
    durable: place.durability === "full" &&
      await options.syncDirectory(directory),
    resumedFrom: intent.resumedFrom,
  };
}

/** Whether the file at `path` is the very one that was to be published. */
export async function isPublished(
  disk: Disk,
  path: string,
  intent: IntentRecord,
): Promise<boolean> {
  const stat = await lstatIfAny(disk, path);
  return stat !== undefined && stat.kind === "file" && stat.inode !== 0 &&
    stat.inode === intent.inode && stat.device === intent.device &&
    stat.size === intent.size && stat.modified === intent.modified;
}

/** A path with another last segment. */
export function siblingPath(path: string, name: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1) + name;
}

function isNotFound(error: unknown): boolean {
  return error instanceof StorageError && error.kind === "not-found";
}
