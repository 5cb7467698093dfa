/**
 * Times and permission bits of the folders of a tree, set at the end: whatever
 * is put into a folder changes its time.
 *
 * @module
 */

import { folderOf } from "../../protocol/mod.ts";
import { setLocalAttributes } from "../../storage/mod.ts";
import type { Attributes } from "../../storage/mod.ts";
import { isSameTime } from "./plan.ts";
import type { TreeRun } from "./run.ts";

/** What a folder has, at one of the ends. */
export interface FolderAttributes {
  /** Last change, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** Permission bits; 0 where unknown. */
  readonly mode: number;
}

/** Remembers what folders are to get. */
export class FolderTimes {
  readonly #run: TreeRun;
  readonly #wanted = new Map<string, FolderAttributes>();
  readonly #found = new Map<string, FolderAttributes>();
  readonly #touched = new Set<string>();

  /** @param run Whose folders. */
  constructor(run: TreeRun) {
    this.#run = run;
  }

  /** Whether anybody could set them. */
  get isOn(): boolean {
    const { isDry, direction, options } = this.#run;
    return !isDry &&
      (direction === "get" || options.setAttributes !== undefined);
  }

  /** A folder is to get these. */
  want(path: string, attributes: FolderAttributes): void {
    const { direction } = this.#run;
    // A server's root is not a client's to change.
    const isRoot = direction === "put" && this.#run.remote(path) === "";
    if (this.isOn && !isRoot) this.#wanted.set(path, attributes);
  }

  /** A folder has these, until it is touched. */
  found(path: string, attributes: FolderAttributes): void {
    if (this.isOn) this.#found.set(path, attributes);
  }

  /** What is in a folder changed, or it was made: then its time did too. */
  readonly touch = (folder: string): void => {
    if (this.isOn) this.#touched.add(folder);
  };

  /** An entry was made, replaced or removed. */
  readonly touchAbove = (path: string): void => {
    this.touch(folderOf(path));
  };

  /** Sets what differs. */
  async set(): Promise<void> {
    for (const [path, wanted] of this.#wanted) {
      this.#run.check();
      const attributes = await this.#difference(path, wanted);
      if (attributes === undefined) continue;
      try {
        await this.#set(path, attributes);
      } catch (error) {
        await this.#run.fail({ doing: "make", path }, error);
      }
    }
  }

  async #difference(
    path: string,
    { modified, mode }: FolderAttributes,
  ): Promise<Attributes | undefined> {
    const there = await this.#there(path);
    if (there === undefined) return undefined;
    const isTimeSame = modified === undefined ||
      isSameTime(modified, there.modified);
    const bits = mode & 0o777;
    const isModeSame = !this.#run.options.preserve || bits === 0 ||
      bits === (there.mode & 0o777);
    if (isTimeSame && isModeSame) return undefined;
    return {
      ...isTimeSame ? {} : { modified },
      ...isModeSame ? {} : { mode: bits },
    };
  }

  /** What a folder has now; unknown values where it changed on the server. */
  async #there(path: string): Promise<FolderAttributes | undefined> {
    const { direction, disk } = this.#run;
    if (direction === "get") {
      try {
        const local = this.#run.local(path);
        return path === "" ? await disk.stat(local) : await disk.lstat(local);
      } catch {
        // It could not be made, which was told.
        return undefined;
      }
    }
    const found = this.#found.get(path);
    if (found !== undefined && !this.#touched.has(path)) return found;
    const isThere = found !== undefined || this.#touched.has(path);
    return isThere
      ? { modified: undefined, mode: found?.mode ?? 0 }
      : undefined;
  }

  async #set(path: string, attributes: Attributes): Promise<void> {
    const { direction, disk, options, signal } = this.#run;
    if (direction === "get") {
      await setLocalAttributes(disk, this.#run.local(path), attributes);
    } else {
      const remote = this.#run.remote(path);
      await options.setAttributes?.(remote, attributes, { signal });
    }
  }
}
