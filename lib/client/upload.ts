/**
 * One upload over one data connection.
 *
 * @module
 */

import {
  CHUNK_SIZE,
  type MessageBody,
  ProtocolError,
  REPAIR_COUNT_MAX,
  type WireRun,
} from "../protocol/mod.ts";
import {
  DATA_HEADROOM,
  type FrameChannel,
  NetworkError,
} from "../transport/mod.ts";
import {
  chunkCount,
  ChunkDigest,
  chunkLength,
  type ConflictPolicy,
  type Digest,
  type DigestAlgorithm,
  type Durability,
} from "../storage/mod.ts";
import { countFrom, lacking, share, until } from "./chunk_order.ts";
import { ExchangeError, expectAnswer } from "./download.ts";
import { farewellError, FerryError, remoteError } from "./errors.ts";
import { indexesOf, unpackSums } from "./runs.ts";
import type { Helper, StreamTeam } from "./stream_team.ts";
import type { Receipt, TransferProgress } from "./types.ts";
import type { UploadSource } from "./upload_source.ts";

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
  /** Permission bits to give the file. */
  readonly mode: number | undefined;
  /** The secret with which a later try may continue; `undefined`: none may. */
  readonly token: Uint8Array | undefined;
  /**
   * Whether what the server holds is of the source as it is now. Otherwise the
   * source is read, and what differs is sent.
   */
  readonly isSourceSame: boolean;
  /** Told when what the server holds is of another source. */
  readonly onSourceChanged: () => void;
  /** Whether another process began it: then it may have been published long ago. */
  readonly isFound: boolean;
  /** Further connections, for a file that is worth them. */
  readonly team: StreamTeam | undefined;
  /** Waits until so many bytes may be sent. */
  readonly pace: (bytes: number) => Promise<void>;
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
  | { readonly type: "AGAIN"; readonly runs: readonly WireRun[] }
  | { readonly type: "RECEIPT"; readonly body: MessageBody<"RECEIPT"> };

