/**
 * Putting a staging folder in order after a crash, and from time to time.
 *
 * @module
 */

import { join } from "@std/path";
import type { Disk } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { isGroupLive, recoverGroup } from "./group_journal.ts";
import { lstatIfAny } from "./jail.ts";
import {
  type FindDirectory,
  readLeftover,
  removeIfAny,
  removeStaging,
  type SyncDirectory,
} from "./leftovers.ts";
import { OUTCOME_RETENTION, STAGING_EXPIRY } from "./limits.ts";
import type { Staging, StagingFolder } from "./staging.ts";

const ENTRY_REGEXP = /^([0-9a-f]{32})(?:\.(map|group|[0-9]+))?$/;

/** What {@linkcode recoverStaging} works with. */
export interface RecoveryOptions {
  /** The time, in milliseconds since 1970. */
  readonly now: number;
  /** Whether a transfer of this very process uses a place. */
  readonly isLive: (staging: Staging) => boolean;
  /** Finds the directory that a map names. */
  readonly findDirectory: FindDirectory;
  /** Makes a published name durable. */
  readonly syncDirectory: SyncDirectory;
}

/**
 * Looks at every entry of a staging folder, one at a time: settles commits
 * whose answer was lost, removes what is expired or has no valid map, and what
 * was kept of outcomes for long enough. What is locked is somebody's work, and
 * what Ferry did not name is not Ferry's: both stay. So does an entry that
 * cannot be read: a broken one must not keep a server from starting.
 */
export async function recoverStaging(
  disk: Disk,
  folder: StagingFolder,
  options: RecoveryOptions,
): Promise<void> {
  if (!await folder.exists()) return;
  for await (const entry of disk.list(folder.path)) {
    const [, id, part] = ENTRY_REGEXP.exec(entry.name) ?? [];
    if (id === undefined) continue;
    const staging = folder.place(id);
    try {
      if (part !== undefined && part !== "map") {
        await recoverGroupPart(disk, folder, entry.name, options);
      } else if (!options.isLive(staging)) {
        await (part ? recoverMap : recoverData)(disk, staging, id, options);
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }
}

async function recoverData(
  disk: Disk,
  staging: Staging,
  id: string,
  options: RecoveryOptions,
): Promise<void> {
  if ((await disk.lstat(staging.data)).kind !== "file") {
    return void await removeIfAny(disk, staging.data);
  }
  // Denied by its own permission bits, it was about to be published: then the
  // lock of the map says whether somebody is at work on it.
  const data = await disk.open(staging.data, "read").catch(ignoreDenied);
  try {
    if (data !== undefined && !await data.tryLock()) return;
    const leftover = await readLeftover(disk, staging.map, { ...options, id });
    if (leftover.kind === "settled") {
      // Published: this is only its second name, or it was skipped.
      await removeIfAny(disk, staging.data);
    } else if (
      leftover.kind === "invalid" ||
      (leftover.kind === "unfinished" &&
        options.now - leftover.modified > STAGING_EXPIRY)
    ) {
      // Only names are removed: published data keeps its other one.
      await removeStaging(disk, staging);
    }
  } finally {
    data?.close();
  }
}

/** The common map of a group of small files, or the data of one of them. */
async function recoverGroupPart(
  disk: Disk,
  folder: StagingFolder,
  name: string,
  options: RecoveryOptions,
): Promise<void> {
  const path = join(folder.path, name);
  const map = path.replace(/\.[^.]*$/, ".group");
  if (path !== map) {
    // Its name is all that goes: if it was published it has another one.
    if (!await isGroupLive(disk, map)) await removeIfAny(disk, path);
    return;
  }
  const kept = await recoverGroup(disk, map, options);
  if (kept === undefined) {
    if (!await isGroupLive(disk, map)) folder.groups.forget(map);
  } else if (!folder.groups.knows(map)) folder.groups.add(kept);
}

function ignoreDenied(error: unknown): undefined {
  if (error instanceof StorageError && error.kind === "denied") return;
  throw error;
}

/** A map whose data has no name here any more. */
async function recoverMap(
  disk: Disk,
  staging: Staging,
  id: string,
  options: RecoveryOptions,
): Promise<void> {
  if (await lstatIfAny(disk, staging.data) !== undefined) return;
  const leftover = await readLeftover(disk, staging.map, { ...options, id });
  const isWanted = leftover.kind === "live" ||
    (leftover.kind === "settled" &&
      options.now - leftover.at <= OUTCOME_RETENTION);
  if (!isWanted) await removeIfAny(disk, staging.map);
}
