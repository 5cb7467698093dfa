/**
 * One download over one data connection.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import {
  CHUNK_SIZE,
  type DataFrame,
  type FrameOf,
  type FrameType,
  type MessageBody,
  REPAIR_COUNT_MAX,
} from "../protocol/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import {
  type Digest,
  type DigestAlgorithm,
  type Outcome,
  StorageError,
} from "../storage/mod.ts";
import { untilAborted } from "./abort.ts";
import {
  farewellError,
  FerryError,
  type FerryErrorCode,
  isLost,
  remoteError,
  toFerryError,
} from "./errors.ts";
import { LEAVE_SIZE_MAX } from "./limits.ts";
import { indexesOf, toRuns } from "./runs.ts";
import { StreamSum } from "./stream_sum.ts";
import type { TransferProgress } from "./types.ts";

/** Where the chunks of a download go. */
export interface ChunkSink {
  /** Checks a chunk and takes it. */
  writeChunk(
    index: number,
    bytes: Uint8Array,
    checksum: number,
  ): Promise<void>;
  /** Compares size and digest, and publishes. */
  commit(size: number, digest: Digest): Promise<Outcome>;
  /** Gives up. */
  abort(): Promise<void>;
  /** Gives up for now, where it can be continued. */
  suspend(): Promise<void>;
}

/** What a download is. */
export interface DownloadRequest {
  /** Exchange id. */
  readonly id: number;
  /** Remote name. */
  readonly path: string;
  /** How to sum up the whole file. */
  readonly algorithm: DigestAlgorithm;
  /** Told what has been verified. */
  readonly onProgress: (progress: TransferProgress) => void;
  /** Waits until so many bytes may be received. */
  readonly pace: (bytes: number) => Promise<void>;
  /** Whether the sink takes chunks in any order, so that damaged ones can come again. */
  readonly canRepair: boolean;
  /** Whether what has arrived is kept where the download is interrupted. */
  readonly canResume: boolean;
  /** What the caller may end it with. */
  readonly signal: AbortSignal | undefined;
  /** Makes the sink, once the server has said what comes; or the outcome, if nothing is wanted. */
  readonly open: (opened: MessageBody<"OPENED">) => Promise<
    ChunkSink | Outcome
  >;
}

/** Options of {@linkcode streamSink}. */
export interface StreamSinkOptions {
  /** How to sum up. */
  readonly algorithm: DigestAlgorithm;
  /** Size in bytes, where the server has told it. */
  readonly size: number | undefined;
  /** Ends the wait for a stream that takes nothing. */
  readonly signal: AbortSignal | undefined;
}

/**
 * A sink that passes verified chunks on to a stream. What has passed cannot be
 * taken back: the whole digest is only known at the end.
 *
 * @param stream Where to; not closed.
 * @param options What it is, and how long to wait.
 */
export function streamSink(
  stream: WritableStream<Uint8Array>,
  options: StreamSinkOptions,
): ChunkSink {
  const { algorithm, size: announced = Infinity, signal } = options;
  const writer = stream.getWriter();
  const sum = new StreamSum(algorithm);
  let size = 0;
  return {
    async writeChunk(index, bytes, checksum) {
      if (
        index * CHUNK_SIZE !== size || crc32(bytes) !== checksum ||
        size + bytes.length > announced
      ) {
        throw new FerryError("integrity", "a chunk arrived damaged", {
          side: "local",
        });
      }
      sum.add(bytes, checksum);
      size += bytes.length;
      // The receive buffer is used again; a stream may keep what it is given.
      await untilAborted(
        writer.write(bytes.slice()).catch((cause) => {
          throw new FerryError("io", "the stream to write to broke", {
            side: "local",
            cause,
          });
        }),
        signal,
      );
    },
    commit(sizeSent, digest) {
      const own = sum.digest(size);
      const isWhole = size === sizeSent &&
        (announced === Infinity || size === announced);
      if (!isWhole || own.value !== digest.value) {
        throw new FerryError(
          "integrity",
          "what arrived is not what was sent; what was written so far is wrong",
          { side: "local" },
        );
      }
      writer.releaseLock();
      return Promise.resolve({
        path: "",
        publication: "created",
        size,
        digest: own,
        durable: false,
      });
    },
    abort() {
      writer.releaseLock();
      return Promise.resolve();
    },
    suspend() {
      return this.abort();
    },
  };
}

