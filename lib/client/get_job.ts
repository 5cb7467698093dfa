/**
 * A download with all its tries.
 *
 * @module
 */

import { UPLOAD_ID_SIZE } from "../protocol/mod.ts";
import {
  type Digest,
  hasLeftover,
  type Outcome,
  receiveLocalFile,
  type Receiving,
} from "../storage/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import { Continuation } from "./continuation.ts";
import type { ControlSession } from "./control_session.ts";
import { Download, streamSink } from "./download.ts";
import { describe, isLost, toFerryError } from "./errors.ts";
import { settle, useChannel, type Used, wireBytes } from "./loan.ts";
import { DIGEST_DEFAULT } from "./put_job.ts";
import { STREAM_SIZE_MIN } from "./limits.ts";
import { isPassing, type Live, type TransferHost } from "./retries.ts";
import { StreamTeam } from "./stream_team.ts";
import { withStallWatch } from "./stall_watch.ts";
import type {
  GetTarget,
  Receipt,
  TransferOptions,
  TransferProgress,
} from "./types.ts";

/** What the server says of a file. */
interface Opened {
  readonly size?: number | undefined;
  readonly modified?: number | undefined;
  readonly fingerprint?: Uint8Array | undefined;
}

/** One download; {@linkcode GetJob.run} is called once. */
export class GetJob {
  readonly #host: TransferHost;
  readonly #path: string;
  readonly #target: GetTarget;
  readonly #options: TransferOptions;
  #wireBytes = 0;
  #repaired = 0;
  #resumedFrom = 0;
  #verified = 0;
  #isChangeTold = false;

  /**
   * @param host What it works with.
   * @param path The remote name.
   * @param target Where to.
   * @param options How.
   */
  constructor(
    host: TransferHost,
    path: string,
    target: GetTarget,
    options: TransferOptions,
  ) {
    this.#host = host;
    this.#path = path;
    this.#target = target;
    this.#options = options;
  }

  /**
   * Fetches the file; after a lost connection again what is missing.
   *
   * @throws {FerryError} When it cannot be fetched.
   */
  async run(): Promise<Receipt> {
    const { signal } = this.#options;
    const retries = this.#host.retries();
    for (;;) {
      try {
        return this.#receipt(await this.#try());
      } catch (cause) {
        const error = describe(cause, this.#path, signal);
        const mayPass = this.#canResume &&
          (isLost(toFerryError(cause)) ||
            retries.count > 0 && isPassing(error));
        if (!mayPass || retries.isUsedUp || signal?.aborted) throw error;
        await retries.wait(error, signal, this.#verified);
      }
    }
  }

  get #canResume(): boolean {
    return typeof this.#target === "string" && this.#options.resume !== false;
  }

  #receipt(outcome: Outcome): Receipt {
    const isFile = typeof this.#target === "string";
    return {
      path: this.#path,
      local: isFile ? outcome.path : undefined,
      size: outcome.size,
      digest: outcome.digest,
      publication: outcome.publication,
      durable: outcome.durable,
      resumedFrom: this.#resumedFrom,
      repaired: this.#repaired,
      wireBytes: this.#wireBytes,
    };
  }

  async #try(): Promise<Outcome> {
    const { signal } = this.#options;
    const target = this.#target;
    const isContinued = this.#canResume && typeof target === "string" &&
      await hasLeftover(this.#host.disk, target);
    const live = await this.#host.live(signal);
    // Asked while the data connection is being made.
    const large = this.#isLarge(live.session);
    return await useChannel(live.pool, signal, async (channel) => {
      const before = wireBytes(channel);
      try {
        const isParted = await large;
        return (isContinued || isParted) && typeof target === "string"
          ? await this.#continue(live, channel, target, isParted)
          : await this.#download(live.session, channel);
      } finally {
        this.#wireBytes += wireBytes(channel) - before;
      }
    });
  }

