/**
 * Small local files that are read whole.
 *
 * @module
 */

import { type Disk, StorageError } from "../storage/mod.ts";

/**
 * Reads a file of text.
 *
 * @param disk Where it is.
 * @param path Its path.
 * @param sizeMax Bytes beyond which it is not read.
 * @throws {StorageError} `too-large`, `not-file`, and what else keeps it from being read.
 */
export async function readLocalText(
  disk: Disk,
  path: string,
  sizeMax: number,
): Promise<string> {
  const file = await disk.open(path, "read");
  try {
    const { kind, size } = await file.stat();
    if (kind !== "file") throw new StorageError("not-file", "not a file");
    if (size > sizeMax) {
      throw new StorageError("too-large", `${size} bytes are too many`);
    }
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const count = await file.read(bytes.subarray(length), length);
      if (count === 0) break;
      length += count;
    }
    return new TextDecoder("utf-8", { fatal: true })
      .decode(bytes.subarray(0, length));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new StorageError("not-file", "not a text in UTF-8", { cause: error });
  } finally {
    file.close();
  }
}
