/**
 * The common map of a group of small files, and what is kept of it.
 *
 * A group has one file `<group>.group` in the staging folder, locked while it is
 * being received, and for each file staged data `<group>.<number>`. In the map
 * is, in this order: nothing while data is written and synced; every file's
 * intent, synced before the first of them gets its name; and every outcome,
 * once the directories were synced. So of a group that a crash interrupts the
 * intents tell which files have their names, and the rest has left nothing.
 *
 * The map is kept until each of its outcomes was acknowledged, or for a day. When
 * a folder is put in order, one is removed whose files have all lost their names
 * since: nothing is left that it vouches for. A second server on the same folder
 * learns of it when it starts, not before.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "@std/path";
import type { Disk } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { appendToJournal, JournalFile, readRecords } from "./journal_file.ts";
import {
  isPublished,
  type LeftoverOptions,
  openLeftoverFile,
  proveIntent,
  removeIfAny,
} from "./leftovers.ts";
import { GROUP_OUTCOMES_MAX, OUTCOME_RETENTION } from "./limits.ts";
import type { Outcome } from "./storage.ts";
import type { MemberRecord, SettledRecord } from "./upload_journal.ts";

/** Names tried for a group: each that is taken is a group of the very same ids. */
const NAME_ATTEMPTS = 64;

/** A group's map that outcomes are kept in. */
export interface KeptGroup {
  /** The map. */
  readonly path: string;
  /** When the last of them came about, in milliseconds since 1970. */
  readonly at: number;
  /** Whose outcomes it has. */
  readonly ids: readonly string[];
}

/** Knows in which group's map an outcome is; holds no outcome itself. */
export class GroupIndex {
  readonly #disk: Disk;
  readonly #paths = new Map<string, string>();
  /** By map, how many of its outcomes nobody has acknowledged. */
  readonly #left = new Map<string, number>();

  /** Knows of none. */
  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Whether a map is known. */
  knows(path: string): boolean {
    return this.#left.has(path);
  }