/** Chunks that arrived, and those that arrived damaged. */
export class ChunkTaker {
  readonly #sink: ChunkSink;
  readonly #pace: (bytes: number) => Promise<void>;
  readonly #canRepair: boolean;
  #written: Promise<void> = Promise.resolve();
  /** Chunks that have to be sent again. */
  readonly damaged = new Set<number>();

  /**
   * @param sink Where chunks go.
   * @param pace Waits until so many bytes may be received.
   * @param canRepair Whether the sink takes a chunk later; otherwise damage is
   * the end.
   */
  constructor(
    sink: ChunkSink,
    pace: (bytes: number) => Promise<void>,
    canRepair: boolean,
  ) {
    this.#sink = sink;
    this.#pace = pace;
    this.#canRepair = canRepair;
  }

  /** Takes a chunk; returns while it is being written. */
  async take(
    { offset, payload, checksum }: DataFrame,
    onWritten: () => void,
  ): Promise<void> {
    await this.#written;
    await this.#pace(payload.length);
    const index = offset / CHUNK_SIZE;
    this.#written = this.#sink.writeChunk(index, payload, checksum).then(
      () => {
        this.damaged.delete(index);
        onWritten();
      },
      (error) => {
        const isDamage = error instanceof StorageError &&
          error.kind === "integrity";
        if (!isDamage || !this.#canRepair) throw error;
        this.damaged.add(index);
      },
    );
    this.#written.catch(() => {});
  }

  /** Waits until every chunk is written. */
  async flush(): Promise<void> {
    await this.#written;
  }
}

/**
 * Receives the frame that may come now on a data connection.
 *
 * @throws {FerryError} What the server says instead.
 */
export async function expectAnswer<T extends FrameType>(
  channel: FrameChannel,
  types: readonly T[],
): Promise<FrameOf<T>> {
  const frame = await channel.receive();
  if (frame === undefined) {
    throw new FerryError(
      "connection-lost",
      "the server closed the data connection",
    );
  }
  if ((types as readonly string[]).includes(frame.type)) {
    return frame as FrameOf<T>;
  }
  if (frame.type === "ERROR") throw new ExchangeError(remoteError(frame.body));
  if (frame.type === "FAIL") throw farewellError(frame.body);
  throw new FerryError("protocol", `the server sent ${frame.type}`);
}

/** The server has ended the exchange, and the connection can be used again. */
export class ExchangeError extends Error {
  override readonly cause: FerryError;

  /** @param cause What the server says. */
  constructor(cause: FerryError) {
    super(cause.message);
    this.name = "ExchangeError";
    this.cause = cause;
  }
}

/** Runs one download of a whole file; {@linkcode Download.run} is called once. */
export class Download {
  /** Whether the connection stands between two transfers. */
  usable = false;
  /** Chunks that were sent again. */
  repaired = 0;
  #transferred = 0;
  readonly #channel: FrameChannel;
  readonly #request: DownloadRequest;
  readonly #cancel: () => void;

  /**
   * @param channel A data connection that stands between two transfers.
   * @param request What to fetch.
   * @param cancel Asks the server to end the exchange.
   */
  constructor(
    channel: FrameChannel,
    request: DownloadRequest,
    cancel: () => void,
  ) {
    this.#channel = channel;
    this.#request = request;
    this.#cancel = cancel;
  }

