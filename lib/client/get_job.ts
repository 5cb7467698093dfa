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
import { STREAM_SIZE_MIN, WARM_SIZE_GET } from "./limits.ts";
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

/** Where a try takes place. */
interface Place {
  readonly session: ControlSession;
  readonly channel: FrameChannel;
  readonly team: StreamTeam | undefined;
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
  /** Bytes of the remote file, where known. */
  #size: number | undefined;

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
    this.#size = options.size;
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
    const team = this.#team(live);
    const isFresh = !live.pool.hasIdle;
    try {
      const moved = useChannel(live.pool, signal, (channel) => {
        const place = { session: live.session, channel, team };
        const isInParts = isContinued || team?.mayGrow && !this.#isSmall;
        return isInParts && typeof target === "string"
          ? this.#inParts(place, target)
          : this.#download(place);
      });
      // The transfer's own connection is in line by now: further ones come after.
      if (!isContinued) this.#foresee(live, team, isFresh);
      return await moved;
    } finally {
      await team?.finish();
      this.#wireBytes += team?.wireBytes ?? 0;
    }
  }

  /** Further connections, for a file: any part of it can be written. */
  #team(live: Live): StreamTeam | undefined {
    if (typeof this.#target !== "string") return undefined;
    const { streams = "auto", signal } = this.#options;
    const { clock, timeout } = this.#host;
    const warmSize = WARM_SIZE_GET;
    return new StreamTeam({
      ...live,
      clock,
      timeout,
      streams,
      warmSize,
      signal,
    });
  }

  /**
   * Has further connections made at the same time as the first if the file is
   * large. Where a connection has to be made anyway, asking how large it is takes
   * no time; nobody waits for the answer.
   */
  #foresee(
    { session }: Live,
    team: StreamTeam | undefined,
    isFresh: boolean,
  ): void {
    const know = (size: number): void => {
      this.#size = size;
      if (!this.#isSmall) team?.prepare();
    };
    if (this.#size !== undefined) return know(this.#size);
    if (!team?.mayGrow || !isFresh) return;
    const { signal } = this.#options;
    session.request(["STAT", "ENTRY"], { path: this.#path }, signal)
      // What is wrong shows when the file is fetched.
      .then(({ size }) => know(size), () => {});
  }

  /** Whether the file is known to need no further connections. */
  get #isSmall(): boolean {
    return this.#size !== undefined && this.#size < STREAM_SIZE_MIN;
  }

  /** Fetches the whole file in one go. */
  #download({ session, channel }: Place): Promise<Used<Outcome>> {
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
      onProgress: (progress) => this.#progress({ ...progress, streams: 1 }),
      open: (opened) =>
        typeof target === "string"
          ? this.#receive(target, opened)
          : Promise.resolve(
            streamSink(target, { algorithm, size: opened.size, signal }),
          ),
    }, () => session.cancel(id));
    return this.#use(channel, run);
  }

  /** Fetches what is missing, over several connections if that is much. */
  async #inParts(
    { session, channel, team }: Place,
    target: string,
  ): Promise<Used<Outcome>> {
    const { signal, onSourceChanged = () => {} } = this.#options;
    const run = new Continuation(channel, {
      nextId: () => session.nextId(),
      path: this.#path,
      pace: (bytes) => this.#host.pace(bytes, signal),
      onSourceChanged: () => {
        if (!this.#isChangeTold) onSourceChanged();
        this.#isChangeTold = true;
      },
      checksum: this.#options.checksum ?? false,
      team,
      canResume: this.#canResume,
      signal,
      onProgress: (progress) =>
        this.#progress({ ...progress, streams: team?.count ?? 1 }),
      open: (opened) => this.#receive(target, opened),
      digest: (isMixed) => this.#wholeDigest(session, isMixed),
    });
    const used = await this.#use(channel, run);
    this.#resumedFrom = run.resumedFrom;
    return used;
  }

  async #use(
    channel: FrameChannel,
    run: Download | Continuation,
  ): Promise<Used<Outcome>> {
    const before = wireBytes(channel);
    const used = await settle(
      withStallWatch(channel, this.#host, () => isWaiting(channel), run.run()),
      () => run.usable,
    );
    this.#repaired += run.repaired;
    this.#wireBytes += wireBytes(channel) - before;
    return used;
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
