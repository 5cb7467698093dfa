/**
 * One whole file on its way out, as the server sees it.
 *
 * @module
 */

import type { FrameOf, WireRun } from "../protocol/mod.ts";
import { chunkCount } from "../storage/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import { indexesOf, sendChunks } from "./chunk_sender.ts";
import { changed } from "./fetch.ts";
import type { Session } from "./session.ts";

/** What was sent. */
export interface SentFile {
  /** Bytes. */
  readonly size: number;
  /** What tells it from another one, in hexadecimal. */
  readonly identity: string;
}

/**
 * Sends one file.
 *
 * @param session Who fetches.
 * @param channel The data connection.
 * @param request What is fetched.
 * @param signal Ends it.
 * @returns What was sent.
 * @throws {StorageError} `changed` when the file was changed meanwhile, and others.
 * @throws {RefusalError} When the user may not.
 */
export async function sendFile(
  session: Session,
  channel: FrameChannel,
  { id, body }: FrameOf<"GET">,
  signal: AbortSignal,
): Promise<SentFile> {
  session.require("read");
  const { storage } = session;
  const path = await storage.locate(body.path, "read");
  using source = await storage.openSource(path, body.algorithm);
  const { fingerprint: { size, modified }, mode } = source;
  const identity = await source.identity();
  const fingerprint = Uint8Array.fromHex(identity);
  // What is small leaves in one write with what comes before and behind it. A
  // send that fails fails those behind it, which are waited for.
  const opened = channel.send({
    type: "OPENED",
    id,
    body: { size, modified, fingerprint, mode },
  });
  opened.catch(() => {});
  const pace = session.pace;
  await sendChunks(
    { channel, id, source, signal, pace },
    indexesOf([{ first: 0, count: chunkCount(size) }], size),
  );
  const digest = await source.digest();
  const ended = channel.send({
    type: "END",
    id,
    body: { size, digest: Uint8Array.fromHex(digest.value) },
  });
  ended.catch(() => {});
  await channel.settled();
  return { size, identity };
}

/**
 * Sends chunks of a file again that arrived damaged.
 *
 * @param session Who fetches.
 * @param channel The data connection.
 * @param request What was fetched.
 * @param wanted Which file it was, and the damaged chunks.
 * @param signal Ends it.
 * @throws {RefusalError} `changed` when it is not that file any more.
 */
export async function repairFile(
  session: Session,
  channel: FrameChannel,
  { id, body }: FrameOf<"GET">,
  { identity, runs }: {
    readonly identity: string;
    readonly runs: readonly WireRun[];
  },
  signal: AbortSignal,
): Promise<void> {
  const { storage } = session;
  const path = await storage.locate(body.path, "read");
  using source = await storage.openSource(path, "crc32-chunks");
  const indexes = indexesOf(runs, source.fingerprint.size);
  const pace = session.pace;
  await sendChunks({ channel, id, source, signal, pace }, indexes);
  if (await source.identity() !== identity) throw changed();
  await channel.send({ type: "SENT", id, body: {} });
}
