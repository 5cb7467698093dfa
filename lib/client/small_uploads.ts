/**
 * Many small files on their way out over one data connection, none of them
 * waiting for the one before it.
 *
 * @module
 */

import {
  CHUNK_SIZE,
  EXCHANGE_COUNT_MAX,
  HEADER_SIZE,
  type MessageBody,
  REPAIR_COUNT_MAX,
} from "../protocol/mod.ts";
import {
  openLocalSource,
  smallDigest,
  type SourceChunk,
} from "../storage/mod.ts";
import { type FrameChannel, JOINED_FRAME_MAX } from "../transport/mod.ts";
import type { ControlSession } from "./control_session.ts";
import { describe, FerryError, remoteError } from "./errors.ts";
import { Latch } from "./latch.ts";
import type { TransferHost } from "./retries.ts";
import type { SmallFile, SmallResults } from "./small_job.ts";
import type { TransferOptions } from "./types.ts";

/** A file whose answer has not come yet. */
interface Sent {
  readonly file: SmallFile;
  readonly size: number;
  readonly digest: string;
}

/** Sends small files; {@linkcode SmallUploads.run} is called once. */
export class SmallUploads {
  /** Whether the connection stands between two transfers. */
  usable = false;
  readonly #host: TransferHost;
  readonly #session: ControlSession;
  readonly #channel: FrameChannel;
  readonly #options: TransferOptions;
  readonly #results: SmallResults;
  readonly #sent = new Map<number, Sent>();
  readonly #changed = new Latch();
  /** Those that arrived damaged, and how often each did. */
  readonly #again: SmallFile[] = [];
  readonly #repairs = new Map<SmallFile, number>();
  #isAllSent = false;
  /** What a server said that is shutting down: whatever it did not take is sent again. */
  #leaving: FerryError | undefined;
  /** Resolves when all that was acknowledged so far is on its way. */
  #acknowledged: Promise<void> = Promise.resolve();

  /**
   * @param host What it works with.
   * @param session The session.
   * @param channel A data connection that stands between two transfers.
   * @param options How files are sent.
   * @param results Told of every file.
   */
  constructor(
    host: TransferHost,
    session: ControlSession,
    channel: FrameChannel,
    options: TransferOptions,
    results: SmallResults,
  ) {
    this.#host = host;
    this.#session = session;
    this.#channel = channel;
    this.#options = options;
    this.#results = results;
  }

  /** Whether it is the server's turn. */
  get isWaiting(): boolean {
    return this.#channel.isWriting || this.#sent.size > 0;
  }

