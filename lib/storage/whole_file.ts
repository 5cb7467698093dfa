/**
 * Small files of this machine that are read and written as a whole: settings,
 * keys, records.
 *
 * @module
 */

import { dirname } from "@std/path";
import type { Random } from "../platform/mod.ts";
import type { Disk, DiskStat } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { readFully } from "./source.ts";
import { setEntryAttributes } from "./tree.ts";

/**
 * Reads a small file.
 *
 * @param disk Where it is.
 * @param path Its path.
 * @param sizeMax Bytes that are read at most.
 * @returns What is in it, and what it was when it was read.
 * @throws {StorageError} `too-large`, `not-found` and their kin.
 */
export async function readWholeFile(
  disk: Disk,
  path: string,
  sizeMax: number,
): Promise<{ readonly bytes: Uint8Array; readonly stat: DiskStat }> {
  const file = await disk.open(path, "read");
  try {
    const stat = await file.stat();
    if (stat.size > sizeMax) {
      throw new StorageError(
        "too-large",
        `it is too large: ${stat.size} bytes, and at most ${sizeMax} make sense`,
      );
    }
    const bytes = new Uint8Array(stat.size);
    const length = await readFully(file, bytes, 0);
    return { bytes: bytes.subarray(0, length), stat };
  } finally {
    file.close();
  }
}

/**
 * Writes a small file: whole or not at all, and durable.
 *
 * @param parts Where it is to be, and what names its draft, which is beside it.
 * @param path Its path.
 * @param text What is to be in it.
 * @param options `mode`: the permission bits, 0600 unless told otherwise, which
 * it has before anything is in it; `publish`: gives the draft its name.
 * @throws {StorageError} When it cannot be written.
 */
export async function writeWholeFile(
  { disk, random }: { readonly disk: Disk; readonly random: Random },
  path: string,
  text: string,
  { mode = 0o600, publish = (draft) => disk.rename(draft, path) }: {
    readonly mode?: number;
    readonly publish?: (draft: string) => Promise<void>;
  } = {},
): Promise<void> {
  const draft = `${path}.${random.bytes(4).toHex()}.new`;
  try {
    const file = await disk.open(draft, "create");
    try {
      await setEntryAttributes(disk, draft, { mode });
      await file.write(new TextEncoder().encode(text), 0);
      await file.sync();
    } finally {
      file.close();
    }
    await publish(draft);
    await disk.syncDirectory(dirname(path));
  } catch (error) {
    await disk.removeFile(draft).catch(() => {});
    throw error;
  }
}
