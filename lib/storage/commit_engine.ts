/**
 * The one engine that files come in through: uploads to a server and downloads
 * to a client.
 *
 * @module
 */

import { join } from "@std/path";
import type { Clock } from "../platform/mod.ts";
import { takenError } from "./conflict.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { lstatIfAny } from "./jail.ts";
import { JournalFile } from "./journal_file.ts";
import {
  type FindDirectory,
  readLeftover,
  removeIfAny,
  removeStaging,
} from "./leftovers.ts";
import { CHUNK_SIZE, FILE_SIZE_MAX } from "./limits.ts";
import type { NameLocks } from "./name_locks.ts";
import { formatBytes } from "./names.ts";
import {
  type PublishTarget,
  StagedReceiving,
  type StorageHooks,
} from "./receiving.ts";
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
  /** Called between steps. */
  readonly hooks: StorageHooks;
  /** Finds the directory that the map of a leftover names. */
  readonly findDirectory: FindDirectory;
}

/** Whether `id` can be the id of an upload. */
export function isUploadId(id: string): boolean {
  return ID_REGEXP.test(id);
}

/** Receives files: staged, verified, published, journalled. */
export class CommitEngine {
  readonly #options: CommitEngineOptions;
  /** By staged file, every transfer that has begun and not ended. */
  readonly #live = new Map<string, { receiving?: StagedReceiving }>();

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
    if (this.isLive(staging)) throw busy();
    const ticket = {};
    this.#live.set(staging.data, ticket);
    const onEnd = () => {
      if (this.#live.get(staging.data) === ticket) {
        this.#live.delete(staging.data);
      }
    };
    try {
      const start = await this.#start(target, staging, request, onEnd);
      if (start.kind === "settled") onEnd();
      else Object.assign(ticket, start);
      return start;
    } catch (error) {
      onEnd();
      throw error;
    }
  }

  /** Aborts every transfer, so that nothing stays open. */
  async close(): Promise<void> {
    for (const { receiving } of [...this.#live.values()]) {
      await receiving?.abort();
    }
  }

  async #start(
    target: PublishTarget,
    staging: Staging,
    request: ReceiveRequest,
    onEnd: () => void,
  ): Promise<ReceiveStart> {
    const { disk, clock } = this.#options;
    for (let attempt = 0; attempt < TAKE_OVER_ATTEMPTS; attempt++) {
      await staging.ensure();
      const journal = new JournalFile(disk, staging.map, {
        kind: "header",
        ...request,
        path: target.path,
        location: target.location,
        chunkSize: CHUNK_SIZE,
        created: clock.now(),
      });
      const data = await this.#stage(staging, journal);
      if (data === undefined) {
        const outcome = await this.#takeOver(target, staging, request);
        if (outcome !== undefined) return { kind: "settled", outcome };
        continue;
      }
      const receiving = new StagedReceiving({
        ...this.#options,
        target,
        staging,
        request,
        data,
        journal,
        onEnd,
      });
      try {
        const outcome = await this.#admit(target, staging, request, data);
        if (outcome === undefined) return { kind: "receiving", receiving };
        await receiving.abort();
        return { kind: "settled", outcome };
      } catch (error) {
        await receiving.abort();
        throw error;
      }
    }
    throw busy();
  }

  /** Makes the staged file and its map; `undefined` when either is there already. */
  async #stage(
    staging: Staging,
    journal: JournalFile,
  ): Promise<DiskFile | undefined> {
    const { disk } = this.#options;
    let data: DiskFile | undefined;
    try {
      await staging.check();
      data = await disk.open(staging.data, "create");
      if (!await data.tryLock()) throw busy();
      // A map that is there tells of an outcome; where none are kept it is
      // rubbish, and a new one is not needed before the first checkpoint.
      if (staging.keepsOutcome) await journal.create();
      else await removeIfAny(disk, staging.map);
      return data;
    } catch (error) {
      if (data !== undefined) {
        data.close();
        await removeIfAny(disk, staging.data).catch(() => {});
      }
      if (journal.isOpen) await removeIfAny(disk, staging.map).catch(() => {});
      journal.close();
      if (isExists(error)) return undefined;
      throw error;
    }
  }

  /** Takes over from a transfer that is not running any more. */
  async #takeOver(
    target: PublishTarget,
    staging: Staging,
    request: ReceiveRequest,
  ): Promise<Outcome | undefined> {
    const { disk, clock, findDirectory } = this.#options;
    using data = await this.#openLeftover(staging.data);
    if (data.isBusy) throw busy();
    const leftover = staging.keepsOutcome
      ? await readLeftover(disk, staging.map, {
        id: request.id,
        now: clock.now(),
        findDirectory,
        syncDirectory: (directory) => target.sync(directory),
      })
      : { kind: "invalid" } as const;
    if (leftover.kind === "live") throw busy();
    if (leftover.kind === "settled") {
      await removeIfAny(disk, staging.data);
      return leftover.outcome;
    }
    await removeStaging(disk, staging);
    return undefined;
  }

  async #openLeftover(
    path: string,
  ): Promise<{ isBusy: boolean } & Disposable> {
    const { disk } = this.#options;
    const nothing = { isBusy: false, [Symbol.dispose]: () => {} };
    // A link or a pipe in its place is removed, never opened.
    if ((await lstatIfAny(disk, path))?.kind !== "file") return nothing;
    const file = await disk.open(path, "read");
    try {
      const isBusy = !await file.tryLock();
      return { isBusy, [Symbol.dispose]: () => file.close() };
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Looks at what can be known before the first byte, so that none is sent in vain. */
  async #admit(
    target: PublishTarget,
    staging: Staging,
    request: ReceiveRequest,
    data: DiskFile,
  ): Promise<Outcome | undefined> {
    const { disk, hooks } = this.#options;
    await hooks.step?.("opened");
    await staging.check();
    const [there, own] = [await disk.lstat(staging.data), await data.stat()];
    if (there.inode !== own.inode || there.device !== own.device) {
      throw new StorageError("outside", "the staging folder was exchanged");
    }
    await target.check();
    const taken = await lstatIfAny(disk, join(target.directory, target.name));
    if (taken !== undefined && request.onConflict === "skip") {
      const { path } = target;
      return {
        path,
        publication: "skipped",
        size: request.size ?? 0,
        digest: undefined,
        durable: false,
      };
    }
    if (
      taken !== undefined && request.onConflict !== "rename" &&
      (request.onConflict === "fail" || taken.kind === "directory")
    ) throw takenError(taken, target.path);
    await this.#assertRoom(staging.directory, request.size);
    return undefined;
  }

  async #assertRoom(
    directory: string,
    size: number | undefined,
  ): Promise<void> {
    if (size === undefined) return;
    const free = await this.#options.disk.freeSpace(directory);
    if (free !== undefined && size > free) {
      throw new StorageError(
        "no-space",
        `it needs ${formatBytes(size)}, ${formatBytes(free)} are free`,
      );
    }
  }
}

function assertRequest({ id, size }: ReceiveRequest): void {
  if (!isUploadId(id)) {
    throw new StorageError("bad-name", "the upload id is not 32 hex digits");
  }
  if (size !== undefined && size > FILE_SIZE_MAX) {
    throw new StorageError("too-large", "the file is larger than 16 TiB");
  }
}

function busy(): StorageError {
  return new StorageError("busy", "it is being received already");
}

function isExists(error: unknown): boolean {
  return error instanceof StorageError && error.kind === "exists";
}
