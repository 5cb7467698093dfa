/**
 * What interrupted downloads have left in a directory of this machine.
 *
 * @module
 */

import { join } from "@std/path";
import type { Disk } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { loadJournal } from "./journal_file.ts";
import { openLeftoverFile, removeStaging } from "./leftovers.ts";

const PART_REGEXP = /^(\.ferry-[0-9a-f]{16})\.(part|map)$/;

/** An abandoned or interrupted download. */
export interface LocalLeftover {
  /** The directory that it is in. */
  readonly directory: string;
  /** The staged file: `.ferry-<hash>.part`, perhaps already gone. */
  readonly data: string;
  /** Its map, perhaps not made yet. */
  readonly map: string;
  /** The name that it was to get, if a map tells. */
  readonly name: string | undefined;
  /** Bytes that it occupies at most. */
  readonly size: number;
  /** When it was last written to, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** Whether a download is at work on it now. */
  readonly isInUse: boolean;
}

/**
 * Finds what interrupted downloads have left in a directory. What is not a file
 * or bears another name is not Ferry's.
 */
export async function* listLeftovers(
  disk: Disk,
  directory: string,
): AsyncIterable<LocalLeftover> {
  const seen = new Set<string>();
  for await (const { name, kind } of disk.list(directory)) {
    const stem = PART_REGEXP.exec(name)?.[1];
    if (stem === undefined || kind !== "file" || seen.has(stem)) continue;
    seen.add(stem);
    const found = await look(disk, directory, stem);
    if (found !== undefined) yield found;
  }
}

/**
 * Removes what an interrupted download has left.
 *
 * @throws {StorageError} `busy` when a download is at work on it.
 */
export async function removeLeftover(
  disk: Disk,
  leftover: Pick<LocalLeftover, "data" | "map">,
): Promise<void> {
  const data = await openLeftoverFile(disk, leftover.data, "read");
  try {
    if (data !== undefined && !await data.tryLock()) {
      throw new StorageError("busy", "it is being received");
    }
    await removeStaging(disk, leftover);
  } finally {
    data?.close();
  }
}

async function look(
  disk: Disk,
  directory: string,
  stem: string,
): Promise<LocalLeftover | undefined> {
  const places = {
    directory,
    data: join(directory, `${stem}.part`),
    map: join(directory, `${stem}.map`),
  };
  const data = await openLeftoverFile(disk, places.data, "read");
  const map = await openLeftoverFile(disk, places.map, "read");
  try {
    const own = await data?.stat();
    const beside = await map?.stat();
    if (own === undefined && beside === undefined) return undefined;
    const times = [own?.modified, beside?.modified]
      .filter((time) => time !== undefined);
    return {
      ...places,
      name: map && (await loadJournal(map, undefined))?.header.location,
      size: (own?.size ?? 0) + (beside?.size ?? 0),
      modified: times.length === 0 ? undefined : Math.max(...times),
      isInUse: data !== undefined && !await data.tryLock(),
    };
  } finally {
    data?.close();
    map?.close();
  }
}
