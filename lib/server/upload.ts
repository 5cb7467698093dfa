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
  #repairs = 0;
  #repaired = 0;
  #toldAt = 0;
  #committing = false;
  #end: UploadEnd | undefined;
  #failed: Promise<void> = Promise.resolve();

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

  /** How it ended; `undefined` while it runs. */
  get end(): UploadEnd | undefined {
    return this.#end;
  }

  /** Opens the place that the file goes to, and says what is there already. */
  async open(): Promise<void> {
    try {
      this.#session.require("write");
      const start = this.#receive();
      this.#start = start.catch(() => undefined);
      const opened = await start;
      // Cancelled meanwhile: that took it back.
      if (this.#end !== undefined) return;
      if (opened.kind === "settled") return await this.#settle(opened.outcome);
      this.#receiving = opened.receiving;
      this.#stream = new UploadStream(this, opened.receiving);
      await this.#tellHeld(opened.receiving);
      await this.#send({ type: "OPENED", id: this.#request.id, body: {} });
    } catch (error) {
      await this.fail(error);
    }
  }

  async #receive(): Promise<ReceiveStart> {
    const { body } = this.#request;
    const { storage } = this.#session.context;
    const path = await storage.locate(body.path, "write");
    const start = await storage.receive(path, {
      id: this.id,
      size: body.size,
      modified: body.modified,
      mode: body.mode,
      onConflict: body.onConflict,
      durability: body.durability,
      algorithm: body.algorithm,
      resume: body.resume !== undefined,
      // Only who has the token may continue; it is never written down itself.
      token: body.resume &&
        createHash("sha256").update(body.resume).digest("hex"),
    });
    if (start.kind === "receiving" && start.receiving.held.count > 0) {
      const { size = 0, modified } = body;
      await start.receiving.setSource({ size, modified, source: undefined });
    }
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
      if (this.#receiving === undefined || this.#end !== undefined) return;
      if (await this.#askAgain(this.#receiving, body.size)) return;
      // From here a cancel, or a client that is gone, changes nothing.
      this.#committing = true;
      const { algorithm } = this.#request.body;
      const outcome = await this.#whileTelling(
        this.#receiving,
        this.#receiving.commit(body.size, {
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

  /** A disk may take its time to sync: the client is to see that somebody is at work. */
  async #whileTelling<T>(receiving: Receiving, work: Promise<T>): Promise<T> {
    const { clock, limits } = this.#session.context;
    let cancel = (): void => {};
    const again = (): void => {
      cancel = clock.after(limits.progressInterval, () => {
        void this.#tellProgress(receiving).then(() => !done && again());
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
    await this.#session.context.storage.acknowledge(this.id);
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
      this.#failed = this.#takeBack(error, isLost(cause));
    }
    return this.#failed;
  }

  async #takeBack(error: WireError, mayComeBack: boolean): Promise<void> {
    const start = await this.#start;
    await this.#stream?.flush().catch(() => {});
    if (start?.kind === "receiving") {
      const isKept = mayComeBack && this.#request.body.resume !== undefined;
      const { receiving } = start;
      // What cannot be removed now is removed by the storage's recovery.
      await (isKept ? receiving.suspend() : receiving.abort()).catch(() => {});
    }
    await this.#send({
      type: "ERROR",
      id: this.#request.id,
      body: { ...errorBody(error), path: this.#request.body.path },
    });
  }

  async #settle(outcome: Outcome): Promise<void> {
    this.#end = { outcome };
    const { path, publication, size, durable, digest, resumedFrom } = outcome;
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
    return this.#session.pace(bytes);
  }

  /** Tells the client how far it is; not too often. */
  async tellProgress(): Promise<void> {
    if (this.#receiving !== undefined) {
      await this.#tellProgress(this.#receiving);
    }
  }

  async #tellProgress(receiving: Receiving): Promise<void> {
    const { clock, limits } = this.#session.context;
    const now = clock.monotonic();
    if (now - this.#toldAt < limits.progressInterval) return;
    this.#toldAt = now;
    await this.#send({
      type: "PROGRESS",
      id: this.#request.id,
      body: { verified: receiving.verifiedBytes },
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

  /**
   * @param upload The upload.
   * @param receiving Where its chunks go.
   */
  constructor(upload: Upload, receiving: Receiving) {
    this.#upload = upload;
    this.#receiving = receiving;
  }

  /** How the upload ended; `undefined` while it runs. */
  get end(): UploadEnd | undefined {
    return this.#upload.end;
  }

  /** Takes a chunk; returns while it is being written. */
  async chunk({ offset, payload, checksum }: DataFrame): Promise<void> {
    try {
      await this.#written;
      if (this.#upload.end !== undefined) return;
      await this.#upload.pace(payload.length);
      await this.#upload.tellProgress();
      if (this.#upload.end !== undefined) return;
      this.#written = this.#receiving
        .writeChunk(offset / CHUNK_SIZE, payload, checksum)
        .catch(forgiveDamage);
      this.#written.catch(() => {});
    } catch (error) {
      await this.#upload.fail(error);
    }
  }

  /** Waits until every chunk is written. */
  async flush(): Promise<void> {
    await this.#written;
  }
}

/** A chunk that does not fit its sum was not written: it is missing, that is all. */
function forgiveDamage(error: unknown): void {
  if (!(error instanceof StorageError && error.kind === "integrity")) {
    throw error;
  }
}
