/**
 * Many small files on their way in over one data connection, asked for ahead and
 * put in place in groups.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import {
  type MessageBody,
  REPAIR_COUNT_MAX,
  UPLOAD_ID_SIZE,
} from "../protocol/mod.ts";
import {
  receiveLocalSmall,
  smallDigest,
  type SmallFile as ArrivedFile,
} from "../storage/mod.ts";
import { type FrameChannel, KeptBytes } from "../transport/mod.ts";
import type { ControlSession } from "./control_session.ts";
import { ExchangeError, expectAnswer } from "./download.ts";
import { describe, FerryError } from "./errors.ts";
import type { TransferHost } from "./retries.ts";
import type { SmallFile, SmallResults } from "./small_job.ts";
import type { TransferOptions } from "./types.ts";

/** Files that are asked for ahead of the one that is coming: as many hide any round trip. */
const AHEAD_COUNT = 64;

/** Bytes that a group may hold before it is put in place: 16 MiB. */
const GROUP_SIZE_MAX = 16_777_216;

/** Files that a group may hold: what one sync makes cheap is cheap by then. */
const GROUP_COUNT_MAX = 128;

interface Arrived {
  readonly file: SmallFile;
  readonly item: ArrivedFile & { readonly path: string };
}

/** Fetches small files; {@linkcode SmallDownloads.run} is called once. */
export class SmallDownloads {
  /** Whether the connection stands between two transfers. */
  usable = false;
  readonly #host: TransferHost;
  readonly #session: ControlSession;
  readonly #channel: FrameChannel;
  readonly #options: TransferOptions;
  readonly #results: SmallResults;
  /** Those that arrived damaged, and how often each did. */
  readonly #again: SmallFile[] = [];
  readonly #repairs = new Map<SmallFile, number>();
  readonly #bytes = new KeptBytes();
  /** Resolves when all that was acknowledged so far is on its way. */
  #acknowledged: Promise<void> = Promise.resolve();
  #group: Arrived[] = [];
  #groupSize = 0;
  /** What a server said that is shutting down: whatever it did not send is asked for again. */
  #leaving: FerryError | undefined;

  /**
   * @param host What it works with.
   * @param session The session.
   * @param channel A data connection that stands between two transfers.
   * @param options How files are fetched.
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
    return this.#channel.isReading || this.#channel.isWriting;
  }

  /**
   * Fetches all; what fails is told and hinders no other.
   *
   * @throws {NetworkError} When the connection broke: what was not told of may be
   * fetched again.
   * @throws {FerryError} `unavailable` when the server is shutting down; the same
   * holds for what it did not send.
   */
  async run(files: Iterable<SmallFile>): Promise<void> {
    const wanted = files[Symbol.iterator]();
    const asked: (readonly [id: number, file: SmallFile])[] = [];
    const ask = async (): Promise<void> => {
      if (this.#leaving !== undefined) return;
      const file = wanted.next().value ?? this.#again.shift();
      if (file === undefined) return;
      const id = this.#session.nextId();
      asked.push([id, file]);
      const body = { path: file.path, algorithm: "crc32-chunks" as const };
      this.#channel.send({ type: "GET", id, body }).catch(() => {});
      await this.#channel.settled();
    };
    for (let ahead = 0; ahead < AHEAD_COUNT; ahead++) await ask();
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) {
      await this.#take(...next);
      await ask();
    }
    await this.#store();
    await this.#acknowledged;
    this.usable = true;
    if (this.#leaving !== undefined) throw this.#leaving;
  }

  async #take(id: number, file: SmallFile): Promise<void> {
    try {
      const { body } = await expectAnswer(this.#channel, ["OPENED"]);
      let bytes: Uint8Array = new Uint8Array(0);
      let checksum = 0;
      let end: MessageBody<"END"> | undefined;
      let isDamaged = false;
      while (end === undefined) {
        const frame = await expectAnswer(this.#channel, ["DATA", "END"]);
        if (frame.type === "END") {
          end = frame.body;
          continue;
        }
        await this.#host.pace(frame.payload.length, this.#options.signal);
        checksum = frame.checksum;
        isDamaged ||= frame.offset !== 0 || crc32(frame.payload) !== checksum;
        // The receive buffer is used again.
        bytes = this.#bytes.keep(frame.payload);
      }
      const known = this.#channel.send({ type: "ACKNOWLEDGE", id, body: {} });
      this.#acknowledged = known.catch(() => {});
      if (
        isDamaged || end.size !== bytes.length ||
        smallDigest(end.size, checksum) !== end.digest.toHex()
      ) return this.#refuse(file, "it arrived damaged, or has grown meanwhile");
      await this.#add(file, bytes, checksum, body.modified);
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      if (error.cause.code === "unavailable") {
        this.#leaving = error.cause;
        return;
      }
      const { signal } = this.#options;
      this.#results.failed(file, describe(error.cause, file.path, signal));
    }
  }

  /** Asks for it again, later, unless it has come to nothing often enough. */
  #refuse(file: SmallFile, reason: string): void {
    const repairs = this.#repairs.get(file) ?? 0;
    if (repairs < REPAIR_COUNT_MAX) {
      this.#repairs.set(file, repairs + 1);
      this.#again.push(file);
      return;
    }
    const options = { side: "local", path: file.path } as const;
    this.#results.failed(file, new FerryError("integrity", reason, options));
  }

  async #add(
    file: SmallFile,
    bytes: Uint8Array,
    checksum: number,
    modified: number | undefined,
  ): Promise<void> {
    const { onConflict = "fail", durability = "full" } = this.#options;
    const request = {
      id: this.#host.random.bytes(UPLOAD_ID_SIZE).toHex(),
      size: bytes.length,
      modified,
      mode: file.mode,
      onConflict,
      durability,
      algorithm: "crc32-chunks",
    } as const;
    this.#group.push({
      file,
      item: { path: file.local, bytes, checksum, request },
    });
    this.#groupSize += bytes.length;
    if (
      this.#groupSize >= GROUP_SIZE_MAX ||
      this.#group.length >= GROUP_COUNT_MAX
    ) await this.#store();
  }

  /** Puts a group in place. */
  async #store(): Promise<void> {
    const group = this.#group;
    this.#group = [];
    this.#groupSize = 0;
    const { disk, clock } = this.#host;
    const items = group.map(({ item }) => item);
    const outcomes = await receiveLocalSmall(disk, { clock }, items);
    for (const [at, { file }] of group.entries()) {
      const outcome = outcomes[at]!;
      if (outcome instanceof Error) {
        const { signal } = this.#options;
        this.#results.failed(file, describe(outcome, file.local, signal));
        continue;
      }
      const { size, digest, publication, durable } = outcome;
      this.#results.moved(file, {
        path: file.path,
        local: outcome.path,
        size,
        digest,
        publication,
        durable,
        resumedFrom: 0,
        repaired: this.#repairs.get(file) ?? 0,
        wireBytes: size,
      });
    }
  }
}
