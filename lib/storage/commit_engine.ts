/**
 * The one engine that files come in through: uploads to a server and downloads
 * to a client.
 *
 * @module
 */

import { join } from "@std/path";
import type { Clock } from "../platform/mod.ts";
import { ChunkMap } from "./chunk_map.ts";
import { findTwin, takenError, twinError } from "./conflict.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { lstatIfAny, type SafePath } from "./jail.ts";
import { JournalFile } from "./journal_file.ts";
import { type FindDirectory, removeIfAny, removeStaging } from "./leftovers.ts";
import { CHUNK_SIZE, FILE_SIZE_MAX, FINGERPRINT_LENGTH_MAX } from "./limits.ts";
import type { NameLocks } from "./name_locks.ts";
import { StagedReceiving } from "./receiving.ts";
import type {
  PublishTarget,
  ReceivingParts,
  StorageHooks,
} from "./receiving_parts.ts";
import { findLeftover } from "./resuming.ts";
import type { Room } from "./room.ts";
import type { Staging } from "./staging.ts";
import type { Outcome, ReceiveRequest, ReceiveStart } from "./storage.ts";

/** An upload id, which becomes a file name: nothing else may. */
const ID_REGEXP = /^[0-9a-f]{32}$/;

/** Leftovers of one id that are cleared before giving up: each is a lost race. */
const TAKE_OVER_ATTEMPTS = 4;

/** What {@linkcode CommitEngine} works with. */
export interface CommitEngineOptions {
  /** Where everything is. */
  readonly disk: Disk;
  /** Gives the times in the maps. */
  readonly clock: Clock;
  /** The names that are being decided on. */
  readonly locks: NameLocks;
  /** The room that there is. */
  readonly room: Room;
  /** Called between steps. */
  readonly hooks: StorageHooks;
  /** The target that a path stands for, where a review may choose another. */
  readonly retarget?: (path: SafePath) => PublishTarget;
  /** Finds the directory that the map of a leftover names. */
  readonly findDirectory: FindDirectory;
}

/** A transfer that has begun and not ended. */
interface Ticket {
  /** What its sender proves itself by. */
  readonly token: string | undefined;
  /** Resolves, whatever happens, when it is known how it begins. */
  readonly begun: Promise<unknown>;
  /** What there is to stop, once it has begun. */
  receiving?: StagedReceiving;
}

/** Whether `id` can be the id of an upload. */
export function isUploadId(id: string): boolean {
  return ID_REGEXP.test(id);
}

/** Receives files: staged, verified, published, journalled. */
export class CommitEngine {
  readonly #options: CommitEngineOptions;
  /** By staged file, every transfer that has begun and not ended. */
  readonly #live = new Map<string, Ticket>();

  /** Makes an engine that knows of no transfer. */
  constructor(options: CommitEngineOptions) {
    this.#options = options;
  }

  /** Whether a transfer of this process uses a staging place. */
  isLive(staging: Staging): boolean {
    return this.#live.has(staging.data);
  }

  /**
   * Begins to receive, or answers with the outcome that there is already.
   *
   * @throws {StorageError} `busy` when the same id is being received, `exists`,
   * `is-directory`, `no-space`, `too-large`.
   */
  async receive(
    target: PublishTarget,
    staging: Staging,
    request: ReceiveRequest,
  ): Promise<ReceiveStart> {
    assertRequest(request);
    for (let attempt = 0; this.isLive(staging); attempt++) {
      if (attempt === TAKE_OVER_ATTEMPTS) throw busy();
      await this.#supersede(staging, request.token);
    }
    const begun = Promise.withResolvers<void>();
    const ticket: Ticket = { token: request.token, begun: begun.promise };
    const onEnd = this.#enter(staging, ticket);
    try {
      const start = await this.#start(target, staging, request, onEnd);
      if (start.kind === "settled") onEnd();
      else ticket.receiving = start.receiving;
      return start;
    } catch (error) {
      onEnd();
      throw error;
    } finally {
      begun.resolve();
    }
  }

