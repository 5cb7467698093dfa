/**
 * One file on its way in, from the first chunk to its name.
 *
 * What is done with durability `full`, and in which order, is the promise of
 * Ferry (a crash between any two lines leaves the old state or the new one):
 *
 * 1. every chunk is checked, then written to the staged file;
 * 2. the whole is checked: all chunks there, size and digest the sender's;
 * 3. the staged file is synced;
 * 4. the intent to publish it is written to the map, and synced with its name;
 * 5. under the lock of the name: nobody moved anything, the name is decided on,
 *    and given by link (or rename, where replacing is allowed);
 * 6. nobody moved anything meanwhile, and the directories are synced;
 * 7. the outcome is written to the map, and told.
 *
 * Whatever fails, everything is taken back, and the first failure is the last:
 * in particular a failed sync is never tried again.
 *
 * What must hold of the map at every moment, also after a loss of power, is that
 * what it vouches for is in the staged file. So the order is: write a chunk,
 * note it, sync the data, make the names durable, vouch; and the other way
 * round, where a chunk that was held is to be replaced or cut: take it out of
 * the map, sync the map, then touch the data.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { chunkCount, chunkLength } from "./chunk_digest.ts";
import { type ChunkMap, heldChunks } from "./chunk_map.ts";
import { StorageError } from "./errors.ts";
import {
  CHECKPOINT_BYTES,
  CHUNK_COUNT_MAX,
  CHUNK_SIZE,
  FILE_SIZE_MAX,
  NOTE_BYTES,
  REWRITE_WINDOW,
} from "./limits.ts";
import { applyMode, Publishing, removeOwned } from "./publishing.ts";
import {
  cancelled,
  type CommitStep,
  foreign,
  type ReceivingParts,
} from "./receiving_parts.ts";
import { reviewed } from "./review.ts";
import { hashFile } from "./source.ts";
import type {
  ChunkRun,
  Digest,
  HeldChunks,
  Outcome,
  Receiving,
  SourceState,
} from "./storage.ts";
import {
  type HeaderRecord,
  type SumsRecord,
  toSumsRecords,
} from "./upload_journal.ts";

/** The {@linkcode Receiving} of every backend. */
export class StagedReceiving implements Receiving {
  #parts: ReceivingParts;
  readonly #chunks: ChunkMap;
  readonly #hash: Hash = createHash("sha256");
  /** Chunks that went into the running hash, all from the beginning. */
  #hashed = 0;
  #verifiedBytes: number;
  /** The size, once announced or shown by a short chunk. */
  #size: number | undefined;
  #modified: number | undefined;
  /** Whether the request names another source than what is held is of. */
  #isForeign: boolean;
  /** Whether held chunks are of an earlier state of the source. */
  #isMixed = false;
  /** Chunks that the map does not speak of yet. */
  #unrecorded: number[] = [];
  /** Bytes since the last checkpoint. */
  #unsynced = 0;
  /** Whether the names of data and map are durable. */
  #isNamed = false;
  #publishing: Publishing | undefined;
  #ended: StorageError | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  /** What is held from an earlier try. */
  readonly held: HeldChunks;
  /** The source that it is of. */
  readonly heldSource: string | undefined;
  /** Bytes that were held at the beginning. */
  readonly resumedFrom: number;

  /** Takes over the open files in `parts`. */
  constructor(parts: ReceivingParts) {
    const { chunks, journal, request } = parts;
    this.#parts = parts;
    this.#chunks = chunks;
    this.#modified = request.modified;
    // What the map speaks of, until it is told otherwise.
    const header = journal.header!;
    this.#size = header.size;
    this.#isForeign = header.size !== request.size ||
      header.source !== request.source;
    this.resumedFrom = chunks.heldBytes(this.#size ?? 0);
    this.#verifiedBytes = this.resumedFrom;
    this.heldSource = chunks.held > 0 ? header.source : undefined;
    this.held = heldChunks(chunks, () => this.#size ?? 0);
  }

  /** Bytes in verified chunks so far. */
  get verifiedBytes(): number {
    return this.#verifiedBytes;
  }

  /** The chunks that are still to come. */
  missing(size: number): Iterable<ChunkRun> {
    return this.#chunks.missing(size);
  }

  /** Says what the source is. */
  setSource(
    source: SourceState,
    stale: readonly ChunkRun[] = [],
  ): Promise<void> {
    return this.#attempt(async () => {
      if (source.size > FILE_SIZE_MAX) {
        throw new StorageError("too-large", "the file is larger than 16 TiB");
      }
      const header = this.#parts.journal.header!;
      this.#modified = source.modified;
      this.#isForeign = false;
      const isSame = header.size === source.size &&
        header.source === source.source;
      if (isSame && stale.length === 0) return;
      await this.#adapt({ ...header, ...source }, stale);
    });
  }

