/**
 * One upload, as the server sees it: driven by the frames of its data connection.
 *
 * @module
 */

import {
  CHUNK_SIZE,
  type DataFrame,
  type FrameOf,
  type Message,
} from "../protocol/mod.ts";
import type { Outcome, ReceiveStart, Receiving } from "../storage/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import { errorBody, type WireError, wireError } from "./errors.ts";
import type { Session } from "./session.ts";

/** How an upload ended. */
export type UploadEnd =
  | { readonly outcome: Outcome }
  | { readonly error: WireError; readonly cause: unknown };

/**
 * Receives one file. Whatever goes wrong is told to the client once, with
 * `ERROR`; what comes after that is dropped.
 */
export class Upload {
  readonly #session: Session;
  readonly #channel: FrameChannel;
  readonly #request: FrameOf<"PUT">;
  #start: Promise<ReceiveStart | undefined> = Promise.resolve(undefined);
  #receiving: Receiving | undefined;
  #written: Promise<void> = Promise.resolve();
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

  /** How it ended; `undefined` while it runs. */
  get end(): UploadEnd | undefined {
    return this.#end;
  }

  /** Opens the place that the file goes to. */
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
      await this.#send({ type: "OPENED", id: this.#request.id, body: {} });
    } catch (error) {
      await this.fail(error);
    }
  }

  async #receive(): Promise<ReceiveStart> {
    const { body } = this.#request;
    const { storage } = this.#session.context;
    const path = await storage.locate(body.path, "write");
    return await storage.receive(path, {
      id: body.upload.toHex(),
      size: body.size,
      modified: body.modified,
      onConflict: body.onConflict,
      durability: body.durability,
      algorithm: body.algorithm,
    });
  }

  /** Takes a chunk; returns while it is being written. */
  async chunk({ offset, payload, checksum }: DataFrame): Promise<void> {
    try {
      await this.#written;
      if (this.#receiving === undefined || this.#end !== undefined) return;
      await this.#tellProgress(this.#receiving);
      if (this.#end !== undefined) return;
      this.#written = this.#receiving.writeChunk(
        offset / CHUNK_SIZE,
        payload,
        checksum,
      );
      this.#written.catch(() => {});
    } catch (error) {
      await this.fail(error);
    }
  }

  /** Takes the end, and publishes. */
  async commit({ body }: FrameOf<"END">): Promise<void> {
    try {
      await this.#written;
      if (this.#receiving === undefined || this.#end !== undefined) return;
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
    const id = this.#request.body.upload.toHex();
    await this.#session.context.storage.acknowledge(id);
  }

  /**
   * Ends the upload without a file, unless it has ended or is being published.
   * Never throws; resolves when nothing is left of it.
   */
  fail(cause: unknown): Promise<void> {
    if (this.#end === undefined && !this.#committing) {
      const error = wireError(cause);
      this.#end = { error, cause };
      this.#failed = this.#takeBack(error);
    }
    return this.#failed;
  }

  async #takeBack(error: WireError): Promise<void> {
    const start = await this.#start;
    await this.#written.catch(() => {});
    if (start?.kind === "receiving") {
      // What cannot be removed now is removed by the storage's recovery.
      await start.receiving.abort().catch(() => {});
    }
    await this.#send({
      type: "ERROR",
      id: this.#request.id,
      body: { ...errorBody(error), path: this.#request.body.path },
    });
  }

  async #settle(outcome: Outcome): Promise<void> {
    this.#end = { outcome };
    const { path, publication, size, durable, digest } = outcome;
    await this.#send({
      type: "RECEIPT",
      id: this.#request.id,
      body: {
        path,
        publication,
        size,
        durable,
        digest: digest && Uint8Array.fromHex(digest.value),
      },
    });
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