  /** Adds a group. */
  add({ path, ids }: KeptGroup): void {
    for (const id of ids) this.#paths.set(id, path);
    this.#left.set(path, ids.length);
    // The oldest are forgotten by this process; their maps stay for their time.
    for (const [id] of this.#paths) {
      if (this.#paths.size <= GROUP_OUTCOMES_MAX) break;
      this.#paths.delete(id);
    }
  }

  /** Forgets a group whose map was removed. */
  forget(path: string): void {
    if (!this.#left.delete(path)) return;
    for (const [id, each] of this.#paths) {
      if (each === path) this.#paths.delete(id);
    }
  }

  /** The outcome of an upload, if a group has it. */
  async find(id: string): Promise<Outcome | undefined> {
    const path = this.#paths.get(id);
    if (path === undefined) return undefined;
    const file = await openLeftoverFile(this.#disk, path, "read");
    if (file === undefined) return undefined;
    try {
      let found: Outcome | undefined;
      for await (const [record] of readRecords(file)) {
        if (record.kind === "settled" && record.id === id) {
          found = record.outcome.outcome;
        }
      }
      return found;
    } finally {
      file.close();
    }
  }

  /** Forgets an outcome, and removes the map with the last; `false` if no group has it. */
  async acknowledge(id: string): Promise<boolean> {
    const path = this.#paths.get(id);
    if (path === undefined) return false;
    this.#paths.delete(id);
    const left = this.#left.get(path)! - 1;
    this.#left.set(path, left);
    if (left > 0) return true;
    this.#left.delete(path);
    await removeIfAny(this.#disk, path);
    return true;
  }
}

/** The map of a group that is being received, and the names of its data. */
export class GroupJournal {
  readonly #disk: Disk;
  readonly #stem: string;
  readonly #file: JournalFile;
  /** The map. */
  readonly path: string;

  private constructor(disk: Disk, stem: string) {
    this.#disk = disk;
    this.#stem = stem;
    this.path = `${stem}.group`;
    this.#file = new JournalFile(disk, this.path, undefined);
  }

  /**
   * Makes a map in a staging folder.
   *
   * @throws {StorageError} `busy`.
   */
  static async create(
    disk: Disk,
    folder: string,
    ids: readonly string[],
  ): Promise<GroupJournal> {
    for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
      const hash = createHash("sha256").update(`${attempt} ${ids.join()}`);
      const name = hash.digest("hex").slice(0, 32);
      const journal = new GroupJournal(disk, join(folder, name));
      try {
        await journal.#file.create();
        return journal;
      } catch (error) {
        const isTaken = error instanceof StorageError &&
          error.kind === "exists" && !journal.#file.isOpen;
        if (isTaken) continue;
        if (journal.#file.isOpen) await journal.end(false);
        throw error;
      }
    }
    throw new StorageError("busy", "it is being received already");
  }

  /** Where the data of file `number` is staged. */
  data(number: number): string {
    return `${this.#stem}.${number}`;
  }

  /** Writes what is about to be published, durably if asked. */
  async intend(
    members: readonly MemberRecord[],
    isDurable: boolean,
    folder: string,
  ): Promise<void> {
    await this.#file.append(members);
    if (!isDurable) return;
    await this.#file.sync();
    await this.#disk.syncDirectory(folder);
  }

  /** Writes the outcomes; nothing is lost without them while the files keep their names. */
  async settle(records: readonly SettledRecord[]): Promise<void> {
    await this.#file.append(records).catch(() => {});
  }

  /** Closes, and removes a map that has no outcome to keep. */
  async end(isKept: boolean): Promise<void> {
    this.#file.close();
    if (!isKept) await removeIfAny(this.#disk, this.path).catch(() => {});
  }
}

/**
 * Puts the map of a group that is not being received any more in order: finds
 * out what became of every file, and removes it when nobody will ask again.
 *
 * @returns What it keeps, or `undefined` if it is gone or in use.
 */
export async function recoverGroup(
  disk: Disk,
  path: string,
  options: Omit<LeftoverOptions, "id">,
): Promise<KeptGroup | undefined> {
  const file = await openLeftoverFile(disk, path, "write");
  try {
    if (file === undefined) {
      await removeIfAny(disk, path);
      return undefined;
    }
    if (!await file.tryLock()) return undefined;
    const members = new Map<string, MemberRecord>();
    const settled = new Map<string, number>();
    let end = 0;
    for await (const [record, recordEnd] of readRecords(file)) {
      if (record.kind === "member") members.set(record.id, record);
      if (record.kind === "settled") settled.set(record.id, record.outcome.at);
      end = recordEnd;
    }
    for (const [id, member] of members) {
      if (settled.has(id)) continue;
      const outcome = await proveIntent(disk, member, options);
      if (outcome === undefined) continue;
      const at = options.now;
      const record = { kind: "outcome", at, outcome } as const;
      end = await appendToJournal(file, { end }, {
        kind: "settled",
        id,
        outcome: record,
      });
      settled.set(id, at);
    }
    const at = Math.max(...settled.values());
    const isKept = settled.size > 0 && options.now - at <= OUTCOME_RETENTION &&
      await isAnyThere(disk, [...settled.keys()], members, options);
    if (isKept) return { path, at, ids: [...settled.keys()] };
    await removeIfAny(disk, path);
    return undefined;
  } finally {
    file?.close();
  }
}

/** Whether one of the files at least still has the name that its outcome speaks of. */
async function isAnyThere(
  disk: Disk,
  ids: readonly string[],
  members: ReadonlyMap<string, MemberRecord>,
  { findDirectory }: Pick<LeftoverOptions, "findDirectory">,
): Promise<boolean> {
  for (const id of ids) {
    const member = members.get(id);
    if (member === undefined) continue;
    const directory = await findDirectory(member);
    if (directory === undefined) continue;
    const path = join(directory, member.intent.name);
    if (await isPublished(disk, path, member.intent)) return true;
  }
  return false;
}

/** Whether a group of this name is being received, by whatever process. */
export async function isGroupLive(disk: Disk, path: string): Promise<boolean> {
  const file = await openLeftoverFile(disk, path, "read");
  try {
    return file !== undefined && !await file.tryLock();
  } finally {
    file?.close();
  }
}
