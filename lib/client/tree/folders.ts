/**
 * The folders of the destination, each made once and before anything in it.
 *
 * @module
 */

import { folderOf } from "../../protocol/mod.ts";
import {
  type DiskStat,
  lstatIfAny,
  makeLocalDirectory,
} from "../../storage/mod.ts";
import { FerryError } from "../errors.ts";
import { Places } from "../places.ts";
import { FOLDERS_AT_ONCE } from "./limits.ts";
import type { TreeRun } from "./run.ts";

/** Makes the folders of a run's destination. */
export abstract class Folders {
  protected readonly run: TreeRun;
  readonly #made = new Map<string, Promise<boolean>>();

  /** @param run Whose folders. */
  constructor(run: TreeRun) {
    this.run = run;
  }

  /**
   * Makes a folder, and those above it first.
   *
   * @returns Whether it is there; if not, that was told.
   */
  ensure(path: string): Promise<boolean> {
    const made = this.#made.get(path) ?? this.#ensure(path);
    this.#made.set(path, made);
    return made;
  }

  /** Waits until it is known whether a folder is there, if that was asked for. */
  async settled(path: string): Promise<void> {
    await this.#made.get(path);
  }

  async #ensure(path: string): Promise<boolean> {
    if (path !== "" && !await this.ensure(folderOf(path))) return false;
    try {
      if (this.run.ended !== undefined) return false;
      await this.make(path);
      return true;
    } catch (error) {
      if (path === "") throw error;
      await this.run.fail({ doing: "make", path }, error);
      return false;
    }
  }

  /** Says of a folder that it is there. */
  protected know(path: string): void {
    this.#made.set(path, Promise.resolve(true));
  }

  /** A folder is made. */
  protected async tellMade(path: string): Promise<void> {
    const { run } = this;
    run.counts.folders++;
    const [remote, local] = [run.remote(path), run.local(path)];
    await run.tell({ kind: "folder", path, remote, local });
  }

  /** Makes one folder whose own folder is there. */
  protected abstract make(path: string): Promise<void>;
}

/** Folders of the server. */
export class RemoteFolders extends Folders {
  readonly #places = new Places(FOLDERS_AT_ONCE);

  /** A folder is there already. */
  found(path: string): void {
    this.know(path);
  }

  protected override async make(path: string): Promise<void> {
    const { client, signal, isDry } = this.run;
    await this.#places.take(signal);
    try {
      if (!isDry) {
        const options = { parents: true, signal };
        const remote = this.run.remote(path);
        await this.run.persist(() => client.makeDirectory(remote, options));
      }
    } finally {
      this.#places.give();
    }
    await this.tellMade(path);
  }
}

/**
 * Folders of this machine. Each is known by its identity: one that was swapped
 * for another one or for a link is not written into. The root may be a link,
 * for it was named by the user.
 */
export class LocalFolders extends Folders {
  readonly #seen = new Map<string, DiskStat>();
  readonly #new = new Set<string>();

  /** Whether this run has made a folder: then only it puts something there. */
  isNew(path: string): boolean {
    return this.#new.has(path);
  }

  /** Whether a folder is there and was looked at. */
  has(path: string): boolean {
    return this.#seen.has(path);
  }

  /** Takes a folder as it stands now; returns whether it is one. */
  async look(path: string): Promise<boolean> {
    const { disk } = this.run;
    const local = this.run.local(path);
    const stat = await lstatIfAny(disk, local);
    if (stat === undefined) return false;
    const found = path === "" && stat.kind === "link"
      ? await disk.stat(local)
      : stat;
    if (found.kind !== "directory") {
      const what = found.kind === "link" ? "a link" : "a file";
      throw new FerryError(
        "not-directory",
        `${what} is where a directory is needed`,
        { side: "local", path: local },
      );
    }
    this.#seen.set(path, found);
    return true;
  }

  /** Says whether a folder is still the one that was looked at. */
  async verify(path: string): Promise<void> {
    const { disk } = this.run;
    const seen = this.#seen.get(path);
    if (seen === undefined) return;
    const local = this.run.local(path);
    const { kind, device, inode } = path === ""
      ? await disk.stat(local)
      : await disk.lstat(local);
    const isSame = kind === "directory" && device === seen.device &&
      inode === seen.inode;
    if (isSame) return;
    throw new FerryError("outside", "its directory was replaced meanwhile", {
      side: "local",
      path: local,
    });
  }

  protected override async make(path: string): Promise<void> {
    if (path !== "") await this.verify(folderOf(path));
    if (await this.look(path)) return;
    const { disk, options, isDry } = this.run;
    if (!isDry) {
      const durability = options.durability ?? "full";
      await makeLocalDirectory(disk, this.run.local(path), durability);
      await this.look(path);
      this.#new.add(path);
    }
    await this.tellMade(path);
  }
}
