/**
 * Walks through a user's files, to count them or to look at each name.
 *
 * @module
 */

import type { Usage } from "../accounts/mod.ts";
import {
  quoteName,
  type SafePath,
  type Storage,
  StorageError,
} from "../storage/mod.ts";

/** What is at a path, not what is below it; nothing where there is nothing. */
export async function usageAt(
  storage: Storage,
  path: SafePath,
): Promise<Usage> {
  try {
    return { bytes: (await storage.stat(path)).size, files: 1 };
  } catch (error) {
    if (error instanceof StorageError && error.kind === "not-found") {
      return { bytes: 0, files: 0 };
    }
    throw error;
  }
}

/**
 * Walks through what is at a path and below it; links are not followed.
 *
 * @param visit Told of every entry below: its name, and where it is.
 * @throws {StorageError} `cancelled`, what `visit` throws, or that something
 * cannot be looked at: then nobody knows what may be done with it.
 */
export async function walkBelow(
  storage: Storage,
  path: SafePath,
  signal?: AbortSignal,
  visit: (name: string, location: string) => void = () => {},
): Promise<Usage> {
  const own = await storage.stat(path);
  let [bytes, files] = [own.size, 1];
  const folders = own.kind === "directory" ? [path.path] : [];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    const folder = await storage.locate(at, "read");
    for await (const entry of storage.list(folder)) {
      assertWanted(signal);
      const { name, kind, size, addressable } = entry;
      visit(entry.path, `${folder.location}/${name}`);
      bytes += size;
      files++;
      if (kind !== "directory") continue;
      if (!addressable) {
        throw new StorageError(
          "bad-name",
          `${quoteName(at)} holds a folder with a name that cannot be told`,
        );
      }
      folders.push(entry.path);
    }
  }
  return { bytes, files };
}

/** Throws `cancelled` when nobody waits for the outcome any more. */
export function assertWanted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new StorageError("cancelled", "it was cancelled", {
    cause: signal.reason,
  });
}
