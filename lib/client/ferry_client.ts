/**
 * The client: a session that is made anew when it was lost, and the operations
 * on it.
 *
 * @module
 */

import { type Clock, type Random, sleep } from "../platform/mod.ts";
import { remoteNameProblem, UPLOAD_ID_SIZE } from "../protocol/mod.ts";
import {
  type ConflictPolicy,
  type DigestAlgorithm,
  type Disk,
  openLocalSource,
  type Outcome,
  type Publication,
  receiveLocalFile,
} from "../storage/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import { untilAborted } from "./abort.ts";
import {
  type ChunkReader,
  fileReader,
  spentReader,
  streamReader,
} from "./chunk_reader.ts";
import { ControlSession, type SessionOptions } from "./control_session.ts";
import { DataPool } from "./data_pool.ts";
import { Download, streamSink } from "./download.ts";
import {
  cancelled,
  FerryError,
  type FerryErrorCode,
  toFerryError,
} from "./errors.ts";
import { RETRY_DELAY_MIN } from "./limits.ts";
import { listPages, remoteEntry } from "./listing.ts";
import { settle, useChannel, type Used, wireBytes } from "./loan.ts";
import type {
  Client,
  GetTarget,
  ListPage,
  OperationOptions,
  PutSource,
  Receipt,
  ReconnectEvent,
  RemoteEntry,
  SessionInfo,
  TransferOptions,
} from "./types.ts";
import { withStallWatch } from "./stall_watch.ts";
import { type SentFile, Upload, type UploadResult } from "./upload.ts";

/** What a client is made with. */
export interface ClientParts extends SessionOptions {
  /** Where local files are. */
  readonly disk: Disk;
  /** The time. */
  readonly clock: Clock;
  /** Ids and nonces. */
  readonly random: Random;
  /** How often to ask again for an answer that was lost. */
  readonly retries: number;
  /** Called before each of those tries. */
  readonly onReconnect: (event: ReconnectEvent) => void;
}

interface Live {
  readonly session: ControlSession;
  readonly pool: DataPool;
}

/** What stays the same in every try of an upload. */
interface PutJob {
  readonly source: PutSource;
  readonly path: string;
  readonly upload: Uint8Array;
  readonly options: TransferOptions;
  /** What the server may have published by now; set with the first `END`. */
  sent: SentFile | undefined;
}

/** One try of an upload. */
interface PutTry {
  result?: UploadResult;
  error?: FerryError;
  /** Whether the server has asked for the bytes: it has not published them before. */
  opened: boolean;
  /** Whether the server may have published the file. */
  ended: boolean;
  wireBytes: number;
}

const DIGEST_DEFAULT: DigestAlgorithm = "crc32-chunks";

function checkName(path: string): void {
  const problem = remoteNameProblem(path);
  if (problem !== undefined) {
    throw new FerryError("bad-name", `the name ${problem}`, {
      side: "local",
      path,
    });
  }
}

/** A client over the ports that it is given. */
export class FerryClient implements Client {
  readonly #parts: ClientParts;
  #live: Promise<Live>;
  #info: SessionInfo;
  readonly #closing = new AbortController();

  /**
   * @param parts What it is made with.
   * @param session A logged-in session.
   */
  constructor(parts: ClientParts, session: ControlSession) {
    this.#parts = parts;
    this.#info = session.info;
    this.#live = Promise.resolve({ session, pool: new DataPool(session) });
  }

