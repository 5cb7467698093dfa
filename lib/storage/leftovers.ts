/**
 * What an earlier transfer left behind, and what it proves.
 *
 * @module
 */

import { join } from "@std/path";
import type { Disk, DiskFile } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { lstatIfAny } from "./jail.ts";
import { appendToJournal, type Journal, readJournal } from "./journal_file.ts";
import type { Staging } from "./staging.ts";
import type { Outcome } from "./storage.ts";
import type { HeaderRecord, IntentRecord } from "./upload_journal.ts";

/** Turns the place that a map names into the directory it is in, if it can still be reached. */
export type FindDirectory = (
  header: HeaderRecord,
) => Promise<string | undefined>;

/** Makes the entries of a directory durable; `false` where the host cannot. */
export type SyncDirectory = (directory: string) => Promise<boolean>;

/** What a map says, after a published name was looked for. */
export type Leftover =
  /** It has an outcome, now at the latest. */
  | { readonly kind: "settled"; readonly outcome: Outcome; readonly at: number }
  /** It has none; when it was last written, in milliseconds since 1970. */
  | { readonly kind: "unfinished"; readonly modified: number }
  /** There is no valid map. */
  | { readonly kind: "invalid" }
  /** Somebody is at work on it. */
  | { readonly kind: "live" };

/**
 * Reads the map of a transfer that is not running any more. An intent without
 * an outcome is settled if the file that it speaks of has the name that it
 * speaks of: then the commit had happened, and only its answer was lost.
 */
export async function readLeftover(
  disk: Disk,
  map: string,
  options: {
    readonly id: string;
    readonly now: number;
    readonly findDirectory: FindDirectory;
    readonly syncDirectory: SyncDirectory;
  },
): Promise<Leftover> {
  let file: DiskFile;
  try {
    // Not through a link, nor a pipe: only a file is opened.
    if ((await disk.lstat(map)).kind !== "file") return { kind: "invalid" };
    file = await disk.open(map, "write");
  } catch (error) {
    if (isNotFound(error)) return { kind: "invalid" };
    throw error;
  }
  try {
    if (!await file.tryLock()) return { kind: "live" };
    const journal = await readJournal(file);
    if (journal?.header.id !== options.id) return { kind: "invalid" };
    if (journal.outcome !== undefined) {
      const { outcome, at } = journal.outcome;
      return { kind: "settled", outcome, at };
    }
    const outcome = await proveIntent(disk, journal, options);
    if (outcome === undefined) {
      const modified = (await file.stat()).modified ?? journal.header.created;
      return { kind: "unfinished", modified };
    }
    const at = options.now;
    await appendToJournal(file, journal, { kind: "outcome", at, outcome });
    return { kind: "settled", outcome, at };
  } finally {
    file.close();
  }
}

/** Removes a file that may be gone already; a link is removed, not followed. */
export async function removeIfAny(disk: Disk, path: string): Promise<void> {
  try {
    await disk.removeFile(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Removes both files of a transfer that is not running any more. */
export async function removeStaging(
  disk: Disk,
  staging: Pick<Staging, "data" | "map">,
): Promise<void> {
  await removeIfAny(disk, staging.data);
  await removeIfAny(disk, staging.map);
}

async function proveIntent(
  disk: Disk,
  { header, intent }: Journal,
  options: {
    readonly findDirectory: FindDirectory;
    readonly syncDirectory: SyncDirectory;
  },
): Promise<Outcome | undefined> {
  if (intent === undefined) return undefined;
  const directory = await options.findDirectory(header);
  if (directory === undefined) return undefined;
  if (!await isPublished(disk, join(directory, intent.name), intent)) {
    return undefined;
  }
  return {
    path: siblingPath(header.path, intent.name),
    publication: intent.publication,
    size: intent.size,
    digest: intent.digest,
    // The file was synced before the intent was written; its name was perhaps not.
    durable: header.durability === "full" &&
      await options.syncDirectory(directory),
  };
}

/** Whether the file at `path` is the very one that was to be published. */
async function isPublished(
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
