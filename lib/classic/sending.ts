/**
 * What a door sends: files as exact bytes, and names.
 *
 * @module
 */

import type { Grant, ServerLimits, Visit } from "../server/mod.ts";
import { requireRight } from "../server/mod.ts";
import {
  CHUNK_SIZE,
  chunkCount,
  type Source,
  type Storage,
  StorageError,
} from "../storage/mod.ts";
import type { Wire } from "./wire.ts";

/** Control characters, which no classic door lets into or out of a name. */
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const CONTROL_PATTERN = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether a name may pass a classic door. */
export function isPlainName(name: string): boolean {
  return !CONTROL_PATTERN.test(name);
}

/** Milliseconds in which a peer must take or send something in the middle of a transfer. */
export function stallTimeout(limits: ServerLimits): number {
  return limits.checkInterval * limits.silentCheckCountMax;
}

/**
 * The text of a name as it came over the wire. What is not UTF-8 becomes U+FFFD,
 * which the storage refuses.
 *
 * @throws {StorageError} `bad-name` when it is empty or has control characters.
 */
export function decodeName(bytes: Uint8Array): string {
  const name = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  if (name === "") throw new StorageError("bad-name", "the name is empty");
  if (isPlainName(name)) return name;
  throw new StorageError("bad-name", "the name has control characters");
}

/**
 * Opens a file of the served tree.
 *
 * @throws {RefusalError} `denied` when the user may not read.
 * @throws {StorageError} When there is no such file that may be served.
 */
export async function openServed(
  grant: Grant,
  bytes: Uint8Array,
): Promise<{ readonly path: string; readonly source: Source }> {
  requireRight(grant, "read");
  const { storage } = grant;
  const path = await storage.locate(decodeName(bytes), "read");
  const source = await storage.openSource(path, "crc32-chunks");
  return { path: path.path, source };
}

/**
 * The names in the served folder as the originals list them: `.` and `..` first,
 * and only names that can be asked for.
 *
 * @throws {RefusalError} `denied` when the user may not list.
 */
export function servedNames(grant: Grant): AsyncIterable<string> {
  requireRight(grant, "list");
  return namesIn(grant.storage);
}

async function* namesIn(storage: Storage): AsyncIterable<string> {
  yield ".";
  yield "..";
  for await (const entry of storage.list(await storage.locate("", "read"))) {
    if (entry.addressable && isPlainName(entry.name)) yield entry.name;
  }
}

/**
 * Sends the bytes of a file, reading a chunk while the one before it is sent.
 *
 * @throws {StorageError} `changed` when the file changed meanwhile.
 * @throws {NetworkError} When the peer is gone, or takes nothing for too long.
 */
export async function sendSource(
  wire: Wire,
  source: Source,
  visit: Visit,
  signal: AbortSignal,
): Promise<void> {
  const { size } = source.fingerprint;
  const wait = stallTimeout(visit.limits);
  const room = Math.min(CHUNK_SIZE, size);
  let buffer = new Uint8Array(room);
  let spare = new Uint8Array(chunkCount(size) > 1 ? room : 0);
  let sent: Promise<void> = Promise.resolve();
  for (let index = 0; index < chunkCount(size); index++) {
    const { bytes } = await source.readChunk(index, buffer);
    await sent;
    await visit.pace(bytes.length, signal);
    signal.throwIfAborted();
    sent = wire.send(bytes, wait);
    // Awaited before the next chunk is sent; the source may fail before that.
    sent.catch(() => {});
    [buffer, spare] = [spare, buffer];
  }
  await sent;
  // Looks whether it is still the file that was opened.
  await source.digest();
}