  /**
   * Sends all; what fails is told and hinders no other.
   *
   * @throws {NetworkError} When the connection broke: what has no answer yet may
   * be sent again under the same id.
   * @throws {FerryError} `unavailable` when the server is shutting down; the same
   * holds for what it did not take.
   */
  async run(files: Iterable<SmallFile>): Promise<void> {
    const received = this.#receiveAll();
    const failed = received.then(() => {});
    failed.catch(() => {});
    const buffer = new Uint8Array(HEADER_SIZE + CHUNK_SIZE);
    try {
      for (const file of files) {
        if (this.#leaving !== undefined) break;
        while (this.#sent.size >= EXCHANGE_COUNT_MAX - 1) {
          await Promise.race([failed, this.#changed.wait()]);
        }
        await this.#send(file, buffer);
      }
      while (this.#again.length > 0 || this.#sent.size > 0) {
        const file = this.#again.shift();
        if (file !== undefined) await this.#send(file, buffer);
        else await Promise.race([failed, this.#changed.wait()]);
      }
    } finally {
      this.#isAllSent = true;
      this.#changed.notify();
    }
    await received;
    await this.#acknowledged;
    this.usable = true;
    if (this.#leaving !== undefined) throw this.#leaving;
  }

  async #send(
    file: SmallFile,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const { signal, onConflict = "fail", durability = "full" } = this.#options;
    let read;
    try {
      read = await this.#read(file, buffer);
    } catch (error) {
      return this.#results.failed(file, describe(error, file.path, signal));
    }
    const { modified, chunk } = read;
    const size = chunk?.bytes.length ?? 0;
    const id = this.#session.nextId();
    const digest = smallDigest(size, chunk?.checksum ?? 0);
    this.#sent.set(id, { file, size, digest });
    this.#changed.notify();
    const { path, mode, upload } = file;
    const body = { path, upload, size, modified, mode, onConflict, durability };
    // Files leave together: a send that fails fails those behind it too.
    this.#channel.send({ type: "STORE", id, body }).catch(() => {});
    if (chunk === undefined) return await this.#channel.settled();
    await this.#host.pace(size, signal);
    const bytes = buffer.subarray(0, HEADER_SIZE + size);
    const { checksum } = chunk;
    const sent = this.#channel.sendData(bytes, { id, offset: 0, checksum });
    sent.catch(() => {});
    await (bytes.length > JOINED_FRAME_MAX ? sent : this.#channel.settled());
  }

  async #read(
    { local }: SmallFile,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<{ modified: number | undefined; chunk: SourceChunk | undefined }> {
    const { disk } = this.#host;
    using source = await openLocalSource(disk, local, "crc32-chunks");
    const { size, modified } = source.fingerprint;
    if (size > CHUNK_SIZE) {
      throw new FerryError("changed", "it has grown meanwhile", {
        side: "local",
      });
    }
    if (size === 0) return { modified, chunk: undefined };
    const chunk = await source.readChunk(0, buffer.subarray(HEADER_SIZE));
    // Read whole, and still what it was.
    await source.digest();
    return { modified, chunk };
  }

  async #receiveAll(): Promise<void> {
    for (;;) {
      while (this.#sent.size === 0) {
        if (this.#isAllSent) return;
        await this.#changed.wait();
      }
      const frame = await this.#channel.receive();
      switch (frame?.type) {
        case "PROGRESS":
          break;
        case "RECEIPT":
          this.#settle(frame.id, frame.body);
          break;
        case "ERROR":
          this.#fail(frame.id, remoteError(frame.body));
          break;
        case "FAIL":
          throw remoteError(frame.body);
        default:
          throw new FerryError(
            "connection-lost",
            "the server closed the data connection",
          );
      }
      this.#changed.notify();
    }
  }

  #settle(id: number, body: MessageBody<"RECEIPT">): void {
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    const { file, size, digest } = sent;
    // Not waited for: a server that cannot get rid of its answers reads nothing.
    this.#acknowledged = this.#channel.send({
      type: "ACKNOWLEDGE",
      id,
      body: {},
    }).catch(() => {});
    this.#sent.delete(id);
    const isProof = body.publication === "skipped"
      ? this.#options.onConflict === "skip"
      : body.size === size && body.digest?.toHex() === digest;
    if (!isProof) {
      const reason = "the server's receipt is not for what was sent";
      const { path } = file;
      return this.#results.failed(
        file,
        new FerryError("integrity", reason, { path }),
      );
    }
    this.#results.moved(file, {
      path: body.path,
      local: file.local,
      size: body.size,
      digest: body.digest && {
        algorithm: "crc32-chunks",
        value: body.digest.toHex(),
      },
      publication: body.publication,
      durable: body.durable,
      resumedFrom: 0,
      repaired: this.#repairs.get(file) ?? 0,
      wireBytes: body.size,
    });
  }

  #fail(id: number, error: FerryError): void {
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    this.#sent.delete(id);
    const { file } = sent;
    if (error.code === "unavailable") {
      this.#leaving = error;
      this.#again.length = 0;
      return;
    }
    const { signal } = this.#options;
    const repairs = this.#repairs.get(file) ?? 0;
    if (error.code === "integrity" && repairs < REPAIR_COUNT_MAX) {
      this.#repairs.set(file, repairs + 1);
      if (this.#leaving === undefined) this.#again.push(file);
      return;
    }
    this.#results.failed(file, describe(error, file.path, signal));
  }
}
