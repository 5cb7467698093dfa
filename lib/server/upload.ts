/**
 * One upload, as the server sees it: driven by the frames of its data
 * connections.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  CHUNK_SIZE,
  type DataFrame,
  type FrameOf,
  type Message,
  REPAIR_COUNT_MAX,
  RUN_COUNT_MAX,
  type WireRun,
} from "../protocol/mod.ts";
import {
  type Outcome,
  type ReceiveStart,
  type Receiving,
  StorageError,
} from "../storage/mod.ts";
import { type FrameChannel, NetworkError } from "../transport/mod.ts";
import {
  errorBody,
  RefusalError,
  type WireError,
  wireError,
} from "./errors.ts";
import { packSums } from "./fetch.ts";
import type { Session } from "./session.ts";

/** How an upload ended. */
export type UploadEnd =
  | { readonly outcome: Outcome }
  | { readonly error: WireError; readonly cause: unknown };

/** The key of a user's upload in {@linkcode SessionContext.uploads}. */
export function uploadKey({ user }: Session, upload: Uint8Array): string {
  return `${upload.toHex()} ${user}`;
}

/** Bytes that are verified before the client is told, even if it has been a moment ago: 4 MiB. */
const PROGRESS_SIZE = 4_194_304;

/** Whether the sender is gone, and may come back. */
function isLost(cause: unknown): boolean {
  return cause instanceof NetworkError ||
    cause instanceof RefusalError && cause.code === "unavailable";
}

/**
 * Receives one file. Whatever goes wrong is told to the client once, with
 * `ERROR`; what comes after that is dropped. A damaged chunk does not go wrong:
 * it is missing at the end, and asked for again.
 */
export class Upload {
  readonly #session: Session;
  readonly #channel: FrameChannel;
  readonly #request: FrameOf<"PUT">;
  #start: Promise<ReceiveStart | undefined> = Promise.resolve(undefined);
  #receiving: Receiving | undefined;
  #stream: UploadStream | undefined;
  /** Bytes of the file that were there; `undefined` until it is opened. */
  #heldBytes: number | undefined;
  #repairs = 0;
  #repaired = 0;
  /** What the client knows, and since when. */
  #told = { at: 0, verified: 0 };
  #committing = false;
  #end: UploadEnd | undefined;
  #failed: Promise<void> = Promise.resolve();
  readonly #finished = Promise.withResolvers<void>();

  /**
   * @param session Who sends.
   * @param channel The data connection.
   * @param request What is sent.
   */
  constructor(
    session: Session,
    channel: FrameChannel,
    request: FrameOf<"PUT">,
  ) {
    this.#session = session;
    this.#channel = channel;
    this.#request = request;
  }

  /** The upload's id, in hexadecimal. */
  get id(): string {
    return this.#request.body.upload.toHex();
  }