/** The upload was published before, with another content than the source has now. */
export class OtherOutcomeError extends Error {
  /** Makes the error. */
  constructor() {
    super("what was published before is of another source");
    this.name = "OtherOutcomeError";
  }
}

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
  readonly #source: UploadSource;
  /** The chunks that the server has from an earlier try. */
  readonly #held = new ChunkDigest();
  /** Bytes of those that did not have to be sent again. */
  #keptBytes = 0;
  /** The sums of all chunks, for the digest. */
  readonly #sums = new ChunkDigest();
  readonly #cancel: () => void;

  /**
   * @param channel A data connection that stands between two transfers.
   * @param request What to send.
   * @param source Where its chunks come from.
   * @param cancel Asks the server to end the exchange.
   */
  constructor(
    channel: FrameChannel,
    request: UploadRequest,
    source: UploadSource,
    cancel: () => void,
  ) {
    this.#channel = channel;
    this.#request = request;
    this.#source = source;
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
    await this.#ask();
    const first = await this.#answer();
    if (first.type === "RECEIPT") return await this.#settleFirst(first.body);
    this.state.opened = true;
    this.#tellHeld();
    let indexes = countFrom(0, this.#source.size);
    let isAgain = false;
    for (let round = 0;; round++) {
      // From here the server may answer while chunks are being sent.
      const answered = this.#answer();
      answered.catch(() => {});
      await this.#sendAll(answered, indexes, isAgain);
      const answer = await answered;
      if (answer.type === "RECEIPT") {
        return await this.#settle(answer.body, this.state.sent);
      }
      if (answer.type === "OPENED") {
        throw new FerryError("protocol", "the server opened an upload twice");
      }
      this.#checkAgain(answer.runs, round);
      indexes = indexesOf(answer.runs);
      isAgain = true;
    }
  }

  /** Notes what the server holds. */
  #hold(body: MessageBody<"HAVE">): void {
    const { size } = this.#source;
    const end = size === undefined ? 0 : chunkCount(size);
    const isAsked = this.#request.token !== undefined;
    for (const [index, sum] of unpackSums(body)) {
      if (!isAsked || index < this.#held.top || index >= end) {
        throw new FerryError(
          "protocol",
          "the server holds chunks that it cannot hold",
        );
      }
      this.#held.set(index, sum);
    }
  }

  /** What is there and need not be compared counts at once. */
  #tellHeld(): void {
    const { size: total } = this.#source;
    const { count, top } = this.#held;
    if (total === undefined || count === 0 || !this.#request.isSourceSame) {
      return;
    }
    const cut = CHUNK_SIZE - chunkLength(top - 1, total);
    this.#request.onProgress({ transferred: count * CHUNK_SIZE - cut, total });
  }

  #checkAgain(runs: readonly WireRun[], round: number): void {
    const count = chunkCount(this.state.sent?.size ?? 0);
    const isInside = runs.every((run) => run.first + run.count <= count);
    if (isInside && runs.length > 0 && round < REPAIR_COUNT_MAX) return;
    throw new FerryError(
      "protocol",
      "the server asks again for what it cannot lack",
    );
  }

  /** An outcome from before this try: it must be of the source as it is. */
  async #settleFirst(body: MessageBody<"RECEIPT">): Promise<UploadResult> {
    const { id, isFound, sent } = this.#request;
    if (sent !== undefined || !isFound || body.publication === "skipped") {
      return await this.#settle(body, sent);
    }
    const buffer = new Uint8Array(CHUNK_SIZE);
    for (const index of countFrom(0, this.#source.size)) {
      const chunk = await this.#source.read(index, buffer);
      if (chunk !== undefined) this.#sums.set(index, chunk.checksum);
    }
    const now = await this.#source.finish(this.#sums);
    if (body.size === now.size && body.digest?.toHex() === now.digest.value) {
      return await this.#settle(body, now);
    }
    await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} });
    this.state.usable = true;
    throw new OtherOutcomeError();
  }

  async #ask(): Promise<void> {
    const { id, path, upload, onConflict, durability, algorithm, mode, token } =
      this.#request;
    const { size, modified } = this.#source;
    await this.#channel.send({
      type: "PUT",
      id,
      body: {
        path,
        upload,
        size,
        modified,
        onConflict,
        durability,
        algorithm,
        mode,
        resume: token,
      },
    });
  }

  async #answer(): Promise<Answer> {
    for (;;) {
      const frame = await this.#channel.receive();
      switch (frame?.type) {
        case "PROGRESS":
          this.#request.onProgress({
            transferred: frame.body.verified,
            total: this.#source.size,
          });
          break;
        case "HAVE":
          this.#hold(frame.body);
          break;
        case "AGAIN":
          return { type: "AGAIN", runs: frame.body.runs };
        case "OPENED":
          return { type: "OPENED" };
        case "RECEIPT":
          return { type: "RECEIPT", body: frame.body };
        case "ERROR":
          this.state.usable = true;
          throw remoteError(frame.body);
        case "FAIL":
          throw farewellError(frame.body);
        default:
          throw new FerryError(
            "connection-lost",
            "the server closed the data connection",
          );
      }
    }
  }

  /** Sends chunks and `END`; stops early when the server has refused. */
  async #sendAll(
    answered: Promise<unknown>,
    indexes: Iterable<number>,
    isAgain: boolean,
  ): Promise<void> {
    let refused = false;
    answered.catch(() => {
      refused = true;
      this.#source.interrupt();
    });
    try {
      await this.#sendFrom(indexes, isAgain, () => refused);
      if (refused) return;
      const sent = await this.#source.finish(this.#sums);
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

  /** Sends over this connection, and over further ones where there is a team. */
  async #sendFrom(
    indexes: Iterable<number>,
    isAgain: boolean,
    refused: () => boolean,
  ): Promise<void> {
    const shared = share(indexes);
    const { id, team } = this.#request;
    let isOver = false;
    if (isAgain) {
      return await this.#sendChunks(this.#channel, id, shared, refused, true);
    }
    team?.start(
      this.#channel,
      (helper) => this.#help(helper, shared, () => isOver || refused()),
    );
    try {
      await this.#sendChunks(this.#channel, id, shared, refused, false);
    } catch (error) {
      // Nobody wants what the others would still send.
      isOver = true;
      throw error;
    } finally {
      await team?.finish();
    }
    const { size } = this.#source;
    if (team === undefined || size === undefined || refused()) return;
    // What a further connection took and did not get done.
    const left = lacking(this.#sums, size);
    await this.#sendChunks(this.#channel, id, left, refused, false);
  }

  /** What a further connection does: joins, and sends a part. */
  async #help(
    { channel, id, isRetired }: Helper,
    shared: Iterable<number>,
    refused: () => boolean,
  ): Promise<boolean> {
    const { upload } = this.#request;
    try {
      await channel.send({ type: "JOIN", id, body: { upload } });
      await expectAnswer(channel, ["OPENED"]);
      // Whoever is retired takes nothing more.
      const own = shared[Symbol.iterator]();
      const part = until(own, () => refused() || isRetired());
      await this.#sendChunks(channel, id, part, refused, false);
      await channel.send({ type: "FLUSH", id, body: {} });
      for (;;) {
        const { type } = await expectAnswer(channel, ["PROGRESS", "FLUSHED"]);
        if (type === "FLUSHED") break;
      }
      await channel.send({ type: "ACKNOWLEDGE", id, body: {} });
      return true;
    } catch (error) {
      if (error instanceof ExchangeError) return true;
      throw error;
    }
  }

  /** Reads a chunk while the one before it is being sent; skips what is there. */
  async #sendChunks(
    channel: FrameChannel,
    id: number,
    indexes: Iterable<number>,
    refused: () => boolean,
    isAgain: boolean,
  ): Promise<void> {
    const room = DATA_HEADROOM + CHUNK_SIZE;
    let buffer = new Uint8Array(room);
    let spare = new Uint8Array(room);
    let sent: Promise<void> = Promise.resolve();
    for (const index of indexes) {
      if (refused()) return;
      const held = isAgain ? undefined : this.#held.get(index);
      if (held !== undefined && this.#request.isSourceSame) {
        this.#sums.set(index, held);
        this.#keep(index);
        continue;
      }
      const chunk = await this.#source.read(
        index,
        buffer.subarray(DATA_HEADROOM),
      );
      await sent;
      if (chunk === undefined || refused()) return;
      this.#sums.set(index, chunk.checksum);
      if (held === chunk.checksum) {
        this.#keep(index);
        continue;
      }
      if (held !== undefined) this.#request.onSourceChanged();
      await this.#request.pace(chunk.bytes.length);
      sent = channel.sendData(
        buffer.subarray(0, DATA_HEADROOM + chunk.bytes.length),
        { id, offset: index * CHUNK_SIZE, checksum: chunk.checksum },
      );
      sent.catch(() => {});
      [buffer, spare] = [spare, buffer];
    }
    await sent;
  }

  #keep(index: number): void {
    this.#keptBytes += chunkLength(index, this.#source.size ?? 0);
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
      resumedFrom: this.state.opened
        ? this.#keptBytes
        : Math.min(body.resumedFrom ?? 0, body.size),
      repaired: body.repaired ?? 0,
    };
  }
}
