/**
 * Somebody's look at a file that is whole and verified, before it gets a name.
 *
 * @module
 */

import { StorageError } from "./errors.ts";
import type { ReceivingParts } from "./receiving_parts.ts";
import type { Digest } from "./storage.ts";

/**
 * Has a file reviewed, if its request asks for that.
 *
 * @param parts The transfer, whose staged file is whole.
 * @param file What was verified.
 * @returns The transfer with the target that the review chose.
 * @throws {StorageError} As the review does; `integrity` when it changed the file.
 */
export async function reviewed(
  parts: ReceivingParts,
  file: { readonly size: number; readonly digest: Digest },
): Promise<ReceivingParts> {
  const { data, journal, request: { review }, retarget, staging } = parts;
  if (review === undefined) return parts;
  const before = await data.stat();
  const path = await review({
    ...file,
    path: parts.target.path,
    staged: staging.data,
  });
  const after = await data.stat();
  if (after.size !== before.size || after.modified !== before.modified) {
    throw new StorageError(
      "integrity",
      "it was changed while the server looked at it",
    );
  }
  if (path === undefined || retarget === undefined) return parts;
  const target = retarget(path);
  await target.check();
  // Whoever clears up after a crash looks for the file where it was going.
  await journal.replaceHeader({
    ...journal.header!,
    path: target.path,
    location: target.location,
  });
  return { ...parts, target };
}