  /** Checks and writes a chunk. */
  writeChunk(
    index: number,
    bytes: Uint8Array,
    checksum: number,
  ): Promise<void> {
    return this.#exclusive(async () => {
      this.#assertOpen();
      if (this.#isForeign) throw foreign();
      if (this.#isKnown(index, bytes, checksum)) return;
      try {
        if (this.#chunks.isHeld(index)) await this.#replace(index);
        const { data, room, staging } = this.#parts;
        await room.write(staging, data, bytes, index * CHUNK_SIZE);
        this.#note(index, bytes, checksum);
        await this.#record();
      } catch (error) {
        await this.#discard();
        throw error;
      }
    });
  }

  /** Verifies the whole and gives it its name. */
  commit(size: number, digest?: Digest): Promise<Outcome> {
    return this.#attempt(async () => {
      await this.#step("written");
      const verified = await this.#verify(size, digest);
      this.#parts = await reviewed(this.#parts, { size, digest: verified });
      const outcome = await this.#store(verified);
      await this.#step("recorded");
      await this.#end();
      return outcome;
    }, foreign);
  }

  /** Stops for now; waits for a call that is under way. */
  suspend(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#ended !== undefined) return;
      if (!this.#isWorthKeeping) return await this.#discard();
      try {
        await this.#checkpoint();
      } catch (error) {
        await this.#discard();
        throw error;
      }
      this.#close(cancelled());
    });
  }

  /**
   * Stops in favour of somebody else, once a call that is under way is over:
   * as {@linkcode suspend}, but nothing is synced, as nothing ends yet.
   */
  supersede(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#ended !== undefined) return;
      const reason = new StorageError(
        "busy",
        "it was taken over by a newer connection",
      );
      if (!this.#isWorthKeeping) return await this.#discard(reason);
      try {
        await this.#noteAll();
        this.#close(reason);
      } catch {
        // The newcomer begins anew.
        await this.#discard(reason);
      }
    });
  }

  /** Removes everything; waits for a call that is under way. */
  abort(): Promise<void> {
    return this.#exclusive(() => this.#discard());
  }

  /** Whether a chunk is there already; throws if it cannot be taken. */
  #isKnown(index: number, bytes: Uint8Array, checksum: number): boolean {
    if (!Number.isInteger(index) || index < 0 || index >= CHUNK_COUNT_MAX) {
      throw new StorageError("too-large", `there is no chunk ${index}`);
    }
    // Nothing that fails its sum touches the disk or counts as received.
    if (crc32(bytes) !== checksum) {
      throw new StorageError(
        "integrity",
        `chunk ${index} does not fit its sum`,
      );
    }
    const end = index * CHUNK_SIZE + bytes.length;
    if (this.#size !== undefined && end > this.#size) {
      throw new StorageError(
        "too-large",
        `more bytes than the ${this.#size} that were announced`,
      );
    }
    const isShort = bytes.length < CHUNK_SIZE;
    if (
      bytes.length === 0 || bytes.length > CHUNK_SIZE ||
      (this.#size === undefined
        // Only the last one is short, and nothing came from behind it.
        ? isShort && this.#chunks.digest.top > index + 1
        : bytes.length !== chunkLength(index, this.#size))
    ) {
      throw new StorageError("integrity", `chunk ${index} has a wrong length`);
    }
    const before = this.#chunks.get(index);
    if (before === undefined) return false;
    if (before === checksum) return true;
    // From an earlier try: the source has changed since.
    if (this.#chunks.isHeld(index)) return false;
    throw new StorageError("integrity", `chunk ${index} came twice, different`);
  }

  #note(index: number, bytes: Uint8Array, checksum: number): void {
    if (bytes.length < CHUNK_SIZE) {
      this.#size = index * CHUNK_SIZE + bytes.length;
    }
    this.#chunks.note(index, checksum);
    this.#verifiedBytes += bytes.length;
    this.#unsynced += bytes.length;
    this.#unrecorded.push(index);
    if (
      this.#parts.request.algorithm === "sha256" && index === this.#hashed
    ) {
      this.#hash.update(bytes);
      this.#hashed++;
    }
  }

  /** Tells the map what was received, when it is time. */
  async #record(): Promise<void> {
    if (this.#unsynced >= CHECKPOINT_BYTES) await this.#checkpoint();
    else if (this.#unrecorded.length * CHUNK_SIZE >= NOTE_BYTES) {
      await this.#noteAll();
    }
  }

  /** Makes what was received survive: the data first, then the map that vouches for it. */
  async #checkpoint(): Promise<void> {
    this.#unsynced = 0;
    // Nothing may vouch for data that was not synced.
    if (!this.#isDurable) return await this.#noteAll();
    await this.#syncData(); // before the map speaks of it
    const { disk, staging } = this.#parts;
    await this.#noteAll();
    // An older name must not come back with other data behind it.
    if (!this.#isNamed) await disk.syncDirectory(staging.directory);
    this.#isNamed = true;
    await this.#parts.journal.append([{ kind: "synced" }]);
    await this.#parts.journal.sync();
    this.#chunks.vouch();
  }

  async #noteAll(): Promise<void> {
    const notes = this.#takeNotes();
    if (notes.length > 0 || !this.#parts.journal.isOpen) {
      await this.#parts.journal.append(notes);
    }
  }

  #takeNotes(): SumsRecord[] {
    const indexes = this.#unrecorded;
    this.#unrecorded = [];
    return toSumsRecords(indexes, (index) => this.#chunks.get(index)!);
  }

  /** Takes a held chunk out of the map, before its bytes are changed. */
  async #replace(index: number): Promise<void> {
    const chunks = this.#chunks;
    const { journal } = this.#parts;
    this.#isMixed = true;
    if (chunks.isVouched(index)) {
      // With one sync for those that follow: probably they differ as well.
      const run = { first: index, count: REWRITE_WINDOW };
      const rest = chunks.sums(() => true, index + 1, index + REWRITE_WINDOW);
      await journal.append([
        { kind: "dropped", ...run },
        ...[...rest].map((sums) => ({ kind: "sums" as const, ...sums })),
      ]);
      await journal.sync();
      chunks.doubt(run);
    }
    chunks.drop({ first: index, count: 1 });
    this.#verifiedBytes -= chunkLength(index, this.#size!);
  }

  /** Makes what is held fit a source that changed. */
  async #adapt(
    header: HeaderRecord & { readonly size: number },
    stale: readonly ChunkRun[],
  ): Promise<void> {
    const { data, journal } = this.#parts;
    const chunks = this.#chunks;
    const before = this.#size ?? Infinity;
    // The first chunk that ends elsewhere now; all behind it are gone or new.
    const first = Math.floor(Math.min(before, header.size) / CHUNK_SIZE);
    const lost = { first, count: Math.max(0, chunks.digest.top - first) };
    this.#isMixed = chunks.digest.count > 0;
    this.#hashed = Infinity;
    const isCut = before !== header.size && lost.count > 0;
    const dropped = isCut ? [...stale, lost] : stale;
    const kind = "dropped" as const;
    const records = dropped.map((run) => ({ kind, ...run }));
    await journal.replaceHeader(header, records);
    if (dropped.length > 0) {
      await journal.sync();
      for (const run of dropped) chunks.drop(run);
      this.#unrecorded = this.#unrecorded.filter((index) =>
        chunks.get(index) !== undefined
      );
    }
    this.#size = header.size;
    this.#verifiedBytes = chunks.bytes(header.size);
    const isLong = (await data.stat()).size > header.size;
    if (isLong) await data.truncate(header.size);
  }

  /** Checks that everything is there; returns its digest. */
  async #verify(size: number, digest: Digest | undefined): Promise<Digest> {
    if (
      this.#verifiedBytes !== size ||
      this.#chunks.digest.count !== chunkCount(size) ||
      (this.#size ?? size) !== size
    ) {
      throw new StorageError(
        "integrity",
        `${this.#verifiedBytes} of ${size} bytes arrived`,
      );
    }
    const stat = await this.#parts.data.stat();
    if (stat.size !== size) {
      throw new StorageError("integrity", "the staged file has a wrong size");
    }
    const value = await this.#digestValue(size);
    const { algorithm } = this.#parts.request;
    if (digest === undefined) {
      if (!this.#isMixed) return { algorithm, value };
      throw new StorageError(
        "integrity",
        "the source changed, and nobody has compared the whole of it",
      );
    }
    if (digest.algorithm !== algorithm || digest.value !== value) {
      throw new StorageError(
        "integrity",
        `the ${algorithm} digest of what arrived is not the sender's`,
      );
    }
    return digest;
  }

  async #digestValue(size: number): Promise<string> {
    if (this.#parts.request.algorithm === "crc32-chunks") {
      return this.#chunks.digest.value(size);
    }
    return this.#hashed === chunkCount(size)
      ? this.#hash.digest("hex")
      : await hashFile(this.#parts.data, size);
  }

  /** Steps 3 to 7 of the list above. */
  async #store(digest: Digest): Promise<Outcome> {
    const { data, disk, request, staging } = this.#parts;
    await applyMode(disk, staging.data, await data.stat(), request.mode);
    if (this.#modified !== undefined) await data.setModified(this.#modified);
    await this.#syncData(); // before it gets its name
    const stat = await data.stat();
    await this.#step("synced");
    this.#publishing = new Publishing(this.#parts, {
      stat,
      digest,
      resumedFrom: this.resumedFrom,
      // A file of one chunk is not worth a note.
      notes: stat.size > CHUNK_SIZE ? this.#takeNotes() : [],
      published: async () => {
        await this.#step("published");
      },
    });
    return await this.#publishing.run();
  }

  async #syncData(): Promise<void> {
    if (this.#isDurable) await this.#parts.data.sync();
  }

  get #isDurable(): boolean {
    return this.#parts.request.durability === "full";
  }

  /** Without a size nobody knows how long the last chunk is. */
  get #isWorthKeeping(): boolean {
    return this.#verifiedBytes > 0 &&
      this.#parts.journal.header?.size !== undefined;
  }

  /** Ends with success: only the outcome stays. */
  async #end(): Promise<void> {
    const { data, disk, journal, staging } = this.#parts;
    this.#ended = cancelled();
    // Skipped: the data never got a name.
    if (!this.#publishing?.isGiven) {
      await removeOwned(disk, staging.data, data);
    }
    if (!staging.keepsOutcome) await removeOwned(disk, staging.map, journal);
    this.#close(this.#ended);
  }

  /** Takes everything back; what cannot be removed now is left for the recovery. */
  async #discard(reason: StorageError = cancelled()): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    const { data, disk, journal, staging } = this.#parts;
    await this.#publishing?.undo();
    await removeOwned(disk, staging.data, data);
    await removeOwned(disk, staging.map, journal);
    this.#close(reason);
  }

  #close(reason: StorageError): void {
    this.#ended = reason;
    this.#parts.data.close();
    this.#parts.journal.close();
    this.#parts.onEnd();
  }

  #step(step: CommitStep): void | Promise<void> {
    return this.#parts.hooks.step?.(step);
  }

  #assertOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  /** Does what must succeed, or else be the end. */
  #attempt<T>(
    work: () => Promise<T>,
    objection?: () => StorageError,
  ): Promise<T> {
    return this.#exclusive(async () => {
      this.#assertOpen();
      if (this.#isForeign && objection !== undefined) throw objection();
      try {
        return await work();
      } catch (error) {
        await this.#discard();
        throw error;
      }
    });
  }

  /** Runs one call after the other. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => {});
    return result;
  }
}