  async #download(
    session: ControlSession,
    channel: FrameChannel,
  ): Promise<Used<Outcome>> {
    const target = this.#target;
    const { digest: algorithm = DIGEST_DEFAULT, signal } = this.#options;
    const id = session.nextId();
    const run = new Download(channel, {
      id,
      path: this.#path,
      algorithm,
      pace: (bytes) => this.#host.pace(bytes, signal),
      canRepair: typeof target === "string",
      canResume: this.#canResume,
      signal,
      onProgress: (progress) => this.#progress(progress),
      open: (opened) =>
        typeof target === "string"
          ? this.#receive(target, opened)
          : Promise.resolve(
            streamSink(target, { algorithm, size: opened.size, signal }),
          ),
    }, () => session.cancel(id));
    const used = await settle(
      withStallWatch(channel, this.#host, () => isWaiting(channel), run.run()),
      () => run.usable,
    );
    this.#repaired += run.repaired;
    return used;
  }

  async #continue(
    { session, pool }: Live,
    channel: FrameChannel,
    target: string,
    isParted: boolean,
  ): Promise<Used<Outcome>> {
    const { streams = "auto", signal } = this.#options;
    const { clock, timeout } = this.#host;
    const team = isParted
      ? new StreamTeam(
        { session, pool, clock, timeout, streams, signal },
        channel,
      )
      : undefined;
    const run = new Continuation(channel, {
      id: session.nextId(),
      path: this.#path,
      pace: (bytes) => this.#host.pace(bytes, signal),
      onSourceChanged: () => this.#tellChanged(),
      checksum: this.#options.checksum ?? false,
      team,
      signal,
      onProgress: (progress) =>
        this.#progress({ ...progress, streams: team?.count ?? 1 }),
      open: (opened) => this.#receive(target, opened),
      digest: (isMixed) => this.#wholeDigest(session, isMixed),
    });
    const used = await settle(
      withStallWatch(channel, this.#host, () => isWaiting(channel), run.run()),
      () => run.usable,
    );
    this.#resumedFrom = run.resumedFrom;
    this.#repaired += run.repaired;
    this.#wireBytes += team?.wireBytes ?? 0;
    return used;
  }

  /** Whether the file is worth further connections. */
  async #isLarge(session: ControlSession): Promise<boolean> {
    const { streams = "auto", signal } = this.#options;
    if (typeof this.#target !== "string" || streams === 1) return false;
    try {
      const { size } = await session.request(
        ["STAT", "ENTRY"],
        { path: this.#path },
        signal,
      );
      return size >= STREAM_SIZE_MIN;
    } catch {
      // What is wrong shows when the file is fetched.
      return false;
    }
  }

  #tellChanged(): void {
    if (!this.#isChangeTold) this.#options.onSourceChanged?.();
    this.#isChangeTold = true;
  }

  #progress(progress: TransferProgress): void {
    this.#verified = progress.transferred;
    this.#options.onProgress?.(progress);
  }

  async #receive(
    target: string,
    { size, modified, fingerprint }: Opened,
  ): Promise<Receiving | Outcome> {
    const options = this.#options;
    const { disk, clock, random } = this.#host;
    const start = await receiveLocalFile(disk, { clock }, target, {
      id: random.bytes(UPLOAD_ID_SIZE).toHex(),
      size,
      modified,
      source: fingerprint?.toHex(),
      resume: this.#canResume,
      mode: options.mode,
      onConflict: options.onConflict ?? "fail",
      durability: options.durability ?? "full",
      algorithm: options.digest ?? DIGEST_DEFAULT,
    });
    return start.kind === "settled" ? start.outcome : start.receiving;
  }

  /** The sums of the chunks are enough, unless a serial digest was asked for. */
  async #wholeDigest(
    session: ControlSession,
    isMixed: boolean,
  ): Promise<Digest | undefined> {
    const { digest: algorithm = DIGEST_DEFAULT, signal } = this.#options;
    if (algorithm === "crc32-chunks" && !isMixed) return undefined;
    const { digest } = await session.request(
      ["STAT", "ENTRY"],
      { path: this.#path, algorithm },
      signal,
    );
    return digest && { algorithm, value: digest.toHex() };
  }
}

/** Whether it is the server's turn. */
function isWaiting(channel: FrameChannel): boolean {
  return channel.isReading || channel.isWriting;
}
