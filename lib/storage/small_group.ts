/**
 * Many small files at once, with the guarantees of one: what is done is the same
 * as in `receiving.ts`, in the same order, but each step is done for all files
 * of a group before the next one, and what is the same for several is done
 * once: one intent for the group, one sync for each directory.
 *
 * The jail's check of a directory is made once in each step for all files of
 * the group that go there, right before the first and again after the last of
 * them. The guarantee stays the same, as it was never that a directory cannot
 * be exchanged between a check and the call after it (no call can do both),
 * but that an exchange before a step stops it, and that one in between is found
 * before anything is told: then every name given there is taken back. What
 * grows is the window, from one file to at most a group of them, a few
 * milliseconds in which this process waits for nothing.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { smallDigest } from "./chunk_digest.ts";
import {
  assertRequest,
  type CommitEngine,
  type CommitEngineOptions,
  foresee,
} from "./commit_engine.ts";
import {
  freePlan,
  moveToFreeName,
  type NamePlan,
  planName,
} from "./conflict.ts";
import type { DiskFile, DiskStat } from "./disk.ts";
import type { SyncedDirectories } from "./durable_directories.ts";
import { StorageError } from "./errors.ts";
import { seemsTaken } from "./jail.ts";
import { GroupJournal } from "./group_journal.ts";
import { siblingPath } from "./leftovers.ts";
import { CHUNK_SIZE, SMALL_GROUP_SYNCS } from "./limits.ts";
import { childPath } from "./names.ts";
import {
  applyMode,
  assertStaged,
  removeOwned,
  toIntent,
} from "./publishing.ts";
import type { PublishTarget } from "./receiving_parts.ts";
import type { Staging, StagingFolder } from "./staging.ts";
import type { Digest, Outcome, SmallFile } from "./storage.ts";
import type { MemberRecord, SettledRecord } from "./upload_journal.ts";

/** One file, and where it goes. */
export interface SmallItem extends SmallFile {
  /** Where it is to go, if that name is free. */
  readonly target: PublishTarget;
  /** The same, with a look at what may have the name. */
  readonly relocate: () => Promise<PublishTarget>;
  /** Where it is staged if it is received alone, or has no folder. */
  readonly staging: Staging;
  /** The staging folder of its file system; without one it is staged beside its target. */
  readonly folder: StagingFolder | undefined;
}

/** One file on its way. */
interface Member {
  readonly item: SmallItem;
  /** Its staged name. */
  readonly path: string;
  /** The name that was asked for. */
  readonly wanted: string;
  readonly data: DiskFile;
  readonly stat: DiskStat;
  readonly digest: Digest;
  plan?: NamePlan;
  isGiven: boolean;
  isSynced: boolean;
  /** Whether it goes the long way, as its name turned out to be taken. */
  isAlone: boolean;
  result?: Outcome | StorageError;
}

/** One group on its way. */
export class SmallGroup {
  readonly #engine: CommitEngine;
  readonly #options: CommitEngineOptions;
  readonly #results: Map<SmallItem, Outcome | StorageError>;
  readonly #members: Member[] = [];
  readonly #ends: (() => void)[] = [];
  #folder: StagingFolder | undefined;
  #journal: GroupJournal | undefined;

  constructor(
    engine: CommitEngine,
    options: CommitEngineOptions,
    results: Map<SmallItem, Outcome | StorageError>,
  ) {
    this.#engine = engine;
    this.#options = options;
    this.#results = results;
  }

  /** Receives the group; returns what must go the long way. */
  async run(items: readonly SmallItem[]): Promise<SmallItem[]> {
    const alone: SmallItem[] = [];
    try {
      this.#folder = items[0]!.folder;
      const fresh = await this.#admit(items, alone);
      if (fresh.length > 0) {
        await this.#stage(fresh, alone);
        await this.#sync();
        await this.#publishAll();
      }
      for (const member of this.#members) {
        if (member.isAlone) alone.push(member.item);
      }
    } catch (error) {
      const failure = asStorageError(error);
      this.#members.forEach((member) => member.result ??= failure);
      for (const item of items) {
        if (!alone.includes(item) && !this.#isKnown(item)) {
          this.#results.set(item, failure);
        }
      }
    } finally {
      await this.#end();
    }
    return alone;
  }

