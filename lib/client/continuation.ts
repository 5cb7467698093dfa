/**
 * A download that goes on where an earlier one stopped.
 *
 * @module
 */

import {
  CHUNK_SIZE,
  type MessageBody,
  REPAIR_COUNT_MAX,
} from "../protocol/mod.ts";
import type { Digest, Outcome, Receiving } from "../storage/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import {
  ChunkTaker,
  damagedTooOften,
  ExchangeError,
  expectAnswer,
  giveUp,
} from "./download.ts";
import { FerryError } from "./errors.ts";
import { indexesOf, toRuns, unpackSums } from "./runs.ts";
import type { TransferProgress } from "./types.ts";

/** What is to be continued. */
export interface ContinuationRequest {
  /** Exchange id. */
  readonly id: number;
  /** Remote name. */
  readonly path: string;
  /** Told what has been verified. */
  readonly onProgress: (progress: TransferProgress) => void;
  /** Waits until so many bytes may be received. */
  readonly pace: (bytes: number) => Promise<void>;
  /** What the caller may end it with. */
  readonly signal: AbortSignal | undefined;
  /** Opens what is left, once the server has said what the file is now. */
  readonly open: (opened: MessageBody<"OPENED">) => Promise<
    Receiving | Outcome
  >;
  /** The server's digest of the whole file, where the sums of chunks are not enough. */
  readonly digest: () => Promise<Digest | undefined>;
}

/** Continues a download; {@linkcode Continuation.run} is called once. */
export class Continuation {
  /** Whether the connection stands between two transfers. */
  usable = false;
  /** Chunks that were sent again. */
  repaired = 0;
  readonly #channel: FrameChannel;
  readonly #request: ContinuationRequest;

  /**
   * @param channel A data connection that stands between two transfers.
   * @param request What is to be continued.
   */
  constructor(channel: FrameChannel, request: ContinuationRequest) {
    this.#channel = channel;
    this.#request = request;
  }

  /**
   * Fetches what is missing, or what differs where the file has changed, and
   * publishes it.
   *
   * @throws {FerryError} What the server says.
   * @throws {StorageError} What is wrong with the place it goes to.
   * @throws {NetworkError} When the connection broke.
   */
  async run(): Promise<Outcome> {
    const { id, path, open, digest } = this.#request;
    let receiving: Receiving | undefined;
    try {
      await this.#channel.send({ type: "FETCH", id, body: { path } });
      const { body } = await expectAnswer(this.#channel, ["OPENED"]);
      const target = await open(body);
      if ("publication" in target) {
        await this.#acknowledge();
        return target;
      }
      receiving = target;
      const { size = 0 } = body;
      const stale = await this.#compare(receiving, body);
      await this.#receive(receiving, size, stale);
      const whole = await digest();
      const outcome = await receiving.commit(size, whole);
      await this.#acknowledge();
      return outcome;
    } catch (error) {
      if (receiving !== undefined) {
        await giveUp(receiving, error, this.#request.signal);
      }
      if (!(error instanceof ExchangeError)) throw error;
      this.usable = true;
      throw error.cause;
    }
  }

  async #acknowledge(): Promise<void> {
    const { id } = this.#request;
    await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} }).then(
      () => this.usable = true,
      () => {},
    );
  }

  /** The chunks that are there and are not those of the file as it is now. */
  async #compare(
    receiving: Receiving,
    { size = 0, modified, fingerprint }: MessageBody<"OPENED">,
  ): Promise<Set<number>> {
    const stale = new Set<number>();
    const source = fingerprint?.toHex();
    const { held, heldSource } = receiving;
    if (held.count === 0) return stale;
    if (heldSource !== undefined && heldSource === source) return stale;
    await receiving.setSource({ size, modified, source });
    const there: number[] = [];
    for (const { first, sums } of held.runs()) {
      for (const at of sums.keys()) there.push(first + at);
    }
    const { id } = this.#request;
    for (const runs of toRuns(there)) {
      for (const index of indexesOf(runs)) stale.add(index);
      await this.#channel.send({ type: "SUMS", id, body: { runs } });
      for (;;) {
        const frame = await expectAnswer(this.#channel, ["HAVE", "SENT"]);
        if (frame.type === "SENT") break;
        for (const [index, sum] of unpackSums(frame.body)) {
          if (held.sum(index) === sum) stale.delete(index);
        }
      }
    }
    return stale;
  }

  async #receive(
    receiving: Receiving,
    size: number,
    stale: Set<number>,
  ): Promise<void> {
    const { pace } = this.#request;
    const taker = new ChunkTaker(receiving, pace, true);
    const report = (): void =>
      this.#request.onProgress({
        transferred: receiving.verifiedBytes,
        total: size,
      });
    report();
    for (let round = 0;; round++) {
      const wanted = new Set([
        ...stale,
        ...indexesOf([...receiving.missing(size)]),
      ]);
      if (wanted.size === 0) return;
      if (round > REPAIR_COUNT_MAX) throw damagedTooOften(round);
      if (round > 0) this.repaired += wanted.size;
      for (const runs of toRuns([...wanted].sort((a, b) => a - b))) {
        await this.#want(runs, taker, (index) => {
          stale.delete(index);
          report();
        });
      }
    }
  }

  async #want(
    runs: MessageBody<"WANT">["runs"],
    taker: ChunkTaker,
    onWritten: (index: number) => void,
  ): Promise<void> {
    const { id } = this.#request;
    await this.#channel.send({ type: "WANT", id, body: { runs } });
    const asked = new Set(indexesOf(runs));
    try {
      for (;;) {
        const frame = await expectAnswer(this.#channel, ["DATA", "SENT"]);
        if (frame.type === "SENT") {
          await taker.flush();
          return;
        }
        const index = frame.offset / CHUNK_SIZE;
        if (!asked.has(index)) {
          throw new FerryError("protocol", "the server sent another chunk");
        }
        await taker.take(frame, () => onWritten(index));
      }
    } finally {
      await taker.flush().catch(() => {});
    }
  }
}