  /** Tells it from all others that are open: two users may have the same id. */
  get key(): string {
    return uploadKey(this.#session, this.#request.body.upload);
  }

  /** Who sends. */
  get session(): Session {
    return this.#session;
  }

  /** How it ended; `undefined` while it runs. */
  get end(): UploadEnd | undefined {
    return this.#end;
  }

  /** Resolves when it has ended, one way or the other, and lets go of everything. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** Whether it is being published. */
  get isCommitting(): boolean {
    return this.#committing;
  }

  /** Opens the place that the file goes to, and says what is there already. */
  async open(): Promise<void> {
    // Cancelled before it began.
    if (this.#end !== undefined) return;
    try {
      this.#session.require("write");
      const start = this.#receive();
      this.#start = start.catch(() => undefined);
      const opened = await this.whileTelling(start);
      // Cancelled meanwhile: that took it back.
      if (this.#end !== undefined) return;
      if (opened.kind === "settled") return await this.#settle(opened.outcome);
      this.#takeOver();
      this.#receiving = opened.receiving;
      this.#stream = new UploadStream(this, opened.receiving);
      this.#heldBytes = opened.receiving.held.bytes;
      this.#told = { at: 0, verified: this.#heldBytes };
      await this.#tellHeld(opened.receiving);
      await this.#send({ type: "OPENED", id: this.#request.id, body: {} });
    } catch (error) {
      await this.fail(error);
    }
  }

  /** Ends the predecessor: a client that comes back may find itself still there. */
  #takeOver(): void {
    const { uploads } = this.#session.context;
    const before = uploads.get(this.key);
    uploads.set(this.key, this);
    // It does not hold the storage any more, and whether it hears of it or not
    // is of no interest.
    void before?.fail(
      new RefusalError("cancelled", "a newer connection goes on with it"),
    );
  }

  async #receive(): Promise<ReceiveStart> {
    const { body } = this.#request;
    const { storage } = this.#session;
    const path = await storage.locate(body.path, "write");
    const request = {
      id: this.id,
      size: body.size,
      modified: body.modified,
      mode: body.mode,
      onConflict: body.onConflict,
      durability: body.durability,
      algorithm: body.algorithm,
      resume: body.resume !== undefined,
      // Only the user who has the token may continue; it is never written down
      // itself.
      token: body.resume &&
        createHash("sha256").update(body.resume).update(this.#session.user)
          .digest("hex"),
    };
    const start = await storage.receive(path, request);
    if (start.kind === "settled" || start.receiving.held.count === 0) {
      return start;
    }
    const { size, modified } = body;
    if (size === undefined) {
      // How much of what is held such a file still has, nobody knows.
      await start.receiving.abort();
      return await storage.receive(path, request);
    }
    await start.receiving.setSource({ size, modified, source: undefined });
    return start;
  }

  async #tellHeld({ held }: Receiving): Promise<void> {
    for (const { first, sums } of held.runs()) {
      await this.#send({
        type: "HAVE",
        id: this.#request.id,
        body: { first, sums: packSums(sums) },
      });
    }
  }

  /** Another stream of chunks, from a connection that joined. */
  join(): UploadStream {
    if (this.#receiving === undefined || this.#end !== undefined) {
      throw new RefusalError("not-found", "that upload is not open");
    }
    return new UploadStream(this, this.#receiving);
  }

  /** Takes a chunk; returns while it is being written. */
  async chunk(frame: DataFrame): Promise<void> {
    await this.#stream?.chunk(frame);
  }

  /** Takes the end; asks for what is missing, or publishes. */
  async commit({ body }: FrameOf<"END">): Promise<void> {
    try {
      await this.#stream?.flush();
      const receiving = this.#receiving;
      if (receiving === undefined || this.#end !== undefined) return;
      if (await this.#askAgain(receiving, body.size)) return;
      // From here a cancel, or a client that is gone, changes nothing.
      this.#committing = true;
      const { algorithm } = this.#request.body;
      const outcome = await this.whileTelling(
        receiving.commit(body.size, {
          algorithm,
          value: body.digest.toHex(),
        }),
      );
      await this.#settle(outcome);
    } catch (error) {
      this.#committing = false;
      await this.fail(error);
    }
  }

  /** Asks for the chunks that are not there, if any is. */
  async #askAgain(receiving: Receiving, size: number): Promise<boolean> {
    const runs: WireRun[] = [];
    for (const run of receiving.missing(size)) {
      runs.push(run);
      if (runs.length === RUN_COUNT_MAX) break;
    }
    if (runs.length === 0) return false;
    this.#repairs++;
    if (this.#repairs > REPAIR_COUNT_MAX) {
      throw new StorageError(
        "integrity",
        `chunks were missing or damaged ${this.#repairs} times`,
      );
    }
    for (const { count } of runs) this.#repaired += count;
    await this.#send({ type: "AGAIN", id: this.#request.id, body: { runs } });
    return true;
  }

  /** A disk may take its time: the client is to see that somebody is at work. */
  async whileTelling<T>(work: Promise<T>): Promise<T> {
    const { clock, limits } = this.#session.context;
    let cancel = (): void => {};
    const again = (): void => {
      cancel = clock.after(limits.progressInterval, () => {
        void this.tellProgress().then(() => !done && again());
      });
    };
    let done = false;
    again();
    try {
      return await work;
    } finally {
      done = true;
      cancel();
    }
  }

  /** The client knows the outcome. */
  async acknowledge(): Promise<void> {
    await this.#session.storage.acknowledge(this.id);
  }

  /**
   * Ends the upload without a file, unless it has ended or is being published.
   * What was received stays for a client that was lost and may come back, if it
   * asked for that. Never throws; resolves when the upload lets go of everything.
   */
  fail(cause: unknown): Promise<void> {
    if (this.#end === undefined && !this.#committing) {
      const error = wireError(cause);
      this.#end = { error, cause };
      this.#failed = this.#takeBack(error, cause)
        .finally(() => this.#finished.resolve());
    }
    return this.#failed;
  }

  async #takeBack(error: WireError, cause: unknown): Promise<void> {
    const start = await this.#start;
    await this.#stream?.settled();
    if (start?.kind === "receiving") {
      const isKept = isLost(cause) && this.#request.body.resume !== undefined;
      const { receiving } = start;
      // What cannot be removed now is removed by the storage's recovery.
      await (isKept ? receiving.suspend() : receiving.abort()).catch(() => {});
    }
    // Nobody listens, or a FAIL says why.
    if (cause instanceof NetworkError) return;
    await this.#send({
      type: "ERROR",
      id: this.#request.id,
      body: { ...errorBody(error), path: this.#request.body.path },
    });
  }

  async #settle(outcome: Outcome): Promise<void> {
    this.#end = { outcome };
    this.#finished.resolve();
    const { path, publication, size, durable, digest } = outcome;
    const resumedFrom = this.#heldBytes ?? outcome.resumedFrom;
    await this.#send({
      type: "RECEIPT",
      id: this.#request.id,
      body: {
        path,
        publication,
        size,
        durable,
        digest: digest && Uint8Array.fromHex(digest.value),
        resumedFrom,
        repaired: this.#repaired === 0 ? undefined : this.#repaired,
      },
    });
  }

  /** Waits until so many bytes more may be taken. */
  pace(bytes: number): Promise<void> {
    return this.whileTelling(this.#session.pace.take(bytes));
  }

  /** Tells the client how far it is; neither too often nor too late. */
  async tellProgress(): Promise<void> {
    if (this.#end !== undefined) return;
    const { clock, limits } = this.#session.context;
    const now = clock.monotonic();
    const verified = this.#receiving?.verifiedBytes ?? 0;
    const isEarly = now - this.#told.at < limits.progressInterval &&
      verified - this.#told.verified < PROGRESS_SIZE;
    if (isEarly) return;
    this.#told = { at: now, verified };
    await this.#send({
      type: "PROGRESS",
      id: this.#request.id,
      body: { verified },
    });
  }

  /** Sends; a client that is gone is found by the receiving side. */
  async #send(frame: Message): Promise<void> {
    await this.#channel.send(frame).catch(() => {});
  }
}

