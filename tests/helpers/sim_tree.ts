/**
 * Looking at a disk in memory from outside, past every port.
 *
 * @module
 */
import { join } from "@std/path";
import { crc32 } from "node:zlib";
import type { MemoryDisk } from "../../lib/storage/mod.ts";
import type { ContentKey } from "./sim_oracle.ts";

/** Size and CRC-32 of some bytes. */
export function keyOf(bytes: Uint8Array): ContentKey {
  return `${bytes.length}:${crc32(bytes).toString(16)}`;
}

/** The whole of a file. */
export async function readAll(
  disk: MemoryDisk,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const file = await disk.open(path, "read");
  try {
    const bytes = new Uint8Array((await file.stat()).size);
    await file.read(bytes, 0);
    return bytes;
  } finally {
    file.close();
  }
}

/** Makes a file, durable with its name. */
export async function writeAll(
  disk: MemoryDisk,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const file = await disk.open(path, "create");
  await file.write(bytes, 0);
  file.close();
  disk.syncAll();
}

/** Every file below a folder by its relative path, with `/`; links are not followed. */
export async function filesBelow(
  disk: MemoryDisk,
  folder: string,
  prefix = "",
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { name, kind } of disk.list(folder)) {
    const path = join(folder, name);
    if (kind === "file") found.set(prefix + name, path);
    if (kind !== "directory") continue;
    const below = await filesBelow(disk, path, `${prefix}${name}/`);
    for (const [each, absolute] of below) found.set(each, absolute);
  }
  return found;
}

/** Whether a path is Ferry's own. */
export function isReserved(path: string): boolean {
  return path.split("/").some((name) =>
    name === ".ferry" || name.startsWith(".ferry-")
  );
}
