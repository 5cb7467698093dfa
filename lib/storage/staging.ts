/**
 * Where unfinished files live.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { dirname, join } from "@std/path";
import type { Disk } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { GroupIndex } from "./group_journal.ts";
import { lstatIfAny, recheckDirectory, type SeenDirectory } from "./jail.ts";
import { childPath, STAGING_NAME } from "./names.ts";
import type { Outcome } from "./storage.ts";

/** The two files of one upload, and their directory. */
export interface Staging {
  /** The directory that holds both. */
  readonly directory: string;
  /** The data. */
  readonly data: string;
  /** The map. */
  readonly map: string;
  /** Whether outcomes are kept for those who ask again; else the map goes with the data. */
  readonly keepsOutcome: boolean;
  /** The outcome that is kept elsewhere, if one of a group of small files had this place's id. */
  settled(): Promise<Outcome | undefined>;
  /** Makes the directory if it must. */
  ensure(): Promise<void>;
  /** Checks, right before a step, that the directory is still the one that it was. */
  check(): Promise<void>;
}

/** The staging folder of one file system in the served tree. */
export class StagingFolder {
  readonly #disk: Disk;
  /** The folder: `.ferry` at the root or at a mount point below it. */
  readonly path: string;
  /** Where to find the outcomes of small files. */
  readonly groups: GroupIndex;
  #seen: SeenDirectory | undefined;

  /** Stands for the folder below `mountPoint`; makes nothing. */
  constructor(disk: Disk, mountPoint: string) {
    this.#disk = disk;
    this.path = join(mountPoint, STAGING_NAME);
    this.groups = new GroupIndex(disk);
  }

  /**
   * Whether it is there.
   *
   * @throws {StorageError} `denied` when something else has its name.
   */
  async exists(): Promise<boolean> {
    const stat = await lstatIfAny(this.#disk, this.path);
    if (stat === undefined) return false;
    // Never through a link: it would lead out of the tree.
    if (stat.kind !== "directory") {
      throw new StorageError(
        "denied",
        `the name "${STAGING_NAME}" is taken by something that is not a folder`,
      );
    }
    this.#seen = { path: this.path, device: stat.device, inode: stat.inode };
    return true;
  }

  /** Makes it if it is not there. */
  async ensure(): Promise<void> {
    if (await this.exists()) return;
    try {
      await this.#disk.makeDirectory(this.path, 0o700);
    } catch (error) {
      if (!(error instanceof StorageError && error.kind === "exists")) {
        throw error;
      }
    }
    // Its own name must last as long as the maps in it.
    await this.#disk.syncDirectory(dirname(this.path));
    await this.exists();
  }

  /** The places of one upload. */
  place(id: string): Staging {
    return {
      directory: this.path,
      data: childPath(this.path, id),
      map: childPath(this.path, `${id}.map`),
      keepsOutcome: true,
      settled: () => this.groups.find(id),
      ensure: () => this.ensure(),
      check: () => this.check(),
    };
  }

  /** Checks that it is still the directory that it was. */
  async check(): Promise<void> {
    if (this.#seen === undefined) return;
    await recheckDirectory(this.#disk, this.#seen, STAGING_NAME);
  }
}

/** The directory of the file system that holds `directory`, at or below `root`. */
export async function findMountPoint(
  disk: Disk,
  root: string,
  directory: string,
  device: number,
): Promise<string> {
  let at = directory;
  while (at !== root) {
    const above = dirname(at);
    if ((await disk.stat(above)).device !== device) break;
    at = above;
  }
  return at;
}

/** The places of a download, beside the file that it will be. */
export function stagingBeside(
  directory: SeenDirectory,
  name: string,
  disk: Disk,
): Staging {
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 16);
  const stem = childPath(directory.path, `${STAGING_NAME}-${hash}`);
  return {
    directory: directory.path,
    data: `${stem}.part`,
    map: `${stem}.map`,
    keepsOutcome: false,
    settled: () => Promise.resolve(undefined),
    ensure: () => Promise.resolve(),
    check: () => recheckDirectory(disk, directory, name),
  };
}