  /**
   * Marks a staging place as live, for what is received without {@linkcode receive}.
   *
   * @returns What ends that.
   */
  claim(staging: Staging, token: string | undefined): () => void {
    const begun = Promise.withResolvers<void>();
    const onEnd = this.#enter(staging, { token, begun: begun.promise });
    return () => {
      onEnd();
      begun.resolve();
    };
  }

  #enter(staging: Staging, ticket: Ticket): () => void {
    this.#live.set(staging.data, ticket);
    return () => {
      if (this.#live.get(staging.data) === ticket) {
        this.#live.delete(staging.data);
      }
    };
  }

  /** Ends every transfer, so that nothing stays open: what its sender may continue stays. */
  async close(): Promise<void> {
    for (const ticket of [...this.#live.values()]) {
      await ticket.begun;
      const { receiving, token } = ticket;
      await (token === undefined ? receiving?.abort() : receiving?.suspend());
    }
  }

  /**
   * Stops the live transfer of a staging place, if whoever asks proves to be
   * its owner, who comes back while the old connection still seems to be there.
   */
  async #supersede(
    staging: Staging,
    token: string | undefined,
  ): Promise<void> {
    const ticket = this.#live.get(staging.data);
    if (ticket?.token === undefined) throw busy();
    if (ticket.token !== token) throw busyElsewhere();
    // A commit that is under way is waited for: then there is an outcome.
    await ticket.begun;
    await ticket.receiving?.supersede();
  }

  async #start(
    target: PublishTarget,
    staging: Staging,
    request: ReceiveRequest,
    onEnd: () => void,
  ): Promise<
    Exclude<ReceiveStart, { kind: "receiving" }> | {
      readonly kind: "receiving";
      readonly receiving: StagedReceiving;
    }
  > {
    const known = await staging.settled();
    if (known !== undefined) return { kind: "settled", outcome: known };
    for (let attempt = 0; attempt < TAKE_OVER_ATTEMPTS; attempt++) {
      await staging.ensure();
      const begun = await this.#stage(target, staging, request) ??
        await this.#takeOver(target, staging, request);
      if (begun === undefined) continue;
      if (!("data" in begun)) return { kind: "settled", outcome: begun };
      const parts = {
        ...{ ...this.#options, ...begun },
        ...{ target, staging, request, onEnd },
      };
      const receiving = new StagedReceiving(parts);
      try {
        const outcome = await this.#admit(parts, receiving);
        if (outcome === undefined) return { kind: "receiving", receiving };
        await receiving.abort();
        return { kind: "settled", outcome };
      } catch (error) {
        // A name that is taken, or a full disk, is no reason to lose what is there.
        if (receiving.resumedFrom > 0) await receiving.supersede();
        await receiving.abort();
        throw error;
      }
    }
    throw busy();
  }

  /** Makes the staged file and its map; `undefined` when either is there already. */
  async #stage(
    target: PublishTarget,
    staging: Staging,
    request: ReceiveRequest,
  ): Promise<Begun | undefined> {
    const { disk, clock } = this.#options;
    let data: DiskFile | undefined;
    let journal: JournalFile | undefined;
    try {
      await staging.check();
      data = await disk.open(staging.data, "create");
      if (!await data.tryLock()) throw busy();
      const { id, size, modified, onConflict, durability, algorithm } = request;
      journal = new JournalFile(disk, staging.map, {
        kind: "header",
        ...{ id, size, modified, onConflict, durability, algorithm },
        path: target.path,
        location: target.location,
        chunkSize: CHUNK_SIZE,
        created: clock.now(),
        source: request.source,
        token: request.token,
        inode: (await data.stat()).inode,
      });
      // A map that is there tells of an outcome; where none are kept it is
      // rubbish, and a new one is not needed before the first note.
      if (staging.keepsOutcome) await journal.create();
      else await removeIfAny(disk, staging.map);
      return { data, journal, chunks: new ChunkMap() };
    } catch (error) {
      if (data !== undefined) {
        data.close();
        await removeIfAny(disk, staging.data).catch(() => {});
      }
      if (journal?.isOpen) {
        await removeIfAny(disk, staging.map).catch(() => {});
      }
      journal?.close();
      if (isExists(error)) return undefined;
      throw error;
    }
  }

  /** Takes over from a transfer that is not running any more. */
  async #takeOver(
    target: PublishTarget,
    staging: Staging,
    request: ReceiveRequest,
  ): Promise<Begun | Outcome | undefined> {
    const { disk, clock, findDirectory } = this.#options;
    const now = clock.now();
    const options = { request, target, now, findDirectory };
    using leftover = await findLeftover(disk, staging, options);
    if (leftover.kind === "live") throw busy();
    if (leftover.kind === "guarded") throw busyElsewhere();
    if (leftover.kind === "settled") {
      await removeIfAny(disk, staging.data);
      return leftover.outcome;
    }
    if (leftover.kind === "resumable") return leftover.take();
    await removeStaging(disk, staging);
    return undefined;
  }

  /** Looks at what can be known before the first byte, so that none is sent in vain. */
  async #admit(
    { target, staging, request, data, room }: ReceivingParts,
    receiving: StagedReceiving,
  ): Promise<Outcome | undefined> {
    const { disk, hooks } = this.#options;
    await hooks.step?.("opened");
    await staging.check();
    const [there, own] = [await disk.lstat(staging.data), await data.stat()];
    if (there.inode !== own.inode || there.device !== own.device) {
      throw new StorageError("outside", "the staging folder was exchanged");
    }
    await target.check();
    const outcome = await foresee(disk, target, request);
    if (outcome !== undefined) return outcome;
    await room.assert(staging, (request.size ?? 0) - receiving.resumedFrom);
    return undefined;
  }
}