  /** Aborted when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get info(): SessionInfo {
    return this.#info;
  }

  async *list(
    path: string,
    options: OperationOptions & { readonly recursive?: boolean } = {},
  ): AsyncIterable<ListPage> {
    const { recursive = false, signal } = options;
    checkName(path);
    try {
      const { session } = await this.#session(signal);
      yield* listPages(session, path, recursive, signal);
    } catch (error) {
      throw describe(error, path, signal);
    }
  }

  stat(
    path: string,
    options: OperationOptions & { readonly digest?: DigestAlgorithm } = {},
  ): Promise<RemoteEntry> {
    return this.#operate(path, options.signal, async ({ session }) => {
      const { digest: algorithm, signal } = options;
      const body = await session.request(
        ["STAT", "ENTRY"],
        { path, algorithm },
        signal,
      );
      const entry = remoteEntry(path, body);
      return body.algorithm === undefined || body.digest === undefined
        ? entry
        : {
          ...entry,
          digest: { algorithm: body.algorithm, value: body.digest.toHex() },
        };
    });
  }

  rename(
    from: string,
    to: string,
    options: OperationOptions & { readonly onConflict?: ConflictPolicy } = {},
  ): Promise<{ readonly path: string; readonly publication: Publication }> {
    return this.#operate(from, options.signal, async ({ session }) => {
      checkName(to);
      const { onConflict = "fail", signal } = options;
      const { path, publication } = await session.request(
        ["RENAME", "DONE"],
        { from, to, onConflict },
        signal,
      );
      return { path: path ?? to, publication: publication ?? "created" };
    });
  }

  remove(
    path: string,
    options: OperationOptions & { readonly recursive?: boolean } = {},
  ): Promise<number> {
    return this.#operate(path, options.signal, async ({ session }) => {
      const { recursive = false, signal } = options;
      const { count } = await session.request(
        ["REMOVE", "DONE"],
        { path, recursive },
        signal,
      );
      return count ?? 1;
    });
  }

  makeDirectory(
    path: string,
    options: OperationOptions & { readonly parents?: boolean } = {},
  ): Promise<void> {
    return this.#operate(path, options.signal, async ({ session }) => {
      const { parents = false, signal } = options;
      await session.request(
        ["MAKE_DIRECTORY", "DONE"],
        { path, parents },
        signal,
      );
    });
  }

  freeSpace(options: OperationOptions = {}): Promise<number | undefined> {
    return this.#operate("", options.signal, async ({ session }) => {
      const { bytes } = await session.request(
        ["SPACE", "SPACE_LEFT"],
        {},
        options.signal,
      );
      return bytes;
    });
  }

  get(
    path: string,
    target: GetTarget,
    options: TransferOptions = {},
  ): Promise<Receipt> {
    const { signal } = options;
    return this.#operate(
      path,
      signal,
      ({ session, pool }) =>
        useChannel(
          pool,
          signal,
          (channel) => this.#download(session, channel, path, target, options),
        ),
    );
  }

  async #download(
    session: ControlSession,
    channel: FrameChannel,
    path: string,
    target: GetTarget,
    options: TransferOptions,
  ): Promise<Used<Receipt>> {
    const algorithm = options.digest ?? DIGEST_DEFAULT;
    const id = session.nextId();
    const before = wireBytes(channel);
    const download = new Download(channel, {
      id,
      path,
      algorithm,
      onProgress: options.onProgress ?? (() => {}),
      open: async (opened) => {
        if (typeof target !== "string") {
          const { signal } = options;
          return streamSink(target, { algorithm, size: opened.size, signal });
        }
        const start = await receiveLocalFile(
          this.#parts.disk,
          this.#parts,
          target,
          {
            id: this.#parts.random.bytes(UPLOAD_ID_SIZE).toHex(),
            size: opened.size,
            modified: opened.modified,
            onConflict: options.onConflict ?? "fail",
            durability: options.durability ?? "full",
            algorithm,
          },
        );
        return start.kind === "settled" ? start.outcome : start.receiving;
      },
    }, () => session.cancel(id));
    const finish = (outcome: Outcome): Receipt => ({
      ...outcome,
      path,
      local: typeof target === "string" ? outcome.path : undefined,
      resumedFrom: 0,
      wireBytes: wireBytes(channel) - before,
    });
    const run = withStallWatch(
      channel,
      this.#parts,
      () => channel.isReading || channel.isWriting,
      download.run(),
    );
    return await settle(run.then(finish), () => download.usable);
  }

  async put(
    source: PutSource,
    path: string,
    options: TransferOptions = {},
  ): Promise<Receipt> {
    checkName(path);
    const { random, retries } = this.#parts;
    const upload = random.bytes(UPLOAD_ID_SIZE);
    const job: PutJob = { source, path, upload, options, sent: undefined };
    let wireBytes = 0;
    for (let attempt = 0;; attempt++) {
      const tried = await this.#tryPut(job, attempt);
      wireBytes += tried.wireBytes;
      if (tried.result !== undefined) {
        const local = typeof source === "string" ? source : undefined;
        return { ...tried.result, local, wireBytes };
      }
      const error = describe(tried.error, path, options.signal);
      if (attempt >= retries || !mayPass(error, attempt, tried, source)) {
        throw error;
      }
      await this.#waitToRetry(attempt + 1, error, options.signal);
    }
  }

  async #tryPut(job: PutJob, attempt: number): Promise<PutTry> {
    const { signal } = job.options;
    const tried: PutTry = { opened: false, ended: attempt > 0, wireBytes: 0 };
    let reader: ChunkReader | undefined;
    try {
      reader = await this.#openReader(job, attempt);
      const opened = reader;
      const { session, pool } = await this.#session(signal);
      tried.result = await useChannel(
        pool,
        signal,
        (channel) => this.#upload(session, channel, job, opened, tried),
      );
    } catch (error) {
      tried.error = toFerryError(error);
    } finally {
      await reader?.close(tried.error);
    }
    return tried;
  }

  async #openReader(
    { source, options }: PutJob,
    attempt: number,
  ): Promise<ChunkReader> {
    const algorithm = options.digest ?? DIGEST_DEFAULT;
    if (typeof source === "string") {
      return fileReader(
        await openLocalSource(this.#parts.disk, source, algorithm),
      );
    }
    return attempt === 0 ? streamReader(source, algorithm) : spentReader();
  }

  async #upload(
    session: ControlSession,
    channel: FrameChannel,
    job: PutJob,
    reader: ChunkReader,
    tried: PutTry,
  ): Promise<Used<UploadResult>> {
    const { path, upload, options, sent } = job;
    const id = session.nextId();
    const before = wireBytes(channel);
    const run = new Upload(
      channel,
      {
        id,
        path,
        upload,
        onConflict: options.onConflict ?? "fail",
        durability: options.durability ?? "full",
        algorithm: options.digest ?? DIGEST_DEFAULT,
        sent,
        onProgress: options.onProgress ?? (() => {}),
      },
      reader,
      () => session.cancel(id),
    );
    const result = withStallWatch(
      channel,
      this.#parts,
      () => run.isWaiting,
      run.run(),
    );
    const used = await settle(result, () => run.state.usable);
    job.sent = run.state.sent ?? sent;
    tried.opened = run.state.opened;
    tried.ended = run.state.sent !== undefined ||
      tried.ended && !run.state.opened;
    tried.wireBytes = wireBytes(channel) - before;
    return used;
  }

  async #waitToRetry(
    attempt: number,
    error: FerryError,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const delay = RETRY_DELAY_MIN * 2 ** (attempt - 1);
    const { clock, retries } = this.#parts;
    this.#parts.onReconnect({ attempt, attemptsMax: retries, delay, error });
    await sleep(clock, delay, this.#ending(signal)).catch((reason) => {
      throw cancelled(reason);
    });
  }

  /** Fires when the operation or the whole client is to end. */
  #ending(signal: AbortSignal | undefined): AbortSignal {
    const { closing } = this;
    return signal === undefined ? closing : AbortSignal.any([closing, signal]);
  }

  async #operate<T>(
    path: string,
    signal: AbortSignal | undefined,
    work: (live: Live) => Promise<T>,
  ): Promise<T> {
    try {
      checkName(path);
      return await work(await this.#session(signal));
    } catch (error) {
      throw describe(error, path, signal);
    }
  }

  /** The session, made anew if it was lost. */
  async #session(signal: AbortSignal | undefined): Promise<Live> {
    for (;;) {
      const current = this.#live;
      const live = await untilAborted(current.catch(() => undefined), signal);
      if (this.closing.aborted) throw cancelled(undefined);
      if (live !== undefined && live.session.error === undefined) return live;
      // Another operation may have begun to connect in the meantime.
      if (this.#live !== current) continue;
      const ending = this.#ending(signal);
      this.#live = ControlSession.open(this.#parts, ending).then((session) => {
        this.#info = session.info;
        return { session, pool: new DataPool(session) };
      });
      return await this.#live;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const live = await this.#live.catch(() => undefined);
    await live?.session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Errors of a second try that may be gone at the third. */
const PASSING: ReadonlySet<FerryErrorCode> = new Set<FerryErrorCode>([
  "connection-lost",
  "connect-failed",
  "busy",
  "unavailable",
  "limit",
]);

/** Whether another try may get an answer that this one did not. */
function mayPass(
  { code }: FerryError,
  attempt: number,
  { ended, opened }: PutTry,
  source: PutSource,
): boolean {
  if (ended && code === "connection-lost") return true;
  // Nothing was published, and a stream cannot be sent twice.
  if (opened && typeof source !== "string") return false;
  return attempt > 0 && PASSING.has(code);
}

function describe(
  error: unknown,
  path: string,
  signal: AbortSignal | undefined,
): FerryError {
  if (signal?.aborted) return cancelled(signal.reason);
  const found = toFerryError(error);
  if (found.path !== undefined) return found;
  const { code, message, side } = found;
  return new FerryError(code, message, { side, path, cause: found.cause });
}
