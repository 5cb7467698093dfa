/**
 * One download, as the server sees it.
 *
 * @module
 */

import { CHUNK_SIZE, type FrameOf } from "../protocol/mod.ts";
import type { Source } from "../storage/mod.ts";
import { DATA_HEADROOM, type FrameChannel } from "../transport/mod.ts";
import type { Session } from "./session.ts";

/** Sends every chunk, reading one while the one before it is being sent. */
async function sendChunks(
  channel: FrameChannel,
  id: number,
  source: Source,
  signal: AbortSignal,
): Promise<void> {
  const { size } = source.fingerprint;
  const room = DATA_HEADROOM + Math.min(CHUNK_SIZE, size);
  let buffer = new Uint8Array(room);
  let spare = new Uint8Array(size > CHUNK_SIZE ? room : 0);
  let sent: Promise<void> = Promise.resolve();
  for (let index = 0; index * CHUNK_SIZE < size; index++) {
    const { bytes, checksum } = await source.readChunk(
      index,
      buffer.subarray(DATA_HEADROOM),
    );
    await sent;
    signal.throwIfAborted();
    sent = channel.sendData(
      buffer.subarray(0, DATA_HEADROOM + bytes.length),
      { id, offset: index * CHUNK_SIZE, checksum },
    );
    // Awaited before the next chunk is sent; the source may fail before that.
    sent.catch(() => {});
    [buffer, spare] = [spare, buffer];
  }
  await sent;
}

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
  await channel.send({ type: "OPENED", id, body: { size, modified } });
  await sendChunks(channel, id, source, signal);
  const digest = await source.digest();
  await channel.send({
    type: "END",
    id,
    body: { size, digest: Uint8Array.fromHex(digest.value) },
  });
  return size;
}
