/**
 * Chunks of a file on their way out.
 *
 * @module
 */

import { CHUNK_SIZE, type WireRun } from "../protocol/mod.ts";
import { chunkCount, type Source } from "../storage/mod.ts";
import {
  DATA_HEADROOM,
  type FrameChannel,
  type Pace,
} from "../transport/mod.ts";

/** What chunks are sent with. */
export interface ChunkSenderOptions {
  /** The data connection. */
  readonly channel: FrameChannel;
  /** The exchange that they belong to. */
  readonly id: number;
  /** Where they come from. */
  readonly source: Source;
  /** Ends the sending. */
  readonly signal: AbortSignal;
  /** Says when how many bytes may be sent. */
  readonly pace: Pace;
}

/** The chunks that runs name, as far as a file of `size` bytes has them. */
export function* indexesOf(
  runs: readonly WireRun[],
  size: number,
): Iterable<number> {
  const count = chunkCount(size);
  for (const run of runs) {
    const end = Math.min(run.first + run.count, count);
    for (let index = run.first; index < end; index++) yield index;
  }
}

/**
 * Sends chunks in the order given, reading one while the one before it is sent.
 * The last may still be on its way: what is sent behind it is waited for.
 *
 * @returns How many bytes.
 */
export async function sendChunks(
  options: ChunkSenderOptions,
  indexes: Iterable<number>,
): Promise<number> {
  const { channel, id, source, signal, pace } = options;
  const room = DATA_HEADROOM + Math.min(CHUNK_SIZE, source.fingerprint.size);
  let buffer = new Uint8Array(room);
  let spare: Uint8Array<ArrayBuffer> | undefined;
  let sent: Promise<void> = Promise.resolve();
  let count = 0;
  for (const index of indexes) {
    const { bytes, checksum } = await source.readChunk(
      index,
      buffer.subarray(DATA_HEADROOM),
    );
    await sent;
    const frame = { id, offset: index * CHUNK_SIZE, checksum };
    const framed = buffer.subarray(0, DATA_HEADROOM + bytes.length);
    // What passes at once need not go piece by piece.
    const isAtOnce = framed.length <= pace.pieceSize;
    if (isAtOnce) await pace.take(framed.length);
    signal.throwIfAborted();
    sent = isAtOnce
      ? channel.sendData(framed, frame)
      : channel.sendData(framed, frame, pace);
    // Awaited before the next chunk is sent; the source may fail before that.
    sent.catch(() => {});
    spare ??= new Uint8Array(room);
    [buffer, spare] = [spare, buffer];
    count += bytes.length;
  }
  return count;
}
