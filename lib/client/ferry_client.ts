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
import {
  type ChunkReader,
  fileReader,
  spentReader,
  streamReader,
} from "./chunk_reader.ts";
import { ControlSession, type SessionOptions } from "./control_session.ts";
import { DataPool } from "./data_pool.ts";
import { Download, streamSink } from "./download.ts";
import { cancelled, FerryError, toFerryError } from "./errors.ts";
import { RETRY_DELAY_MIN } from "./limits.ts";
import { listPages, remoteEntry } from "./listing.ts";
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
import { Upload, type UploadResult } from "./upload.ts";

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
}

/** One try of an upload. */
interface PutTry {
  result?: UploadResult;
  error?: FerryError;
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
  #closed = false;

  /**
   * @param parts What it is made with.
   * @param session A logged-in session.
   */
  constructor(parts: ClientParts, session: ControlSession) {
    this.#parts = parts;
    this.#info = session.info;
    this.#live = Promise.resolve({ session, pool: new DataPool(session) });
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
      const entry = remoteEntry(body.path, body);
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
        if (typeof target !== "string") return streamSink(target, algorithm);
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
    return await settle(
      download.run().then(finish),
      () => download.usable,
    );
  }

  async put(
    source: PutSource,
    path: string,
    options: TransferOptions = {},
  ): Promise<Receipt> {
    checkName(path);
    const { random, retries } = this.#parts;
    const upload = random.bytes(UPLOAD_ID_SIZE);
    const job: PutJob = { source, path, upload, options };
    let wireBytes = 0;
    for (let attempt = 0;; attempt++) {
      const tried = await this.#tryPut(job, attempt);
      wireBytes += tried.wireBytes;
      if (tried.result !== undefined) {
        const local = typeof source === "string" ? source : undefined;
        return { ...tried.result, local, wireBytes };
      }
      const error = describe(tried.error, path, options.signal);
      const askAgain = attempt < retries && (
        tried.ended && error.code === "connection-lost" ||
        attempt > 0 && isPassing(error)
      );
      if (!askAgain) throw error;
      await this.#waitToRetry(attempt + 1, error, options.signal);
    }
  }

  async #tryPut(job: PutJob, attempt: number): Promise<PutTry> {
    const { signal } = job.options;
    const tried: PutTry = { ended: attempt > 0, wireBytes: 0 };
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
    { path, upload, options }: PutJob,
    reader: ChunkReader,
    tried: PutTry,
  ): Promise<Used<UploadResult>> {
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
        onProgress: options.onProgress ?? (() => {}),
      },
      reader,
      () => session.cancel(id),
    );
    const used = await settle(run.run(), () => run.state.usable);
    tried.ended ||= run.state.ended;
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
    await sleep(clock, delay, signal).catch((reason) => {
      throw cancelled(reason);
    });
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
    signal?.throwIfAborted();
    for (;;) {
      const current = this.#live;
      const live = await current.catch(() => undefined);
      if (this.#closed) throw cancelled(undefined);
      if (live !== undefined && live.session.error === undefined) return live;
      // Another operation may have begun to connect in the meantime.
      if (this.#live !== current) continue;
      this.#live = ControlSession.open(this.#parts, signal).then((session) => {
        this.#info = session.info;
        return { session, pool: new DataPool(session) };
      });
      return await this.#live;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const live = await this.#live.catch(() => undefined);
    await live?.session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What came of a transfer, and whether its connection can be used again. */
interface Used<T> {
  readonly usable: boolean;
  readonly result: PromiseSettledResult<T>;
}

async function settle<T>(
  work: Promise<T>,
  usable: () => boolean,
): Promise<Used<T>> {
  const [result] = await Promise.allSettled([work]);
  return { usable: usable(), result };
}

/** Lends a connection to one transfer; an abort closes it, so that nothing waits. */
async function useChannel<T>(
  pool: DataPool,
  signal: AbortSignal | undefined,
  work: (channel: FrameChannel) => Promise<Used<T>>,
): Promise<T> {
  const channel = await pool.borrow(signal);
  const onAbort = () => channel.close();
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  let usable = false;
  try {
    const used = await work(channel);
    usable = used.usable && !signal?.aborted;
    if (used.result.status === "rejected") throw used.result.reason;
    return used.result.value;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    pool.giveBack(channel, usable);
  }
}

function wireBytes(channel: FrameChannel): number {
  return channel.bytesReceived + channel.bytesSent;
}

/** Whether an error of a second try may be gone at the third. */
function isPassing({ code }: FerryError): boolean {
  return code === "connection-lost" || code === "connect-failed" ||
    code === "busy" || code === "unavailable";
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
