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
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { join } from "@std/path";
import { crc32 } from "node:zlib";
import type { Clock } from "../platform/mod.ts";
import { chunkCount, ChunkDigest, chunkLength } from "./chunk_digest.ts";
import { moveToFreeName, type NamePlan, planName } from "./conflict.ts";
import type { Disk, DiskFile, DiskStat } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { lstatIfAny } from "./jail.ts";
import type { JournalFile } from "./journal_file.ts";
import { siblingPath } from "./leftovers.ts";
import {
  CHECKPOINT_BYTES,
  CHUNK_COUNT_MAX,
  CHUNK_SIZE,
  NUMBERED_NAMES_MAX,
} from "./limits.ts";
import type { NameLocks } from "./name_locks.ts";
import { hashFile } from "./source.ts";
import type { Staging } from "./staging.ts";
import type { Digest, Outcome, ReceiveRequest, Receiving } from "./storage.ts";
import { toSumsRecords } from "./upload_journal.ts";

/** Between which steps of a transfer a hook is called. */
export type CommitStep =
  /** The staged file is open and locked. */
  | "opened"
  /** All chunks are written, and the commit was asked for. */
  | "written"
  /** The staged file was verified and is durable. */
  | "synced"
  /** The intent is durable. */
  | "intended"
  /** The file has its name. */
  | "published"
  /** The name is durable. */
  | "settled"
  /** The outcome is in the map. */
  | "recorded";

/** Called between steps, for tests that disturb exactly there. */
export interface StorageHooks {
  /** Called when a step is done and before the next begins. */
  readonly step?: (step: CommitStep) => void | Promise<void>;
}

/** Where a received file is to go. */
export interface PublishTarget {
  /** How users know the path. */
  readonly path: string;
  /** The same with links resolved, for the map. */
  readonly location: string;
  /** The real path of the directory. */
  readonly directory: string;
  /** The last segment. */
  readonly name: string;
  /** Checks that the directory is still the one that it was. */
  check(): Promise<void>;
  /** Makes the entries of the directory durable; `false` where the host cannot. */
  sync(directory: string): Promise<boolean>;
}

/** What a {@linkcode StagedReceiving} works with. */
export interface ReceivingParts {
  /** Where everything is. */
  readonly disk: Disk;
  /** Gives the times in the map. */
  readonly clock: Clock;
  /** The names that are being decided on. */
  readonly locks: NameLocks;
  /** Called between steps. */
  readonly hooks: StorageHooks;
  /** Where the file is to go. */
  readonly target: PublishTarget;
  /** Where it is until then. */
  readonly staging: Staging;
  /** What was asked for. */
  readonly request: ReceiveRequest;
  /** The staged file: new, empty, locked. */
  readonly data: DiskFile;
  /** Its map, perhaps not made yet. */
  readonly journal: JournalFile;
  /** Called once, when it is over. */
  readonly onEnd: () => void;
}

/** The {@linkcode Receiving} of every backend. */
export class StagedReceiving implements Receiving {
  readonly #parts: ReceivingParts;
  readonly #sums = new ChunkDigest();
  readonly #hash: Hash = createHash("sha256");
  /** Chunks that went into the running hash, all from the beginning. */
  #hashed = 0;
  #verifiedBytes = 0;
  /** The size, once announced or shown by a short chunk. */
  #size: number | undefined;
  /** Chunks that the map does not speak of yet. */
  #unrecorded: number[] = [];
  /** The name that it may have been given, to be taken back on failure. */
  #given: NamePlan | undefined;
  #state: "open" | "ended" = "open";
  #tail: Promise<unknown> = Promise.resolve();

  /** Takes over the open files in `parts`. */
  constructor(parts: ReceivingParts) {
    this.#parts = parts;
    this.#size = parts.request.size;
  }

  /** Bytes in verified chunks so far. */
  get verifiedBytes(): number {
    return this.#verifiedBytes;
  }