/** What a transfer begins with. */
type Begun = Pick<ReceivingParts, "data" | "journal" | "chunks">;

/**
 * What the conflict policy will say, as far as it can be known beforehand: the
 * outcome of what need not be received.
 *
 * @throws {StorageError} `exists`, `is-directory`.
 */
export async function foresee(
  disk: Disk,
  target: PublishTarget,
  { onConflict, size }: ReceiveRequest,
): Promise<Outcome | undefined> {
  const taken = await lstatIfAny(disk, join(target.directory, target.name));
  if (taken === undefined || onConflict === "rename") return undefined;
  const twin = await findTwin(disk, target.directory, target.name, taken);
  if (twin !== undefined) throw twinError(target, twin);
  if (onConflict === "skip") {
    return {
      path: target.path,
      publication: "skipped",
      size: size ?? 0,
      digest: undefined,
      durable: false,
      resumedFrom: 0,
    };
  }
  if (onConflict === "fail" || taken.kind === "directory") {
    throw takenError(taken, target.path);
  }
  return undefined;
}

/**
 * Checks what can be checked of a request alone.
 *
 * @throws {StorageError} `bad-name`, `too-large`.
 */
export function assertRequest(
  { id, size, source = "", token = "" }: ReceiveRequest,
): void {
  if (!isUploadId(id)) {
    throw new StorageError("bad-name", "the upload id is not 32 hex digits");
  }
  if (size !== undefined && size > FILE_SIZE_MAX) {
    throw new StorageError("too-large", "the file is larger than 16 TiB");
  }
  if (Math.max(source.length, token.length) > FINGERPRINT_LENGTH_MAX) {
    throw new StorageError(
      "bad-name",
      `a fingerprint has more than ${FINGERPRINT_LENGTH_MAX} characters`,
    );
  }
}

function isExists(error: unknown): boolean {
  return error instanceof StorageError && error.kind === "exists";
}

function busy(): StorageError {
  return new StorageError("busy", "it is being received already");
}

function busyElsewhere(): StorageError {
  return new StorageError(
    "busy",
    "it is being received already, from somebody who began it elsewhere; wait for that to end, or begin anew",
  );
}
