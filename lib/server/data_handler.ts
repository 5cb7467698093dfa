/**
 * One data connection: transfers, one after the other.
 *
 * @module
 */

import {
  type DataFrame,
  type Frame,
  type FrameOf,
  malformed,
  type MessageFrame,
} from "../protocol/mod.ts";
import { type FrameChannel, NetworkError } from "../transport/mod.ts";
import { repairFile, sendFile } from "./download.ts";
import { errorBody, RefusalError, wireError } from "./errors.ts";
import { Fetch } from "./fetch.ts";
import type { KeptExchange, Session } from "./session.ts";
import { StoreQueue } from "./store_queue.ts";
import { Upload, uploadKey, type UploadStream } from "./upload.ts";

/** A request that names a file to move. */
type TransferRequest =
  | MessageFrame<"GET">
  | MessageFrame<"PUT">
  | MessageFrame<"FETCH">
  | MessageFrame<"JOIN">;

/** Frames that begin an exchange. */
const REQUESTS: ReadonlySet<string> = new Set<
  TransferRequest["type"] | "STORE"
>(
  ["GET", "PUT", "FETCH", "JOIN", "STORE"],
);

/** A file that was sent; the client may ask for chunks of it again. */
interface Delivered {
  readonly request: FrameOf<"GET">;
  readonly identity: string;
  readonly size: number;
  readonly began: number;
}

/** Serves an attached data connection until it ends. */
export class DataHandler {
  readonly #session: Session;
  readonly #channel: FrameChannel;
  readonly #small: StoreQueue;
  readonly #delivered = new Map<number, Delivered>();
  /** Exchanges that may wait for the client. */
  readonly #kept = new Map<number, KeptExchange>();
  #upload: Upload | undefined;
  #joined: { readonly id: number; readonly stream: UploadStream } | undefined;
  #fetch:
    | {
      readonly request: FrameOf<"FETCH">;
      readonly open: Fetch;
      readonly began: number;
    }
    | undefined;
  /** Resolves when the upload at hand has ended and is logged. */
  #uploadRun: Promise<void> = Promise.resolve();

  /**
   * @param session Whose it is.
   * @param channel The attached connection.
   */
  constructor(session: Session, channel: FrameChannel) {
    this.#session = session;
    this.#channel = channel;
    this.#small = new StoreQueue(session, channel);
  }

