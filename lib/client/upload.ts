/**
 * One upload over one data connection.
 *
 * @module
 */

import {
  CHUNK_SIZE,
  type MessageBody,
  ProtocolError,
} from "../protocol/mod.ts";
import {
  DATA_HEADROOM,
  type FrameChannel,
  NetworkError,
} from "../transport/mod.ts";
import type {
  ConflictPolicy,
  Digest,
  DigestAlgorithm,
  Durability,
} from "../storage/mod.ts";
import type { ChunkReader } from "./chunk_reader.ts";
import { FerryError, remoteError } from "./errors.ts";
import type { Receipt, TransferProgress } from "./types.ts";

/** What was sent, as it was when `END` said so. */
export interface SentFile {
  /** Size in bytes. */
  readonly size: number;
  /** Digest of all chunks. */
  readonly digest: Digest;
}

/** What an upload is. */
export interface UploadRequest {
  /** Exchange id. */
  readonly id: number;
  /** Remote name. */
  readonly path: string;
  /** Upload id, the same in every try. */
  readonly upload: Uint8Array;
  /** What to do if the name is taken. */
  readonly onConflict: ConflictPolicy;
  /** Whether to wait for stable storage. */
  readonly durability: Durability;
  /** How to sum up the whole file. */
  readonly algorithm: DigestAlgorithm;
  /** What a try before this one sent, if it came to the end. */
  readonly sent: SentFile | undefined;
  /** Told what the server has verified. */
  readonly onProgress: (progress: TransferProgress) => void;
}

/** What comes out of an upload, without what only the caller knows. */
export type UploadResult = Omit<Receipt, "local" | "wireBytes">;

/** Tells the caller what became of the connection and of the answer. */
export interface UploadState {
  /** Whether the connection stands between two transfers. */
  usable: boolean;
  /** Whether the server has asked for the bytes. */
  opened: boolean;
  /** What was sent, with `END`: from then on the server may have published it. */
  sent: SentFile | undefined;
}

type Answer =
  | { readonly type: "OPENED" }
  | { readonly type: "RECEIPT"; readonly body: MessageBody<"RECEIPT"> };

/** Runs one upload; {@linkcode Upload.run} is called once. */
export class Upload {
  /** What became of the connection and of the answer. */
  readonly state: UploadState = {
    usable: false,
    opened: false,
    sent: undefined,
  };
  readonly #channel: FrameChannel;
  readonly #request: UploadRequest;
  readonly #reader: ChunkReader;
  readonly #cancel: () => void;

  /**
   * @param channel A data connection that stands between two transfers.
   * @param request What to send.
   * @param reader Where its chunks come from.
   * @param cancel Asks the server to end the exchange.
   */
  constructor(
    channel: FrameChannel,
    request: UploadRequest,
    reader: ChunkReader,
    cancel: () => void,
  ) {
    this.#channel = channel;
    this.#request = request;
    this.#reader = reader;
    this.#cancel = cancel;
  }

  /** Whether it is the server's turn: to answer, or to take what is being sent. */
  get isWaiting(): boolean {
    return this.#channel.isWriting || !this.state.opened ||
      this.state.sent !== undefined;
  }

  /**
   * Sends the file and waits for its receipt.
   *
   * @throws {FerryError} What the server says.
   * @throws {StorageError} What is wrong with the source.
   * @throws {NetworkError} When the connection broke.
   */
  async run(): Promise<UploadResult> {
    const { id, path, upload, onConflict, durability, algorithm } =
      this.#request;
    const { size, modified } = this.#reader;
    const body = {
      path,
      upload,
      size,
      modified,
      onConflict,
      durability,
      algorithm,
    };
    await this.#channel.send({ type: "PUT", id, body });
    const first = await this.#answer();
    if (first.type === "RECEIPT") {
      return await this.#settle(first.body, this.#request.sent);
    }
    this.state.opened = true;
    // From here the server may answer while chunks are being sent.
    const answered = this.#answer();
    answered.catch(() => {});
    await this.#sendAll(answered);
    const last = await answered;
    if (last.type !== "RECEIPT") {
      throw new FerryError("protocol", "the server opened an upload twice");
    }
    return await this.#settle(last.body, this.state.sent);
  }

