/**
 * An upload with all its tries.
 *
 * @module
 */

import { TOKEN_SIZE, UPLOAD_ID_SIZE } from "../protocol/mod.ts";
import { type DigestAlgorithm, openLocalSource } from "../storage/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import type { ControlSession } from "./control_session.ts";
import {
  describe,
  type FerryError,
  type FerryErrorCode,
  isLost,
  toFerryError,
} from "./errors.ts";
import { settle, useChannel, type Used, wireBytes } from "./loan.ts";
import { STREAM_SIZE_MIN, WARM_SIZE_PUT } from "./limits.ts";
import {
  isPassing,
  type Live,
  type Retries,
  type TransferHost,
} from "./retries.ts";
import { StreamTeam } from "./stream_team.ts";
import { withStallWatch } from "./stall_watch.ts";
import type { PutSource, Receipt, TransferOptions } from "./types.ts";
import {
  OtherOutcomeError,
  type SentFile,
  Upload,
  type UploadResult,
} from "./upload.ts";
import { type UploadRecord, UploadRecordFile } from "./upload_record.ts";
import {
  fileSource,
  spentSource,
  streamSource,
  type UploadSource,
} from "./upload_source.ts";

/** How whole files are summed up unless it is said. */
export const DIGEST_DEFAULT: DigestAlgorithm = "crc32-chunks";

/** Errors after which the server holds nothing any more. */
const FINAL: ReadonlySet<FerryErrorCode> = new Set<FerryErrorCode>([
  "changed",
  "integrity",
  "protocol",
  "too-large",
]);

/** One try. */
interface Try {
  result?: UploadResult;
  error?: FerryError;
  /** Whether the server has asked for the bytes: it has not published them before. */
  opened: boolean;
  /** Bytes that the server has verified, as far as it told. */
  verified: number;
  /** Whether the server has published another content long ago. */
  isOther: boolean;
}

/** Where a try takes place. */
interface Place {
  readonly session: ControlSession;
  readonly channel: FrameChannel;
  readonly team: StreamTeam | undefined;
}

/** One upload; {@linkcode PutJob.run} is called once. */
export class PutJob {
  readonly #host: TransferHost;
  readonly #source: PutSource;
  readonly #path: string;
  readonly #options: TransferOptions;
  readonly #recordFile: UploadRecordFile | undefined;
  /** What a stream is sent under; files have it in their record. */
  readonly #upload: Uint8Array;
  /** The secret of a stream: with it a later try may ask what became of it. */
  readonly #token: Uint8Array;
  #record: UploadRecord | undefined;
  /** Whether whatever an earlier process began is of no use. */
  #isNew: boolean;
  /** What the server may have published by now; set with the first `END`. */
  #sent: SentFile | undefined;
  /** Whether the server may have published the file. */
  #ended = false;
  #wireBytes = 0;
  #isChangeTold = false;
  /** Whether the server may hold something from an earlier try. */
  #isContinued = false;