  #isKnown(item: SmallItem): boolean {
    return this.#results.has(item) ||
      this.#members.some((member) => member.item === item);
  }

  /** Checks what can be checked of each file before anything is written. */
  async #admit(
    items: readonly SmallItem[],
    alone: SmallItem[],
  ): Promise<SmallItem[]> {
    const { disk, room } = this.#options;
    await this.#folder?.ensure();
    const check = checkOnce();
    const fresh: SmallItem[] = [];
    for (const item of items) {
      const { request, staging, target } = item;
      try {
        assertSmall(item);
        if (this.#engine.isLive(staging)) {
          alone.push(item);
          continue;
        }
        this.#ends.push(this.#engine.claim(staging, request.token));
        const known = await staging.settled();
        if (known !== undefined) {
          this.#results.set(item, known);
          continue;
        }
        const isTaken = await this.#seemsTaken(item);
        // What an earlier try left is looked at and cleared the long way. Without
        // a folder it is met when this one's data is made, if that is.
        const trace = staging.keepsOutcome ? staging.map : staging.data;
        const mayBeLeft = staging.keepsOutcome || isTaken;
        if (mayBeLeft && await seemsTaken(disk, trace)) {
          alone.push(item);
          continue;
        }
        await check(target);
        const foreseen = isTaken
          ? await foresee(disk, target, request)
          : undefined;
        if (foreseen === undefined) fresh.push(item);
        else this.#results.set(item, foreseen);
      } catch (error) {
        this.#results.set(item, asStorageError(error));
      }
    }
    const needed = fresh.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const first = fresh[0];
    if (first !== undefined) {
      await room.assert(first.staging, needed);
    }
    return fresh;
  }

  /** Only asked where more depends on it than who is told that it is taken. */
  async #seemsTaken({ target, request }: SmallItem): Promise<boolean> {
    const { onConflict } = request;
    if (onConflict === "fail" || onConflict === "rename") return false;
    const wanted = childPath(target.directory, target.name);
    return await seemsTaken(this.#options.disk, wanted);
  }

  /** Writes every file to its staged name. */
  async #stage(
    items: readonly SmallItem[],
    alone: SmallItem[],
  ): Promise<void> {
    const { disk, hooks } = this.#options;
    if (this.#folder !== undefined) {
      const ids = items.map(({ request }) => request.id);
      this.#journal = await GroupJournal.create(disk, this.#folder.path, ids);
      await this.#folder.check();
    }
    await hooks.step?.("opened");
    const check = checkOnce();
    for (const [number, item] of items.entries()) {
      const { staging } = item;
      try {
        if (this.#folder === undefined) await check(item.target);
        const path = this.#journal?.data(number) ?? staging.data;
        this.#members.push(await this.#stageOne(item, path));
      } catch (error) {
        const failure = asStorageError(error);
        if (failure.kind === "exists") alone.push(item);
        else this.#results.set(item, failure);
      }
    }
    await hooks.step?.("written");
  }

  async #stageOne(item: SmallItem, path: string): Promise<Member> {
    const { disk, room } = this.#options;
    const { bytes, request } = item;
    const data = await disk.open(path, "create");
    try {
      // In a folder the lock of the group's map stands for all.
      if (this.#journal === undefined && !await data.tryLock()) {
        throw new StorageError("exists", "it is being received already");
      }
      await room.write(item.staging, data, bytes, 0);
      if (request.mode !== undefined) {
        await applyMode(disk, path, await data.stat(), request.mode);
      }
      if (request.modified !== undefined) {
        await data.setModified(request.modified);
      }
      const stat = await data.stat();
      const digest = digestOf(item);
      const { directory, name } = item.target;
      return {
        item,
        path,
        wanted: childPath(directory, name),
        data,
        stat,
        digest,
        isGiven: false,
        isSynced: false,
        isAlone: false,
      };
    } catch (error) {
      await removeOwned(disk, path, data);
      data.close();
      throw error;
    }
  }

  /** Makes the data durable. */
  async #sync(): Promise<void> {
    const durable = this.#open.filter(({ item }) =>
      item.request.durability === "full"
    );
    await severalAtATime(
      durable,
      (member) => this.#attempt(member, () => member.data.sync()),
    );
    await this.#options.hooks.step?.("synced");
  }

  /** Gives the names, under their locks. */
  async #publishAll(): Promise<void> {
    const { hooks, locks } = this.#options;
    const names = this.#open.map(({ wanted }) => wanted);
    using _locks = await locks.acquire(...names);
    try {
      const check = checkOnce();
      await this.#each((member) => this.#plan(member, check));
      await this.#intend(this.#open);
      await hooks.step?.("intended");
      await this.#folder?.check();
      const recheck = checkOnce();
      await this.#each((member) => this.#publish(member, recheck));
      await hooks.step?.("published");
      await this.#settle();
      await hooks.step?.("settled");
      await this.#record();
      await hooks.step?.("recorded");
    } finally {
      for (const { plan } of this.#members) plan?.[Symbol.dispose]();
    }
  }

  async #plan(
    member: Member,
    check: (target: PublishTarget) => Promise<void>,
  ): Promise<void> {
    const { disk, locks } = this.#options;
    const { target, request: { onConflict } } = member.item;
    await check(target);
    // A name that is taken after all is not given: the link says so.
    const seemsFree = onConflict === "fail" ||
      !await seemsTaken(disk, member.wanted);
    member.plan = seemsFree
      ? freePlan(target.name)
      : await planName(disk, locks, target, onConflict);
  }

  /** One record for each, one write and one sync for all. */
  async #intend(members: readonly Member[]): Promise<void> {
    const records: MemberRecord[] = [];
    let isDurable = false;
    for (const { item, plan, stat, digest } of members) {
      const { request, target } = item;
      if (plan === undefined || plan.publication === "skipped") continue;
      isDurable ||= request.durability === "full";
      records.push({
        kind: "member",
        id: request.id,
        path: target.path,
        location: target.location,
        durability: request.durability,
        intent: toIntent(plan, { stat, digest, resumedFrom: 0 }),
      });
    }
    if (records.length === 0 || this.#journal === undefined) return;
    await this.#journal.intend(records, isDurable, this.#folder!.path);
  }

  async #publish(
    member: Member,
    check: (target: PublishTarget) => Promise<void>,
  ): Promise<void> {
    const { disk } = this.#options;
    const { item: { target }, path, stat } = member;
    const { publication, name } = member.plan!;
    if (publication === "skipped") return;
    await check(target);
    await assertStaged(disk, path, stat);
    const to = childPath(target.directory, name);
    member.isGiven = true;
    if (publication === "replaced") return await disk.rename(path, to);
    if (await moveToFreeName(disk, path, to)) return;
    member.isGiven = false;
    member.isAlone = true;
  }

  /** Checks every directory again, and syncs it once. */
  async #settle(): Promise<void> {
    const above: SyncedDirectories = new Map();
    const directories = Map.groupBy(
      this.#open.filter(({ isGiven }) => isGiven),
      ({ item }) => item.target.seen,
    );
    await severalAtATime([...directories.values()], async (members) => {
      const { target } = members[0]!.item;
      const durable = members.filter(({ item }) =>
        item.request.durability === "full"
      );
      try {
        await target.check();
        const isSynced = durable.length > 0 &&
          await target.sync(target.directory, above);
        for (const member of durable) member.isSynced = isSynced;
      } catch (error) {
        const failure = asStorageError(error);
        for (const member of members) member.result = failure;
      }
    });
  }

  async #record(): Promise<void> {
    const at = this.#options.clock.now();
    const records: SettledRecord[] = [];
    await this.#each(({ item, plan, stat, digest, isSynced, ...member }) => {
      const { publication, name } = plan!;
      const outcome: Outcome = {
        path: siblingPath(item.target.path, name),
        publication,
        size: stat.size,
        digest,
        durable: isSynced,
        resumedFrom: 0,
      };
      this.#results.set(item, outcome);
      if (!member.isGiven) return Promise.resolve();
      const { id } = item.request;
      const record = { kind: "outcome", at, outcome } as const;
      records.push({ kind: "settled", id, outcome: record });
      return Promise.resolve();
    });
    for (const member of this.#open) {
      member.result = this.#results.get(member.item)!;
    }
    if (records.length === 0 || this.#journal === undefined) return;
    await this.#journal.settle(records);
    const ids = records.map(({ id }) => id);
    this.#folder!.groups.add({ path: this.#journal.path, at, ids });
  }

  /** Takes back what failed, and closes. */
  async #end(): Promise<void> {
    const { disk } = this.#options;
    for (const member of this.#members) {
      const { item, path, data, plan, result } = member;
      const isPublished = member.isGiven && result !== undefined &&
        !(result instanceof StorageError);
      if (!isPublished) {
        const { directory } = item.target;
        if (member.isGiven && plan?.publication !== "replaced") {
          await removeOwned(disk, childPath(directory, plan!.name), data);
        }
        await removeOwned(disk, path, data);
      }
      data.close();
      if (result !== undefined) this.#results.set(item, result);
    }
    const journal = this.#journal;
    await journal?.end(this.#folder!.groups.knows(journal.path));
    for (const end of this.#ends) end();
  }

  /** What has not failed, and goes on in the group. */
  get #open(): Member[] {
    return this.#members.filter(({ result, isAlone }) =>
      result === undefined && !isAlone
    );
  }

  async #each(work: (member: Member) => Promise<void>): Promise<void> {
    for (const member of this.#open) {
      await this.#attempt(member, () => work(member));
    }
  }

  async #attempt(member: Member, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      member.result = asStorageError(error);
    }
  }
}