  async #answer(): Promise<Answer> {
    for (;;) {
      const frame = await this.#channel.receive();
      switch (frame?.type) {
        case "PROGRESS":
          this.#request.onProgress({
            transferred: frame.body.verified,
            total: this.#reader.size,
          });
          break;
        case "OPENED":
          return { type: "OPENED" };
        case "RECEIPT":
          return { type: "RECEIPT", body: frame.body };
        case "ERROR":
          this.state.usable = true;
          throw remoteError(frame.body);
        case "FAIL":
          throw remoteError(frame.body);
        default:
          throw new FerryError(
            "connection-lost",
            "the server closed the data connection",
          );
      }
    }
  }

  /** Sends every chunk and `END`; stops early when the server has refused. */
  async #sendAll(answered: Promise<unknown>): Promise<void> {
    let refused = false;
    answered.catch(() => {
      refused = true;
      this.#reader.interrupt();
    });
    try {
      await this.#sendChunks(() => refused);
      if (refused) return;
      const sent = await this.#reader.finish();
      if (refused) return;
      this.state.sent = sent;
      const { size, digest } = sent;
      await this.#channel.send({
        type: "END",
        id: this.#request.id,
        body: { size, digest: Uint8Array.fromHex(digest.value) },
      });
    } catch (error) {
      if (refused) return;
      // Where the source failed the server is told, and its ERROR ends the
      // exchange. Where sending failed, what came before the break says why.
      this.#cancel();
      await answered.catch((reason) => {
        const isOurs = error instanceof NetworkError ||
          error instanceof ProtocolError;
        if (isOurs) throw reason;
      });
      throw error;
    }
  }

  /** Reads a chunk while the one before it is being sent. */
  async #sendChunks(refused: () => boolean): Promise<void> {
    const room = DATA_HEADROOM + CHUNK_SIZE;
    let buffer = new Uint8Array(room);
    let spare = new Uint8Array(room);
    let sent: Promise<void> = Promise.resolve();
    for (let offset = 0; !refused();) {
      const chunk = await this.#reader.next(buffer.subarray(DATA_HEADROOM));
      await sent;
      if (chunk === undefined) return;
      if (refused()) return;
      sent = this.#channel.sendData(
        buffer.subarray(0, DATA_HEADROOM + chunk.bytes.length),
        { id: this.#request.id, offset, checksum: chunk.checksum },
      );
      sent.catch(() => {});
      offset += chunk.bytes.length;
      [buffer, spare] = [spare, buffer];
    }
  }

  /** A receipt proves something only if it is for what was sent. */
  #check(
    { publication, size, digest }: MessageBody<"RECEIPT">,
    sent: SentFile | undefined,
  ): void {
    const isProof = publication === "skipped"
      ? this.#request.onConflict === "skip"
      : size === sent?.size && digest?.toHex() === sent.digest.value;
    if (isProof) return;
    throw new FerryError(
      "integrity",
      "the server's receipt is not for what was sent",
    );
  }

  async #settle(
    body: MessageBody<"RECEIPT">,
    sent: SentFile | undefined,
  ): Promise<UploadResult> {
    const { id, algorithm } = this.#request;
    this.#check(body, sent);
    // A receipt is a receipt even if the connection breaks now: the server
    // forgets the outcome by itself after a while.
    await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} }).then(
      () => this.state.usable = true,
      () => {},
    );
    return {
      path: body.path,
      size: body.size,
      digest: body.digest && { algorithm, value: body.digest.toHex() },
      publication: body.publication,
      durable: body.durable,
      resumedFrom: 0,
    };
  }
}
