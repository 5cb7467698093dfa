/**
 * A download in parts: it goes on where an earlier one stopped, or over several
 * connections.
 *
 * @module
 */

import {
  CHUNK_SIZE,
  type MessageBody,
  REPAIR_COUNT_MAX,
  type WireRun,
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
import { STREAM_CHUNKS, STREAM_SIZE_MIN } from "./limits.ts";
import { indexesOf, toRuns, unpackSums } from "./runs.ts";
import type { Helper, StreamTeam } from "./stream_team.ts";
import type { TransferProgress } from "./types.ts";

/** What is to be continued. */
export interface ContinuationRequest {
  /** A new exchange id. */
  readonly nextId: () => number;
  /** Remote name. */
  readonly path: string;
  /** Told what has been verified. */
  readonly onProgress: (progress: TransferProgress) => void;
  /** Told when what is left is of an older version of the file. */
  readonly onSourceChanged: () => void;
  /** Whether what is left is compared even if the fingerprint is the same. */
  readonly checksum: boolean;
  /** Further connections, if much is missing. */
  readonly team: StreamTeam | undefined;
  /** Waits until so many bytes may be received. */
  readonly pace: (bytes: number) => Promise<void>;
  /** Whether what has arrived is kept where the download is interrupted. */
  readonly canResume: boolean;
  /** What the caller may end it with. */
  readonly signal: AbortSignal | undefined;
  /** Opens what there is, once the server has said what the file is now. */
  readonly open: (opened: MessageBody<"OPENED">) => Promise<
    Receiving | Outcome
  >;
  /**
   * The server's digest of the whole file, where the sums of chunks are not
   * enough; `isMixed` says that some are of an earlier state of the file.
   */
  readonly digest: (isMixed: boolean) => Promise<Digest | undefined>;
}

/** Continues a download; {@linkcode Continuation.run} is called once. */
export class Continuation {
  /** Whether the connection stands between two transfers. */
  usable = false;
  /** Chunks that were sent again. */
  repaired = 0;
  /** Bytes that did not have to be sent again. */
  resumedFrom = 0;
  /** What the file is, for the further connections. */
  #fingerprint: Uint8Array | undefined;
  /** Whether some chunks are of an earlier state of the file. */
  #isMixed = false;
  /** The exchange. */
  #id: number;
  readonly #channel: FrameChannel;
  readonly #request: ContinuationRequest;

  /**
   * @param channel A data connection that stands between two transfers.
   * @param request What is to be continued.
   */
  constructor(channel: FrameChannel, request: ContinuationRequest) {
    this.#channel = channel;
    this.#request = request;
    this.#id = request.nextId();
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
    const { path, open, digest } = this.#request;
    const id = this.#id;
    let receiving: Receiving | undefined;
    try {
      await this.#channel.send({ type: "FETCH", id, body: { path } });
      const { body } = await expectAnswer(this.#channel, ["OPENED"]);
      this.#fingerprint = body.fingerprint;
      const target = await open(body);
      if ("publication" in target) {
        await this.#acknowledge();
        return target;
      }
      receiving = target;
      const { size = 0 } = body;
      await this.#compare(receiving, body);
      this.resumedFrom = receiving.held.bytes;
      await this.#receive(receiving, size);
      const whole = await digest(this.#isMixed);
      if (whole !== undefined) await this.#assertSame();
      const outcome = await receiving.commit(size, whole);
      await this.#acknowledge();
      return outcome;
    } catch (error) {
      if (receiving !== undefined) {
        await giveUp(receiving, error, this.#request);
      }
      if (!(error instanceof ExchangeError)) throw error;
      this.usable = true;
      throw error.cause;
    }
  }

  /** Opens the file again by its name, which may stand for another one by now. */
  async #assertSame(): Promise<void> {
    const { path, nextId } = this.#request;
    const fingerprint = this.#fingerprint;
    await this.#channel.send({ type: "ACKNOWLEDGE", id: this.#id, body: {} });
    const id = this.#id = nextId();
    await this.#channel.send({
      type: "FETCH",
      id,
      body: { path, fingerprint },
    });
    await expectAnswer(this.#channel, ["OPENED"]);
  }

  async #acknowledge(): Promise<void> {
    const id = this.#id;
    await this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} }).then(
      () => this.usable = true,
      () => {},
    );
  }

  /**
   * Sees to it that only chunks of the file as it is now count as there. Until
   * that is known, what is there stays what it was: of the file as it was.
   */
  async #compare(
    receiving: Receiving,
    { size = 0, modified, fingerprint }: MessageBody<"OPENED">,
  ): Promise<void> {
    const source = fingerprint?.toHex();
    const { held, heldSource } = receiving;
    if (held.count === 0) return;
    const isSame = heldSource !== undefined && heldSource === source;
    if (isSame && !this.#request.checksum) return;
    if (!isSame) this.#tellChanged();
    const stale = [...toRuns(await this.#stale(receiving))].flat();
    if (stale.length > 0) this.#tellChanged();
    await receiving.setSource({ size, modified, source }, stale);
  }

  /** The chunks that are there and differ from those of the file as it is now. */
  async #stale({ held }: Receiving): Promise<Iterable<number>> {
    const id = this.#id;
    const there: number[] = [];
    for (const { first, sums } of held.runs()) {
      for (const at of sums.keys()) there.push(first + at);
    }
    const stale = new Set(there);
    for (const runs of toRuns(there)) {
      const asked = new Set(indexesOf(runs));
      await this.#channel.send({ type: "SUMS", id, body: { runs } });
      for (;;) {
        const frame = await expectAnswer(this.#channel, ["HAVE", "SENT"]);
        if (frame.type === "SENT") break;
        for (const [index, sum] of unpackSums(frame.body)) {
          if (!asked.delete(index)) {
            throw new FerryError("protocol", "the server sent another sum");
          }
          if (held.sum(index) === sum) stale.delete(index);
        }
      }
    }
    return stale;
  }

  /** What is left is of another file than that which is fetched. */
  #tellChanged(): void {
    if (!this.#isMixed) this.#request.onSourceChanged();
    this.#isMixed = true;
  }

  async #receive(receiving: Receiving, size: number): Promise<void> {
    const report = (): void =>
      this.#request.onProgress({
        transferred: receiving.verifiedBytes,
        total: size,
      });
    report();
    for (let round = 0;; round++) {
      const indexes = [...indexesOf([...receiving.missing(size)])];
      if (indexes.length === 0) return;
      if (round > REPAIR_COUNT_MAX) throw damagedTooOften(round);
      if (round > 0) this.repaired += indexes.length;
      await this.#fetchAll(indexes, receiving, report, round === 0);
    }
  }

  /** Fetches chunks over this connection, and over further ones where there is a team. */
  async #fetchAll(
    indexes: readonly number[],
    receiving: Receiving,
    onWritten: () => void,
    isFirst: boolean,
  ): Promise<void> {
    const { team } = this.#request;
    const id = this.#id;
    const own = { channel: this.#channel, id };
    const isLittle = indexes.length * CHUNK_SIZE < STREAM_SIZE_MIN;
    if (team === undefined || !isFirst || isLittle) {
      const wants = toRuns(indexes)[Symbol.iterator]();
      return await this.#fetch(own, wants, receiving, onWritten);
    }
    const pieces = inPieces(indexes)[Symbol.iterator]();
    team.start(
      this.#channel,
      (helper) => this.#help(helper, pieces, receiving, onWritten),
    );
    try {
      await this.#fetch(own, pieces, receiving, onWritten);
    } finally {
      await team.finish();
    }
  }

  /** What a further connection does: opens the same file, and fetches a part. */
  async #help(
    { channel, id, isRetired }: Helper,
    pieces: Iterator<WireRun[]>,
    receiving: Receiving,
    onWritten: () => void,
  ): Promise<boolean> {
    const { path } = this.#request;
    const fingerprint = this.#fingerprint;
    try {
      await channel.send({ type: "FETCH", id, body: { path, fingerprint } });
      await expectAnswer(channel, ["OPENED"]);
      const whileNeeded: Iterator<WireRun[]> = {
        next: () =>
          isRetired() ? { done: true, value: undefined } : pieces.next(),
      };
      await this.#fetch({ channel, id }, whileNeeded, receiving, onWritten);
      await channel.send({ type: "ACKNOWLEDGE", id, body: {} });
      return true;
    } catch (error) {
      if (error instanceof ExchangeError) return true;
      throw error;
    }
  }

  /** Fetches piece after piece; the next is asked for while one is coming. */
  async #fetch(
    { channel, id }: Pick<Helper, "channel" | "id">,
    wants: Iterator<WireRun[]>,
    receiving: Receiving,
    onWritten: () => void,
  ): Promise<void> {
    const taker = new ChunkTaker(receiving, this.#request.pace, true);
    const asked = new Set<number>();
    let owed = 0;
    const ask = async (): Promise<void> => {
      const { value: runs, done } = wants.next();
      if (done) return;
      owed++;
      for (const index of indexesOf(runs)) asked.add(index);
      await channel.send({ type: "WANT", id, body: { runs } });
    };
    try {
      await ask();
      await ask();
      while (owed > 0) {
        const frame = await expectAnswer(channel, ["DATA", "SENT"]);
        if (frame.type === "SENT") {
          // The bytes of a chunk last while one more frame is received: this one.
          await taker.flush();
          owed--;
          await ask();
          continue;
        }
        const index = frame.offset / CHUNK_SIZE;
        if (!asked.delete(index)) {
          throw new FerryError("protocol", "the server sent another chunk");
        }
        await taker.take(frame, onWritten);
      }
    } finally {
      await taker.flush().catch(() => {});
    }
  }
}

/** Chunks in pieces that one connection takes at a time. */
function* inPieces(indexes: readonly number[]): Iterable<WireRun[]> {
  for (let at = 0; at < indexes.length; at += STREAM_CHUNKS) {
    yield* toRuns(indexes.slice(at, at + STREAM_CHUNKS));
  }
}