  /** Checks and writes a chunk. */
  writeChunk(
    index: number,
    bytes: Uint8Array,
    checksum: number,
  ): Promise<void> {
    return this.#exclusive(async () => {
      this.#assertOpen();
      if (this.#isKnown(index, bytes, checksum)) return;
      try {
        await this.#parts.data.write(bytes, index * CHUNK_SIZE);
        this.#note(index, bytes, checksum);
        if (this.#unrecorded.length * CHUNK_SIZE >= CHECKPOINT_BYTES) {
          await this.#checkpoint();
        }
      } catch (error) {
        await this.#discard();
        throw error;
      }
    });
  }

  /** Verifies the whole and gives it its name. */
  commit(size: number, digest: Digest): Promise<Outcome> {
    return this.#exclusive(async () => {
      this.#assertOpen();
      try {
        await this.#step("written");
        await this.#verify(size, digest);
        const outcome = await this.#store(size, digest);
        await this.#step("recorded");
        await this.#end();
        return outcome;
      } catch (error) {
        await this.#discard();
        throw error;
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
        ? isShort && this.#sums.top > index + 1
        : bytes.length !== chunkLength(index, this.#size))
    ) {
      throw new StorageError("integrity", `chunk ${index} has a wrong length`);
    }
    const before = this.#sums.get(index);
    if (before === undefined) return false;
    // The map may speak of it already: it must stay what it was.
    if (before !== checksum) {
      throw new StorageError(
        "integrity",
        `chunk ${index} came twice, different`,
      );
    }
    return true;
  }

  #note(index: number, bytes: Uint8Array, checksum: number): void {
    if (bytes.length < CHUNK_SIZE) {
      this.#size = index * CHUNK_SIZE + bytes.length;
    }
    this.#sums.set(index, checksum);
    this.#verifiedBytes += bytes.length;
    this.#unrecorded.push(index);
    if (
      this.#parts.request.algorithm === "sha256" && index === this.#hashed
    ) {
      this.#hash.update(bytes);
      this.#hashed++;
    }
  }

  /** Makes what was received survive: the data first, then the map that vouches for it. */
  async #checkpoint(): Promise<void> {
    if (this.#isDurable) {
      await this.#syncData(); // before the map speaks of it
      await this.#parts.journal.append(this.#takeSums());
      await this.#parts.journal.sync();
    } else {
      // Nothing may vouch for data that was not synced.
      this.#unrecorded = [];
    }
  }

  async #verify(size: number, digest: Digest): Promise<void> {
    if (
      this.#verifiedBytes !== size || this.#sums.count !== chunkCount(size) ||
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
    if (digest.algorithm !== algorithm || digest.value !== value) {
      throw new StorageError(
        "integrity",
        `the ${algorithm} digest of what arrived is not the sender's`,
      );
    }
  }

  async #digestValue(size: number): Promise<string> {
    if (this.#parts.request.algorithm === "crc32-chunks") {
      return this.#sums.value(size);
    }
    return this.#hashed === chunkCount(size)
      ? this.#hash.digest("hex")
      : await hashFile(this.#parts.data, size);
  }

  /** Steps 3 to 7 of the list above. */
  async #store(size: number, digest: Digest): Promise<Outcome> {
    const { data, locks, target, request } = this.#parts;
    if (request.modified !== undefined) {
      await data.setModified(request.modified);
    }
    await this.#syncData(); // before it gets its name
    const stat = await data.stat();
    await this.#step("synced");
    using _lock = await locks.acquire(join(target.directory, target.name));
    for (let attempt = 0; attempt < NUMBERED_NAMES_MAX; attempt++) {
      using plan = await this.#plan();
      const given = plan.publication === "skipped" ||
        await this.#publish(plan, digest, stat);
      if (given) return await this.#settle(plan, size, digest);
    }
    throw new StorageError("busy", "others take every name first");
  }

  async #plan(): Promise<NamePlan> {
    const { disk, locks, target, request } = this.#parts;
    await target.check();
    return await planName(disk, locks, target, request.onConflict);
  }

  /** Gives the file its name; `false` when somebody else took it first. */
  async #publish(
    plan: NamePlan,
    digest: Digest,
    stat: DiskStat,
  ): Promise<boolean> {
    await this.#recordIntent(plan, digest, stat);
    await this.#step("intended");
    // From here to the end there is no hook: checking and publishing are one step.
    const { disk, staging, target } = this.#parts;
    await target.check();
    await this.#checkStaged(stat);
    const to = join(target.directory, plan.name);
    this.#given = plan;
    if (plan.publication === "replaced") {
      await disk.rename(staging.data, to);
      return true;
    }
    const given = await moveToFreeName(disk, staging.data, to);
    if (!given) this.#given = undefined;
    return given;
  }

  /** The staged name must still lead to the file that was written, and only it. */
  async #checkStaged(stat: DiskStat): Promise<void> {
    const { disk, staging } = this.#parts;
    await staging.check();
    const now = await disk.lstat(staging.data);
    if (
      now.device !== stat.device || now.inode !== stat.inode || now.links !== 1
    ) {
      throw new StorageError("io", "somebody exchanged the staged file");
    }
  }

  async #recordIntent(
    plan: NamePlan,
    digest: Digest,
    stat: DiskStat,
  ): Promise<void> {
    const { disk, journal, staging } = this.#parts;
    if (!staging.keepsOutcome) return;
    const { size, device, inode, modified } = stat;
    await journal.append([
      // The data was synced just before. A file of one chunk is not worth a sum.
      ...(this.#isDurable && size > CHUNK_SIZE ? this.#takeSums() : []),
      {
        kind: "intent",
        name: plan.name,
        publication: plan.publication,
        size,
        digest,
        device,
        inode,
        modified,
      },
    ]);
    if (!this.#isDurable) return;
    await journal.sync();
    await disk.syncDirectory(staging.directory);
  }

  async #settle(
    plan: NamePlan,
    size: number,
    digest: Digest,
  ): Promise<Outcome> {
    const { clock, journal, staging, target } = this.#parts;
    const { publication } = plan;
    let durable = false;
    if (publication !== "skipped") {
      await this.#step("published");
      await target.check();
      if (this.#isDurable) durable = await target.sync(target.directory);
      await this.#step("settled");
    }
    const path = siblingPath(target.path, plan.name);
    const outcome = { path, publication, size, digest, durable };
    if (staging.keepsOutcome) {
      const record = { kind: "outcome", at: clock.now(), outcome } as const;
      // The intent alone proves as much, as long as the file keeps its name.
      await journal.append([record]).catch(ignore);
    }
    return outcome;
  }

  async #syncData(): Promise<void> {
    if (this.#isDurable) {
      await this.#parts.data.sync();
    }
  }

  get #isDurable(): boolean {
    return this.#parts.request.durability === "full";
  }

  #takeSums(): ReturnType<typeof toSumsRecords> {
    const indexes = this.#unrecorded;
    this.#unrecorded = [];
    return toSumsRecords(indexes, (index) => this.#sums.get(index)!);
  }

  /** Ends with success: only the outcome stays. */
  async #end(): Promise<void> {
    const { data, disk, journal, staging, onEnd } = this.#parts;
    this.#state = "ended";
    // Skipped: the data never got a name.
    if (this.#given === undefined) await removeOwned(disk, staging.data, data);
    if (!staging.keepsOutcome) await removeOwned(disk, staging.map, journal);
    data.close();
    journal.close();
    onEnd();
  }

  /** Takes everything back; what cannot be removed now is left for the recovery. */
  async #discard(): Promise<void> {
    if (this.#state === "ended") return;
    this.#state = "ended";
    const { data, disk, journal, staging, target, onEnd } = this.#parts;
    const given = this.#given;
    // What was replaced is gone: the new file is whole, and better than none.
    if (given !== undefined && given.publication !== "replaced") {
      await removeOwned(disk, join(target.directory, given.name), data);
    }
    await removeOwned(disk, staging.data, data);
    await removeOwned(disk, staging.map, journal);
    data.close();
    journal.close();
    onEnd();
  }

  #step(step: CommitStep): void | Promise<void> {
    return this.#parts.hooks.step?.(step);
  }

  #assertOpen(): void {
    if (this.#state === "ended") {
      throw new StorageError("cancelled", "the transfer is over");
    }
  }

  /** Runs one call after the other. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(ignore);
    return result;
  }
}

/** Removes a name, but only if it leads to the very file that is open. */
async function removeOwned(
  disk: Disk,
  path: string,
  file: { stat(): Promise<DiskStat | undefined> },
): Promise<void> {
  try {
    const own = await file.stat();
    if (own === undefined) return;
    const there = await lstatIfAny(disk, path);
    if (there?.device === own.device && there.inode === own.inode) {
      await disk.removeFile(path);
    }
  } catch {
    // Cleaning up must not hide why it had to be done.
  }
}

function ignore(): void {}