  /**
   * @param host What it works with.
   * @param source What to send.
   * @param path The remote name.
   * @param options How.
   */
  constructor(
    host: TransferHost,
    source: PutSource,
    path: string,
    options: TransferOptions,
  ) {
    this.#host = host;
    this.#source = source;
    this.#path = path;
    this.#options = options;
    this.#upload = host.random.bytes(UPLOAD_ID_SIZE);
    this.#token = host.random.bytes(TOKEN_SIZE);
    this.#isNew = options.resume === false;
    if (typeof source === "string") {
      const { address, logIn: { user } } = host;
      this.#recordFile = new UploadRecordFile(host, {
        address,
        user,
        path,
        local: source,
        algorithm: options.digest ?? DIGEST_DEFAULT,
      });
    }
  }

  /**
   * Sends the file; after a lost connection again what is missing.
   *
   * @throws {FerryError} When it cannot be sent.
   */
  async run(): Promise<Receipt> {
    const { signal } = this.#options;
    const retries = this.#host.retries();
    for (;;) {
      const tried = await this.#try(retries.count);
      if (tried.result !== undefined) {
        await this.#recordFile?.remove();
        const local = typeof this.#source === "string"
          ? this.#source
          : undefined;
        return { ...tried.result, local, wireBytes: this.#wireBytes };
      }
      const error = describe(tried.error, this.#nameFor(tried.error), signal);
      if (tried.isOther && !this.#isNew) {
        // It was settled long ago; this is another file.
        this.#isNew = true;
        this.#record = undefined;
        continue;
      }
      if (!this.#mayPass(error, retries, tried)) {
        if (FINAL.has(error.code)) await this.#recordFile?.remove();
        throw error;
      }
      await retries.wait(error, signal, tried.verified);
    }
  }

  /** What is wrong here is wrong with the local file. */
  #nameFor(error: FerryError | undefined): string {
    return error?.side === "local" && typeof this.#source === "string"
      ? this.#source
      : this.#path;
  }

  async #try(attempt: number): Promise<Try> {
    const { signal } = this.#options;
    const tried: Try = { opened: false, verified: 0, isOther: false };
    let source: UploadSource | undefined;
    let team: StreamTeam | undefined;
    try {
      source = await this.#open(attempt);
      const opened = source;
      const live = await this.#host.live(signal);
      team = this.#team(live, opened);
      const sending = useChannel(
        live.pool,
        signal,
        (channel) =>
          this.#send({ session: live.session, channel, team }, opened, tried),
      );
      // Made along with the first, which is in line before them.
      team?.prepare();
      tried.result = await sending;
    } catch (error) {
      tried.error = toFerryError(error);
      tried.isOther = error instanceof OtherOutcomeError;
    } finally {
      await team?.finish();
      this.#wireBytes += team?.wireBytes ?? 0;
      await source?.close(tried.error);
    }
    return tried;
  }

  async #open(attempt: number): Promise<UploadSource> {
    const algorithm = this.#options.digest ?? DIGEST_DEFAULT;
    if (typeof this.#source !== "string") {
      return attempt === 0
        ? streamSource(this.#source, algorithm)
        : spentSource();
    }
    const { disk } = this.#host;
    const source = await fileSource(
      await openLocalSource(disk, this.#source, algorithm),
      algorithm,
    );
    const { identity = "" } = source;
    try {
      this.#record = this.#record === undefined
        ? await this.#recordFile?.begin(identity, {
          isNew: this.#isNew,
          isKept: this.#options.resume !== false,
        })
        : await this.#recordFile?.renew(this.#record, identity);
      this.#isContinued ||= this.#record?.isFound === true;
    } catch (error) {
      await source.close();
      throw error;
    }
    if (this.#record?.isSourceSame === false) this.#tellChanged();
    return source;
  }

  #tellChanged(): void {
    if (!this.#isChangeTold) this.#options.onSourceChanged?.();
    this.#isChangeTold = true;
  }

  /**
   * Whether what the server holds is of the source as it is now, as far as one
   * may believe what the source looks like.
   */
  get #isSourceSame(): boolean {
    const isCompared = this.#options.checksum === true && this.#isContinued;
    return !isCompared && (this.#record?.isSourceSame ?? true);
  }

  async #send(
    { session, channel, team }: Place,
    source: UploadSource,
    tried: Try,
  ): Promise<Used<UploadResult>> {
    const options = this.#options;
    const id = session.nextId();
    const before = wireBytes(channel);
    const run = new Upload(
      channel,
      {
        id,
        path: this.#path,
        upload: this.#record?.upload ?? this.#upload,
        onConflict: options.onConflict ?? "fail",
        durability: options.durability ?? "full",
        algorithm: options.digest ?? DIGEST_DEFAULT,
        mode: options.mode,
        token: options.resume === false
          ? undefined
          : this.#record?.token ?? this.#token,
        isSourceSame: this.#isSourceSame,
        onSourceChanged: () => this.#tellChanged(),
        isFound: this.#record?.isFound ?? false,
        pace: (bytes) => this.#host.pace(bytes, options.signal),
        team,
        sent: this.#sent,
        onProgress: (progress) => {
          tried.verified = progress.transferred;
          options.onProgress?.({ ...progress, streams: team?.count ?? 1 });
        },
      },
      source,
      () => session.cancel(id),
    );
    const used = await settle(
      withStallWatch(channel, this.#host, () => run.isWaiting, run.run()),
      () => run.state.usable,
    );
    tried.opened = run.state.opened;
    this.#isContinued ||= run.state.opened;
    this.#sent = run.state.sent ?? this.#sent;
    this.#ended = run.state.sent !== undefined ||
      this.#ended && !run.state.opened;
    this.#wireBytes += wireBytes(channel) - before;
    return used;
  }

  /** Further connections, for a large file that can be read anywhere. */
  #team(
    live: Live,
    { size = 0 }: UploadSource,
  ): StreamTeam | undefined {
    const { streams = "auto", signal } = this.#options;
    if (size < STREAM_SIZE_MIN) return undefined;
    // A chunk that was to replace another, and was lost with a further
    // connection, nobody would ask for again.
    if (!this.#isSourceSame) return undefined;
    const { clock, timeout } = this.#host;
    const warmSize = WARM_SIZE_PUT;
    return new StreamTeam({
      ...live,
      clock,
      timeout,
      streams,
      warmSize,
      signal,
    });
  }

  /** Whether another try may get further than this one. */
  #mayPass(error: FerryError, retries: Retries, { opened }: Try): boolean {
    if (retries.isUsedUp) return false;
    const isBroken = isLost(error);
    if (this.#ended && isBroken) return true;
    // Nothing was published, and a stream cannot be sent twice.
    if (opened && typeof this.#source !== "string") return false;
    if (typeof this.#source === "string" && isBroken) return true;
    return retries.count > 0 && isPassing(error);
  }
}