  /**
   * Runs until the connection ends.
   *
   * @throws {ProtocolError} When the client broke the rules.
   * @throws {NetworkError} When the connection broke.
   */
  async run(): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#channel.receive();
        if (frame === undefined) break;
        await this.#handle(frame);
      }
    } finally {
      this.#closeFetch();
      // The end of a connection publishes nothing.
      await this.#upload?.fail(
        new NetworkError("closed", "the data connection ended"),
      );
      await this.#uploadRun;
      await this.#joined?.stream.settled();
      await this.#small.finish();
      for (const id of [...this.#kept.keys()]) this.#forget(id);
    }
  }

  async #handle(frame: Frame): Promise<void> {
    if (REQUESTS.has(frame.type) && this.#small.owesChunk) {
      throw malformed(`${frame.type} came before the chunk of a STORE`);
    }
    switch (frame.type) {
      case "PUT":
        return await this.#put(frame);
      case "DATA":
        return await this.#data(frame);
      case "END":
        await this.#upload?.commit(frame);
        return;
      case "GET":
        return await this.#get(frame);
      case "WANT":
        return await this.#want(frame);
      case "SUMS":
        return await this.#fetching(
          frame.id,
          (open, signal) => open.sums(frame.body.runs, signal),
        );
      case "FETCH":
        return await this.#open(frame);
      case "JOIN":
        return await this.#join(frame);
      case "FLUSH":
        return await this.#flush(frame.id);
      case "STORE":
        return await this.#small.store(frame);
      case "ACKNOWLEDGE":
        return await this.#acknowledge(frame.id);
      case "FAIL":
        throw new NetworkError("closed", frame.body.message);
    }
  }

  async #data(frame: DataFrame): Promise<void> {
    if (await this.#small.chunk(frame)) return;
    const joined = this.#joined;
    if (joined?.id === frame.id) {
      if (!this.#isCancelled(frame.id)) await joined.stream.chunk(frame);
      return await this.#refuseJoined();
    }
    await this.#upload?.chunk(frame);
  }

  async #acknowledge(id: number): Promise<void> {
    if (await this.#small.acknowledge(id)) return;
    this.#forget(id);
    const delivered = this.#delivered.get(id);
    if (delivered !== undefined) {
      this.#delivered.delete(id);
      const { request, size, began } = delivered;
      return this.#reportSent(request, { size, bytes: size, began });
    }
    if (this.#fetch?.request.id === id) {
      const { request, open, began } = this.#fetch;
      const { size, sentBytes: bytes } = open;
      this.#closeFetch();
      return this.#reportSent(request, { size, bytes, began });
    }
    if (this.#joined?.id === id) {
      this.#joined = undefined;
      return;
    }
    await this.#upload?.acknowledge();
    this.#upload = undefined;
  }

  async #put(frame: FrameOf<"PUT">): Promise<void> {
    const upload = new Upload(this.#session, this.#channel, frame);
    const began = this.#now();
    this.#upload = upload;
    this.#uploadRun = this.#session.run(frame.id, async (signal) => {
      const onAbort = () => void upload.fail(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      await upload.finished;
      const { uploads } = this.#session.context;
      if (uploads.get(upload.key) === upload) uploads.delete(upload.key);
      this.#reportUpload(frame, upload, began);
    });
    await upload.open();
  }

  async #join(frame: FrameOf<"JOIN">): Promise<void> {
    const { id, body } = frame;
    try {
      this.#session.require("write");
      const { uploads } = this.#session.context;
      const upload = uploads.get(uploadKey(this.#session, body.upload));
      if (upload?.session !== this.#session) {
        throw new RefusalError("not-found", "that upload is not open");
      }
      this.#joined = { id, stream: upload.join() };
      this.#keep(id);
      await this.#channel.send({ type: "OPENED", id, body: {} });
    } catch (error) {
      await this.#refuse(frame, error);
    }
  }

  /** The stream or its upload has ended: what still comes here is in vain. */
  async #refuseJoined(): Promise<void> {
    const { id, stream } = this.#joined!;
    const ending = this.#kept.get(id)?.signal.reason ?? stream.ending;
    if (ending === undefined) return;
    this.#joined = undefined;
    this.#forget(id);
    const body = errorBody(wireError(ending));
    await this.#channel.send({ type: "ERROR", id, body });
  }

  async #flush(id: number): Promise<void> {
    if (this.#joined?.id !== id) return;
    // What failed has ended the upload, and is told below.
    await this.#joined.stream.flush().catch(() => {});
    await this.#refuseJoined();
    if (this.#joined === undefined) return;
    await this.#channel.send({ type: "FLUSHED", id, body: {} });
  }

  async #get(frame: FrameOf<"GET">): Promise<void> {
    this.#keep(frame.id);
    const began = this.#now();
    await this.#answering(frame, async (signal) => {
      const sent = await sendFile(this.#session, this.#channel, frame, signal);
      this.#delivered.set(frame.id, { request: frame, began, ...sent });
    });
  }

  async #want({ id, body: { runs } }: FrameOf<"WANT">): Promise<void> {
    const delivered = this.#delivered.get(id);
    if (delivered === undefined) {
      return await this.#fetching(
        id,
        (open, signal) => open.want(runs, signal),
      );
    }
    const { request, identity } = delivered;
    const isDone = await this.#answering(
      request,
      (signal) =>
        repairFile(
          this.#session,
          this.#channel,
          request,
          { identity, runs },
          signal,
        ),
    );
    if (!isDone) this.#delivered.delete(id);
  }

  async #open(frame: FrameOf<"FETCH">): Promise<void> {
    this.#keep(frame.id);
    const began = this.#now();
    await this.#answering(frame, async () => {
      const open = await Fetch.open(this.#session, this.#channel, frame);
      this.#fetch = { request: frame, open, began };
    });
  }

  async #fetching(
    id: number,
    work: (open: Fetch, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const active = this.#fetch;
    if (active === undefined || active.request.id !== id) return;
    const isDone = await this.#answering(
      active.request,
      (signal) => work(active.open, signal),
    );
    if (!isDone) this.#closeFetch();
  }

  #closeFetch(): void {
    this.#fetch?.open[Symbol.dispose]();
    this.#fetch = undefined;
  }

  /** Runs an exchange that ends with `ERROR` if anything goes wrong. */
  async #answering(
    frame: TransferRequest,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    let isDone = true;
    const kept = this.#kept.get(frame.id)?.signal;
    await this.#session.run(frame.id, async (signal) => {
      try {
        kept?.throwIfAborted();
        await work(signal);
      } catch (error) {
        if (error instanceof NetworkError) throw error;
        isDone = false;
        this.#forget(frame.id);
        await this.#refuse(frame, error);
      }
    });
    return isDone;
  }

  #keep(id: number): void {
    this.#kept.set(id, this.#session.keep(id));
  }

  #forget(id: number): void {
    this.#kept.get(id)?.[Symbol.dispose]();
    this.#kept.delete(id);
  }

  #isCancelled(id: number): boolean {
    return this.#kept.get(id)?.signal.aborted === true;
  }

  async #refuse(frame: TransferRequest, error: unknown): Promise<void> {
    const path = "path" in frame.body ? frame.body.path : undefined;
    this.#session.reportRefusal(frame, error);
    await this.#channel.send({
      type: "ERROR",
      id: frame.id,
      body: { ...errorBody(wireError(error)), path },
    });
  }

  #reportUpload(
    frame: FrameOf<"PUT">,
    { end }: Upload,
    began: number,
  ): void {
    if (end === undefined) return;
    if ("error" in end) {
      return this.#session.reportRefusal(frame, end.cause);
    }
    const { path, publication, size, durable, resumedFrom = 0 } = end.outcome;
    this.#session.report({
      type: "received",
      request: frame.type,
      id: frame.id,
      path,
      publication,
      size,
      resumedFrom,
      durable,
      duration: this.#now() - began,
    });
  }

  #reportSent(
    { id, type, body: { path } }: FrameOf<"GET"> | FrameOf<"FETCH">,
    { size, bytes, began }: {
      readonly size: number;
      readonly bytes: number;
      readonly began: number;
    },
  ): void {
    const duration = this.#now() - began;
    const request = type;
    this.#session.report({
      type: "sent",
      request,
      id,
      path,
      size,
      bytes,
      duration,
    });
  }

  #now(): number {
    return this.#session.context.clock.monotonic();
  }
}
