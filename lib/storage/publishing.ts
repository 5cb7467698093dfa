/**
 * Giving a verified file its name: steps 4 to 7 of the list in `receiving.ts`.
 *
 * @module
 */

import { join } from "@std/path";
import { moveToFreeName, type NamePlan, planName } from "./conflict.ts";
import type { Disk, DiskStat } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { lstatIfAny } from "./jail.ts";
import { siblingPath } from "./leftovers.ts";
import { NUMBERED_NAMES_MAX } from "./limits.ts";
import type { ReceivingParts } from "./receiving_parts.ts";
import type { Digest, Outcome } from "./storage.ts";
import type { IntentRecord, JournalRecord } from "./upload_journal.ts";

/** What is to be published. */
export interface Verified {
  /** The staged file, after it was synced. */
  readonly stat: DiskStat;
  /** The digest that was compared. */
  readonly digest: Digest;
  /** Bytes that an earlier try had left. */
  readonly resumedFrom: number;
  /** What the map is to say before the intent. */
  readonly notes: readonly JournalRecord[];
  /** Called when it has its name, and before that is durable. */
  published(): Promise<void>;
}

/** One file on its way to its name, and back if that fails. */
export class Publishing {
  readonly #parts: ReceivingParts;
  readonly #verified: Verified;
  /** The name that it may have been given, to be taken back on failure. */
  #given: NamePlan | undefined;
  #notes: readonly JournalRecord[];

  /** Publishes nothing yet. */
  constructor(parts: ReceivingParts, verified: Verified) {
    this.#parts = parts;
    this.#verified = verified;
    this.#notes = verified.notes;
  }

  /** Whether it may have got a name. */
  get isGiven(): boolean {
    return this.#given !== undefined;
  }

  /** Publishes. */
  async run(): Promise<Outcome> {
    const { locks, target } = this.#parts;
    using _lock = await locks.acquire(join(target.directory, target.name));
    for (let attempt = 0; attempt < NUMBERED_NAMES_MAX; attempt++) {
      using plan = await this.#plan();
      const given = plan.publication === "skipped" || await this.#publish(plan);
      if (given) return await this.#settle(plan);
    }
    throw new StorageError("busy", "others take every name first");
  }

  /** Takes the name back, if it was given. */
  async undo(): Promise<void> {
    const given = this.#given;
    const { data, disk, target } = this.#parts;
    // What was replaced is gone: the new file is whole, and better than none.
    if (given === undefined || given.publication === "replaced") return;
    await removeOwned(disk, join(target.directory, given.name), data);
  }

  async #plan(): Promise<NamePlan> {
    const { disk, locks, target, request } = this.#parts;
    await target.check();
    return await planName(disk, locks, target, request.onConflict);
  }

  /** Gives the file its name; `false` when somebody else took it first. */
  async #publish(plan: NamePlan): Promise<boolean> {
    await this.#recordIntent(plan);
    await this.#parts.hooks.step?.("intended");
    // From here to the end there is no hook: checking and publishing are one step.
    const { disk, staging, target } = this.#parts;
    await target.check();
    await staging.check();
    await assertStaged(disk, staging.data, this.#verified.stat);
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

  async #recordIntent(plan: NamePlan): Promise<void> {
    const { disk, journal, staging, request } = this.#parts;
    if (!staging.keepsOutcome) return;
    await journal.append([...this.#notes, toIntent(plan, this.#verified)]);
    this.#notes = [];
    if (request.durability !== "full") return;
    await journal.sync();
    await disk.syncDirectory(staging.directory);
  }

  async #settle(plan: NamePlan): Promise<Outcome> {
    const { clock, disk, hooks, journal, staging, target, request } =
      this.#parts;
    const { publication } = plan;
    let durable = false;
    if (publication !== "skipped") {
      await this.#verified.published();
      await target.check();
      // Before the name is durable: the map of a later file in this place
      // must not come back as this one's.
      if (!staging.keepsOutcome) await removeOwned(disk, staging.map, journal);
      if (request.durability === "full") {
        durable = await target.sync(target.directory);
      }
      await hooks.step?.("settled");
    }
    const { stat: { size }, digest, resumedFrom } = this.#verified;
    const outcome: Outcome = {
      path: siblingPath(target.path, plan.name),
      publication,
      size,
      digest,
      durable,
      resumedFrom,
    };
    if (staging.keepsOutcome) {
      const record = { kind: "outcome", at: clock.now(), outcome } as const;
      // The intent alone proves as much, as long as the file keeps its name.
      await journal.append([record]).catch(() => {});
    }
    return outcome;
  }
}

/** What the map says before a file gets its name. */
export function toIntent(
  plan: Pick<NamePlan, "name" | "publication">,
  { stat, digest, resumedFrom }: Pick<
    Verified,
    "stat" | "digest" | "resumedFrom"
  >,
): IntentRecord {
  const { name, publication } = plan;
  const { size, device, inode, modified } = stat;
  return {
    kind: "intent",
    name,
    publication,
    size,
    digest,
    device,
    inode,
    modified,
    resumedFrom,
  };
}

/**
 * The staged name must still lead to the file that was written, and only it.
 *
 * @throws {StorageError} `io`.
 */
export async function assertStaged(
  disk: Disk,
  path: string,
  stat: DiskStat,
): Promise<void> {
  const now = await disk.lstat(path);
  if (
    now.device !== stat.device || now.inode !== stat.inode || now.links !== 1
  ) {
    throw new StorageError("io", "somebody exchanged the staged file");
  }
}

/** Removes a name, but only if it leads to the very file that is open. */
export async function removeOwned(
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

/** Gives a staged file the permission bits that were asked for, before it is synced. */
export async function applyMode(
  disk: Disk,
  path: string,
  stat: DiskStat,
  mode: number | undefined,
): Promise<void> {
  if (mode === undefined || disk.setAttributes === undefined) return;
  // By name, as Deno has no other way: right after a look that it is the file.
  await assertStaged(disk, path, stat);
  await disk.setAttributes(path, { mode: mode & 0o777 });
}