  /**
   * Fetches the file and publishes it.
   *
   * @throws {FerryError} What the server says.
   * @throws {StorageError} What is wrong with the place it goes to.
   * @throws {NetworkError} When the connection broke.
   */
  async run(): Promise<Outcome> {
    const { id, path, algorithm, open } = this.#request;
    let sink: ChunkSink | undefined;
    try {
      await this.#channel.send({ type: "GET", id, body: { path, algorithm } });
      const opened = await expectAnswer(this.#channel, ["OPENED"]);
      const target = await open(opened.body);
      if ("publication" in target) {
        await this.#leave();
        return target;
      }
      sink = target;
      const { size: total } = opened.body;
      this.#request.onProgress({ transferred: 0, total });
      const end = await this.#receive(sink, total);
      const digest = { algorithm, value: end.digest.toHex() };
      const outcome = await sink.commit(end.size, digest);
      await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} }).then(
        () => this.usable = true,
        () => {},
      );
      return outcome;
    } catch (error) {
      if (sink !== undefined) await giveUp(sink, error, this.#request);
      if (this.#running) await this.#leave().catch(() => {});
      if (!(error instanceof ExchangeError)) throw error;
      this.usable = true;
      throw error.cause;
    }
  }

  get #running(): boolean {
    const state = this.#channel.conversation.exchangeState(this.#request.id);
    return state === "sending" || state === "delivered" ||
      state === "repairing";
  }

  /** Receives all chunks, and those again that arrived damaged. */
  async #receive(
    sink: ChunkSink,
    total: number | undefined,
  ): Promise<MessageBody<"END">> {
    const { id, canRepair, pace } = this.#request;
    const taker = new ChunkTaker(sink, pace, canRepair);
    const end = await this.#receiveChunks(taker, total);
    for (let round = 1; taker.damaged.size > 0; round++) {
      if (round > REPAIR_COUNT_MAX) throw damagedTooOften(round);
      this.repaired += taker.damaged.size;
      const indexes = [...taker.damaged].sort((a, b) => a - b);
      for (const runs of toRuns(indexes)) {
        await this.#channel.send({ type: "WANT", id, body: { runs } });
        await this.#receiveChunks(taker, total, new Set(indexesOf(runs)));
      }
    }
    return (end as FrameOf<"END">).body;
  }

  /** @param wanted What was asked for again; `undefined`: the whole file comes. */
  async #receiveChunks(
    taker: ChunkTaker,
    total: number | undefined,
    wanted?: ReadonlySet<number>,
  ): Promise<FrameOf<"END" | "SENT">> {
    const last = wanted === undefined ? "END" : "SENT";
    let next = 0;
    try {
      for (;;) {
        const frame = await expectAnswer(this.#channel, ["DATA", last]);
        if (frame.type !== "DATA") {
          await taker.flush();
          return frame;
        }
        const { offset, payload: { length } } = frame;
        const isWanted = wanted?.has(offset / CHUNK_SIZE) ?? offset === next;
        if (!isWanted || offset + length > (total ?? Infinity)) {
          throw new FerryError(
            "protocol",
            "the server sent a chunk that was not its turn",
          );
        }
        next += length;
        await taker.take(frame, () => {
          this.#transferred += length;
          const transferred = this.#transferred;
          this.#request.onProgress({ transferred, total });
        });
      }
    } finally {
      await taker.flush().catch(() => {});
    }
  }

  /** Cancels, and drops what still comes, so that the connection can be used again. */
  async #leave(): Promise<void> {
    const { id } = this.#request;
    const { conversation } = this.#channel;
    this.#cancel();
    // All has come already: nothing more would end the wait below.
    if (conversation.exchangeState(id) === "delivered") {
      await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} });
    }
    const end = this.#channel.bytesReceived + LEAVE_SIZE_MAX;
    while (this.#running) {
      if (this.#channel.bytesReceived > end) return;
      const frame = await this.#channel.receive();
      if (frame === undefined || frame.type === "FAIL") return;
      if (conversation.exchangeState(id) === "delivered") {
        await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} });
      }
    }
    this.usable = true;
  }
}

/** Errors of the server after which what has arrived is as good as before. */
const PASSING: ReadonlySet<FerryErrorCode> = new Set<FerryErrorCode>([
  "busy",
  "internal",
  "io",
  "limit",
  "timeout",
  "unavailable",
]);

/**
 * What to do with what has arrived when a download fails: it is kept where
 * nothing was wrong with it. Never throws: the failure itself is what counts.
 */
export async function giveUp(
  sink: ChunkSink,
  error: unknown,
  { canResume, signal }: Pick<DownloadRequest, "canResume" | "signal">,
): Promise<void> {
  const cause = toFerryError(
    error instanceof ExchangeError ? error.cause : error,
  );
  const isInterrupted = signal?.aborted || isLost(cause) ||
    cause.side === "remote" && PASSING.has(cause.code);
  const isKept = canResume && isInterrupted;
  await (isKept ? sink.suspend() : sink.abort()).catch(() => {});
}

/** The error of a chunk that arrives damaged again and again. */
export function damagedTooOften(rounds: number): FerryError {
  return new FerryError(
    "integrity",
    `parts arrived damaged ${rounds} times`,
    { side: "local" },
  );
}
