/**
 * What a folder holds.
 *
 * @module
 */

import {
  type Disk,
  type DiskEntry,
  type DiskStat,
  STAGING_NAME,
  StorageError,
} from "../storage/mod.ts";

/** An amount of what is kept. */
export interface Usage {
  /** Bytes of files. */
  readonly bytes: number;
  /** Files, folders and links. */
  readonly files: number;
}

/** What a folder holds. */
export interface FolderUsage {
  /** What can be seen. */
  readonly used: Usage;
  /** Bytes of unfinished uploads, by their ids. */
  readonly staged: Map<string, number>;
}

/** What the data of an unfinished upload is called. */
const UPLOAD_ID = /^[0-9a-f]{32}$/;

/**
 * Walks through a folder. Links count as themselves and are not followed; what
 * cannot be read, or is gone when it is looked at, does not count.
 *
 * @param signal Ends the walk.
 * @throws The signal's reason.
 */
export async function countUsage(
  disk: Disk,
  root: string,
  signal?: AbortSignal,
): Promise<FolderUsage> {
  let [bytes, files] = [0, 0];
  const staged = new Map<string, number>();
  const folders = [root];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    const isStaging = at.endsWith(`/${STAGING_NAME}`) ||
      at.endsWith(`\\${STAGING_NAME}`);
    for await (const { name } of listIfAny(disk, at)) {
      signal?.throwIfAborted();
      const path = at.endsWith("/") ? at + name : `${at}/${name}`;
      const stat = await lookIfAny(disk, path);
      if (stat === undefined) continue;
      if (isStaging) {
        // Journals are Ferry's own business.
        if (UPLOAD_ID.test(name)) staged.set(name, stat.size);
        continue;
      }
      if (stat.kind === "directory") folders.push(path);
      if (name === STAGING_NAME) continue;
      files++;
      if (stat.kind === "file") bytes += stat.size;
    }
  }
  return { used: { bytes, files }, staged };
}

async function* listIfAny(disk: Disk, path: string): AsyncIterable<DiskEntry> {
  try {
    yield* disk.list(path);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}

async function lookIfAny(
  disk: Disk,
  path: string,
): Promise<DiskStat | undefined> {
  try {
    return await disk.lstat(path);
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}
