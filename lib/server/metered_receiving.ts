/**
 * A file that is being received within a quota.
 *
 * @module
 */

import type { Reservation, Usage } from "../accounts/mod.ts";
import {
  CHUNK_SIZE,
  type ChunkRun,
  type Digest,
  type HeldChunks,
  type Outcome,
  type Receiving,
} from "../storage/mod.ts";

/** What a {@linkcode MeteredReceiving} goes by. */
export interface Metering {
  /** Its share of the quota. */
  readonly reservation: Reservation;
  /** The name that was asked for. */
  readonly path: string;
  /** Bytes that were reserved; `undefined`: as many as come. */
  readonly size: number | undefined;
  /** Runs the last step while nobody else changes what has the name; it is told what that is. */
  readonly whileNamed: <T>(
    work: (before: Usage) => Promise<T>,
  ) => Promise<T>;
}

/** {@linkcode Receiving} that keeps its share of a quota in step. */
export class MeteredReceiving implements Receiving {
  readonly #inner: Receiving;
  readonly #metering: Metering;
  /** Bytes that are reserved. */
  #reserved: number;

  /**
   * @param inner What receives.
   * @param metering What it counts against.
   */
  constructor(inner: Receiving, metering: Metering) {
    this.#inner = inner;
    this.#metering = metering;
    this.#reserved = metering.size ?? 0;
  }

  get verifiedBytes(): number {
    return this.#inner.verifiedBytes;
  }

  get held(): HeldChunks {
    return this.#inner.held;
  }

  get heldSource(): string | undefined {
    return this.#inner.heldSource;
  }

  missing(size: number): Iterable<ChunkRun> {
    return this.#inner.missing(size);
  }

  async setSource(
    ...args: Parameters<Receiving["setSource"]>
  ): Promise<void> {
    const [{ size }] = args;
    this.#reserve(size);
    await this.#inner.setSource(...args);
  }

  async writeChunk(
    index: number,
    bytes: Uint8Array,
    checksum: number,
  ): Promise<void> {
    if (this.#metering.size === undefined) {
      this.#reserve(index * CHUNK_SIZE + bytes.length);
    }
    await this.#inner.writeChunk(index, bytes, checksum);
  }

  async commit(size: number, digest?: Digest): Promise<Outcome> {
    const { reservation, whileNamed } = this.#metering;
    try {
      return await whileNamed(async (before) => {
        const outcome = await this.#inner.commit(size, digest);
        settle(this.#metering, outcome, before);
        return outcome;
      });
    } catch (error) {
      // Nothing was published, and nothing of it stays.
      reservation.release(0);
      throw error;
    }
  }

  async suspend(): Promise<void> {
    const { reservation, size } = this.#metering;
    // What has no size cannot be continued, so nothing of it stays.
    const left = size === undefined ? 0 : this.verifiedBytes;
    await this.#inner.suspend();
    reservation.release(left);
  }

  async abort(): Promise<void> {
    await this.#inner.abort();
    this.#metering.reservation.release(0);
  }

  #reserve(size: number): void {
    if (size <= this.#reserved) return;
    this.#metering.reservation.grow(size - this.#reserved);
    this.#reserved = size;
  }
}

/** Counts what a file has changed, `before` being what had its name. */
export function settle(
  { reservation, path }: Pick<Metering, "reservation" | "path">,
  outcome: Outcome,
  before: Usage,
): void {
  const { publication, size } = outcome;
  if (publication === "skipped") return reservation.release(0);
  // Under another name, nobody knows what it replaced: rather too much is
  // counted than too little.
  reservation.settle(
    outcome.path === path
      ? { bytes: size - before.bytes, files: 1 - before.files }
      : { bytes: size, files: 1 },
  );
}
