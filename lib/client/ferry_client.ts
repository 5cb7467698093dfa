/**
 * The client: a session that is made anew when it was lost, and the operations
 * on it.
 *
 * @module
 */

import type { Clock, Random } from "../platform/mod.ts";
import { remoteNameProblem } from "../protocol/mod.ts";
import type {
  Attributes,
  ConflictPolicy,
  DigestAlgorithm,
  Disk,
  Publication,
} from "../storage/mod.ts";
import { Pacer } from "../transport/mod.ts";
import { untilAborted } from "./abort.ts";
import { ControlSession, type SessionOptions } from "./control_session.ts";
import { DataPool } from "./data_pool.ts";
import { cancelled, describe, FerryError } from "./errors.ts";
import { GetJob } from "./get_job.ts";
import { listPages, remoteEntry } from "./listing.ts";
import { PutJob } from "./put_job.ts";
import { type Live, Retries, type TransferHost } from "./retries.ts";
import { moveSmallFiles, type SmallRequest } from "./small_job.ts";
import type {
  Client,
  ConnectionEvent,
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
  /** Called when the session is lost, and when it is there again. */
  readonly onConnection: (event: ConnectionEvent) => void;
  /** Where what interrupted uploads need is kept; `undefined`: nowhere. */
  readonly stateFolder: string | undefined;
  /** Bytes a second that all transfers together may move; `undefined`: no limit. */
  readonly rateMax: number | undefined;
}

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
  readonly #host: TransferHost;
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
    this.#watch(session);
    this.#live = Promise.resolve({ session, pool: new DataPool(session) });
    const { clock, retries, onReconnect, rateMax } = parts;
    const pacer = new Pacer(clock, { total: rateMax });
    this.#host = {
      ...parts,
      pace: (bytes, signal) =>
        rateMax === undefined
          ? Promise.resolve()
          : pacer.take(this, bytes, this.#ending(signal)),
      live: (signal) => this.#session(signal),
      retries: () =>
        new Retries({
          clock,
          countMax: retries,
          onReconnect,
          ending: (signal) => this.#ending(signal),
        }),
    };
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

  async moveSmall(request: SmallRequest): Promise<void> {
    for (const { path } of request.files) checkName(path);
    await moveSmallFiles(this.#host, request);
  }

  setAttributes(
    path: string,
    attributes: Attributes,
    options: OperationOptions = {},
  ): Promise<void> {
    return this.#operate(path, options.signal, async ({ session }) => {
      await session.request(
        ["SET_ATTRIBUTES", "DONE"],
        { path, ...attributes },
        options.signal,
      );
    });
  }

  async get(
    path: string,
    target: GetTarget,
    options: TransferOptions = {},
  ): Promise<Receipt> {
    checkName(path);
    return await new GetJob(this.#host, path, target, options).run();
  }

  async put(
    source: PutSource,
    path: string,
    options: TransferOptions = {},
  ): Promise<Receipt> {
    checkName(path);
    return await new PutJob(this.#host, source, path, options).run();
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
        this.#watch(session);
        this.#parts.onConnection({ kind: "back", info: session.info });
        return { session, pool: new DataPool(session) };
      });
      return await this.#live;
    }
  }

  #watch(session: ControlSession): void {
    session.onLost((error) => {
      const isOver = this.closing.aborted;
      if (!isOver) this.#parts.onConnection({ kind: "lost", error });
    });
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
