/**
 * Many small files, with all the tries that they need.
 *
 * @module
 */

import { UPLOAD_ID_SIZE } from "../protocol/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import { describe, type FerryError, isLost, toFerryError } from "./errors.ts";
import { settle, useChannel, type Used } from "./loan.ts";
import { isPassing, type Live, type TransferHost } from "./retries.ts";
import { SmallDownloads } from "./small_downloads.ts";
import { SmallUploads } from "./small_uploads.ts";
import { withStallWatch } from "./stall_watch.ts";
import type { Receipt, TransferOptions } from "./types.ts";

/** A file of at most one chunk, to be moved with others. */
export interface SmallTransfer {
  /** The remote name. */
  readonly path: string;
  /** The local path. */
  readonly local: string;
  /** Permission bits to give it. */
  readonly mode: number | undefined;
}

/** One that is being moved. */
export interface SmallFile extends SmallTransfer {
  /** Its upload id, the same in every try. */
  readonly upload: Uint8Array;
}

/** Told of every file. */
export interface SmallResults {
  /** It is there. */
  moved(file: SmallFile, receipt: Receipt): void;
  /** It cannot be moved. */
  failed(file: SmallFile, error: FerryError): void;
}

/** Which files, and which way. */
export interface SmallRequest {
  /** Which way they go. */
  readonly direction: "get" | "put";
  /** The files. */
  readonly files: readonly SmallTransfer[];
  /** How they are moved. */
  readonly options: TransferOptions;
  /** Told what became of each, by its place. */
  readonly settled: (
    index: number,
    result: PromiseSettledResult<Receipt>,
  ) => void;
}

/**
 * Moves small files together. Those that have no answer when a connection
 * breaks are moved again, under the ids that they had.
 *
 * @throws {FerryError} When the server is gone for good; what was not told of was
 * not moved.
 */
export async function moveSmallFiles(
  host: TransferHost,
  { direction, files, options, settled }: SmallRequest,
): Promise<void> {
  const { signal } = options;
  const open = new Map<SmallFile, number>();
  for (const [index, file] of files.entries()) {
    const upload = host.random.bytes(UPLOAD_ID_SIZE);
    open.set({ ...file, upload }, index);
  }
  const settle = (file: SmallFile, result: PromiseSettledResult<Receipt>) => {
    const index = open.get(file);
    if (index === undefined) return;
    open.delete(file);
    settled(index, result);
  };
  const results: SmallResults = {
    moved: (file, value) => settle(file, { status: "fulfilled", value }),
    failed: (file, reason) => settle(file, { status: "rejected", reason }),
  };
  const retries = host.retries();
  while (open.size > 0) {
    try {
      const live = await host.live(signal);
      await useChannel(
        live.pool,
        signal,
        (channel) =>
          moveOnce(host, live, channel, { direction, options }, results, [
            ...open.keys(),
          ]),
      );
    } catch (cause) {
      const error = describe(cause, "", signal);
      const mayPass = isLost(toFerryError(cause)) ||
        retries.count > 0 && isPassing(error);
      if (!mayPass || retries.isUsedUp || signal?.aborted) throw error;
      await retries.wait(error, signal, files.length - open.size);
    }
  }
}

async function moveOnce(
  host: TransferHost,
  { session }: Live,
  channel: FrameChannel,
  { direction, options }: Pick<SmallRequest, "direction" | "options">,
  results: SmallResults,
  files: readonly SmallFile[],
): Promise<Used<void>> {
  const Run = direction === "put" ? SmallUploads : SmallDownloads;
  const run = new Run(host, session, channel, options, results);
  const work = withStallWatch(
    channel,
    host,
    () => run.isWaiting,
    run.run(files),
  );
  return await settle(work, () => run.usable);
}
