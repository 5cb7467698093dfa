/**
 * One whole file on its way out, as the server sees it.
 *
 * @module
 */

import { CHUNK_SIZE, type FrameOf, type WireRun } from "../protocol/mod.ts";
import { chunkCount, type Source } from "../storage/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import { indexesOf, sendChunks } from "./chunk_sender.ts";
import type { Session } from "./session.ts";

/**
 * Sends one file.
 *
 * @param session Who fetches.
 * @param channel The data connection.
 * @param request What is fetched.
 * @param signal Ends it.
 * @returns Its size in bytes.
 * @throws {StorageError} `changed` when the file was changed meanwhile, and others.
 * @throws {RefusalError} When the user may not.
 */
export async function sendFile(
  session: Session,
  channel: FrameChannel,
  { id, body }: FrameOf<"GET">,
  signal: AbortSignal,
): Promise<number> {
  session.require("read");
  const { storage } = session.context;
  const path = await storage.locate(body.path, "read");
  using source = await storage.openSource(path, body.algorithm);
  const { size, modified } = source.fingerprint;
  const fingerprint = await fingerprintIfLarge(source);
  await channel.send({
    type: "OPENED",
    id,
    body: { size, modified, fingerprint },
  });
  const pace = session.pace;
  await sendChunks(
    { channel, id, source, signal, pace },
    indexesOf([{ first: 0, count: chunkCount(size) }], size),
  );
  const digest = await source.digest();
  await channel.send({
    type: "END",
    id,
    body: { size, digest: Uint8Array.fromHex(digest.value) },
  });
  return size;
}

/** What a client needs to continue later; a small file is simply sent again. */
async function fingerprintIfLarge(
  source: Source,
): Promise<Uint8Array | undefined> {
  return source.fingerprint.size > CHUNK_SIZE
    ? Uint8Array.fromHex(await source.identity())
    : undefined;
}

/**
 * Sends chunks of a file again that arrived damaged. The file may be another one
 * by now: then the digest that the client compares does not fit.
 *
 * @param session Who fetches.
 * @param channel The data connection.
 * @param request What was fetched.
 * @param runs The damaged chunks.
 * @param signal Ends it.
 */
export async function repairFile(
  session: Session,
  channel: FrameChannel,
  { id, body }: FrameOf<"GET">,
  runs: readonly WireRun[],
  signal: AbortSignal,
): Promise<void> {
  const { storage } = session.context;
  const path = await storage.locate(body.path, "read");
  using source = await storage.openSource(path, "crc32-chunks");
  const indexes = indexesOf(runs, source.fingerprint.size);
  const pace = session.pace;
  await sendChunks({ channel, id, source, signal, pace }, indexes);
  await channel.send({ type: "SENT", id, body: {} });
}