/** Waits for no more at a time than a file system serves at once. */
async function severalAtATime<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const todo = items.values();
  const some = Array.from({ length: SMALL_GROUP_SYNCS }, async () => {
    for (const item of todo) await work(item);
  });
  await Promise.all(some);
}

/** Checks each directory, as it was seen, once. */
function checkOnce(): (target: PublishTarget) => Promise<void> {
  const checks = new Map<string, Promise<void>>();
  return (target) => {
    let check = checks.get(target.seen);
    if (check === undefined) {
      check = target.check();
      checks.set(target.seen, check);
    }
    return check;
  };
}

function assertSmall({ request, bytes, checksum }: SmallFile): void {
  assertRequest(request);
  if (bytes.length > CHUNK_SIZE) {
    throw new StorageError("too-large", "it is larger than one chunk");
  }
  if (request.size !== undefined && request.size !== bytes.length) {
    throw new StorageError(
      "integrity",
      `${bytes.length} of ${request.size} bytes arrived`,
    );
  }
  if (crc32(bytes) !== checksum) {
    throw new StorageError("integrity", "it does not fit its sum");
  }
}

function digestOf({ request, bytes, checksum }: SmallFile): Digest {
  const { algorithm } = request;
  if (algorithm === "sha256") {
    const value = createHash("sha256").update(bytes).digest("hex");
    return { algorithm, value };
  }
  return { algorithm, value: smallDigest(bytes.length, checksum) };
}

/** What is no failure of storage is a fault of the program, and goes on. */
export function asStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  throw error;
}