/** Chunks of an upload that come over one connection. */
export class UploadStream {
  readonly #upload: Upload;
  readonly #receiving: Receiving;
  #written: Promise<void> = Promise.resolve();
  /** What the client did wrong here. */
  refusal: RefusalError | undefined;

  /**
   * @param upload The upload.
   * @param receiving Where its chunks go.
   */
  constructor(upload: Upload, receiving: Receiving) {
    this.#upload = upload;
    this.#receiving = receiving;
  }

  /** Why nothing more is taken here; `undefined` while it is. */
  get ending(): unknown {
    const { end } = this.#upload;
    if (end === undefined) return this.refusal;
    return "error" in end ? end.cause : overError();
  }

  /** Takes a chunk; returns while it is being written. */
  async chunk({ offset, payload, checksum }: DataFrame): Promise<void> {
    try {
      await this.#upload.whileTelling(this.#written);
      if (this.#upload.end !== undefined) return;
      if (this.#upload.isCommitting) {
        this.refusal ??= new RefusalError(
          "protocol",
          "a chunk came while the upload was being published",
        );
        return;
      }
      await this.#upload.pace(payload.length);
      await this.#upload.tellProgress();
      if (this.#upload.end !== undefined) return;
      this.#written = this.#receiving
        .writeChunk(offset / CHUNK_SIZE, payload, checksum)
        .catch(forgiveDamage);
      // Told at once: the client may have nothing more to send for now.
      this.#written.catch((error) => this.#upload.fail(error));
    } catch (error) {
      await this.#upload.fail(error);
    }
  }

  /** Waits until nothing is being written. */
  async settled(): Promise<void> {
    await this.#written.catch(() => {});
  }

  /**
   * Waits until every chunk is written.
   *
   * @throws {StorageError} When one could not be; the upload fails with it.
   */
  async flush(): Promise<void> {
    try {
      await this.#upload.whileTelling(this.#written);
    } catch (error) {
      await this.#upload.fail(error);
      throw error;
    }
  }
}

function overError(): RefusalError {
  return new RefusalError("cancelled", "the upload is over");
}

/** A chunk that does not fit its sum was not written: it is missing, that is all. */
function forgiveDamage(error: unknown): void {
  if (!(error instanceof StorageError && error.kind === "integrity")) {
    throw error;
  }
}
