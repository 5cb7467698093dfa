/**
 * What the destination of a sync has and its source has not. It is collected
 * while everything is listed and deleted at the end, entry by entry: nothing
 * that was not seen to be extra goes with it, and nothing through a link.
 *
 * @module
 */

import { folderOf, joinName } from "../../protocol/mod.ts";
import { lstatIfAny } from "../../storage/mod.ts";
import { FerryError } from "../errors.ts";
import type { Verdict } from "./filter.ts";
import type { LocalFolders } from "./folders.ts";
import { CONCURRENCY_DEFAULT } from "./limits.ts";
import { isOwnName, type NameSet } from "./names.ts";
import type { TreeRun } from "./run.ts";
import type { SyncOptions } from "./types.ts";

interface Extra {
  readonly path: string;
  readonly isFolder: boolean;
}

/** Collects and deletes. */
export class Extras {
  readonly #run: TreeRun;
  readonly #remove: (path: string, isFolder: boolean) => Promise<void>;
  readonly #extras: Extra[] = [];
  /** Folders that something stays in. */
  readonly #kept = new Set<string>();

  /**
   * @param run Whose destination.
   * @param remove Removes one entry; a folder is empty then.
   */
  constructor(
    run: TreeRun,
    remove: (path: string, isFolder: boolean) => Promise<void>,
  ) {
    this.#run = run;
    this.#remove = remove;
  }

  /** Adds an entry; a folder comes before what is in it. */
  add(path: string, isFolder: boolean): void {
    this.#extras.push({ path, isFolder });
    const { extras } = this.#run.limits;
    if (this.#extras.length > extras) {
      throw new FerryError(
        "limit",
        `more than ${extras} entries would have to be deleted`,
        { side: "local" },
      );
    }
  }

  /** An entry stays, and so do the folders above it. */
  keep(path: string): void {
    for (let at = path; at !== ""; at = folderOf(at)) {
      if (this.#kept.has(at)) return;
      this.#kept.add(at);
    }
  }

  /**
   * Deletes, if everything else went well and whoever is asked agrees.
   *
   * @param confirm Asked, if there is something to delete.
   * @param touched Told the path of each entry that is gone.
   */
  async delete(
    confirm: SyncOptions["confirmDelete"],
    touched: (path: string) => void,
  ): Promise<void> {
    const run = this.#run;
    const { counts } = run;
    // What is in a folder goes before the folder.
    const extras = this.#extras.filter(({ path }) => !this.#kept.has(path))
      .reverse();
    if (extras.length === 0) return;
    counts.extra = extras.length;
    const isWhole = counts.failed === 0 && counts.notTried === 0 &&
      run.ended === undefined;
    if (!isWhole) return;
    if (!run.isDry) {
      const paths = extras.map(({ path }) => path).reverse();
      if (await confirm?.(paths) === false) return;
    }
    const files = extras.filter(({ isFolder }) => !isFolder).values();
    const { concurrency = CONCURRENCY_DEFAULT } = run.options;
    const work = async () => {
      for (const extra of files) await this.#deleteOne(extra, touched);
    };
    await Promise.all(Array.from({ length: Math.max(1, concurrency) }, work));
    for (const extra of extras) {
      if (extra.isFolder) await this.#deleteOne(extra, touched);
    }
  }

  async #deleteOne(
    { path, isFolder }: Extra,
    touched: (path: string) => void,
  ): Promise<void> {
    const run = this.#run;
    run.check();
    if (this.#kept.has(path) || run.ended !== undefined) return;
    try {
      if (!run.isDry) await run.persist(() => this.#remove(path, isFolder));
    } catch (error) {
      this.keep(path);
      return await run.fail({ doing: "delete", path }, error);
    }
    run.counts.deleted++;
    run.counts.extra--;
    touched(path);
    const target = run.subject("delete", path);
    await run.tell({ kind: "deleted", path, target, isFolder });
  }
}

/** Removes one local entry, unless it is not what it was or not where it was. */
export async function removeLocal(
  run: TreeRun,
  folders: LocalFolders,
  path: string,
  isFolder: boolean,
): Promise<void> {
  await folders.verify(folderOf(path));
  const local = run.local(path);
  const { kind } = await run.disk.lstat(local);
  if ((kind === "directory") !== isFolder) {
    throw new FerryError("changed", "it was replaced meanwhile", {
      side: "local",
      path: local,
    });
  }
  if (isFolder) await run.disk.removeDirectory(local);
  else await run.disk.removeFile(local);
}

/** Finds what local folders have and remote ones have not. */
export class LocalExtras {
  readonly #run: TreeRun;
  readonly #folders: LocalFolders;
  readonly #extras: Extras;

  /**
   * @param run Whose destination.
   * @param folders The folders of the destination.
   * @param extras Where to add what is found.
   */
  constructor(run: TreeRun, folders: LocalFolders, extras: Extras) {
    this.#run = run;
    this.#folders = folders;
    this.#extras = extras;
  }

  /** Compares one folder with all the names that the source has there. */
  async compare(
    folder: string,
    names: NameSet,
    verdict: Verdict,
  ): Promise<void> {
    if (!this.#folders.has(folder) && !await this.#folders.look(folder)) return;
    const below: Array<readonly [path: string, verdict: Verdict]> = [];
    const { disk } = this.#run;
    for await (const { name, kind } of disk.list(this.#run.local(folder))) {
      if (names.has(name)) continue;
      const path = joinName(folder, name);
      const twin = names.twin(name);
      if (twin !== undefined) {
        const other = joinName(folder, twin);
        if (await isOneEntry(this.#run, path, other)) continue;
      }
      const found = this.#judge(path, name, kind === "directory", verdict);
      if (kind === "directory" && found !== "drop") below.push([path, found]);
    }
    for (let next = below.pop(); next !== undefined; next = below.pop()) {
      const [path, above] = next;
      if (!await this.#folders.look(path)) continue;
      for await (const { name, kind } of disk.list(this.#run.local(path))) {
        const child = joinName(path, name);
        const found = this.#judge(child, name, kind === "directory", above);
        if (kind === "directory" && found !== "drop") {
          below.push([child, found]);
        }
      }
    }
  }

  #judge(
    path: string,
    name: string,
    isFolder: boolean,
    above: Verdict,
  ): Verdict {
    const verdict = isOwnName(name)
      ? "drop"
      : this.#run.filter.judge(path, isFolder, above);
    if (verdict === "take") this.#extras.add(path, isFolder);
    else this.#extras.keep(path);
    return verdict;
  }
}

/** Whether two paths, which differ, lead to one entry: on a disk that folds names. */
export async function isOneEntry(
  run: TreeRun,
  path: string,
  other: string,
): Promise<boolean> {
  const { disk } = run;
  const [one, two] = [run.local(path), run.local(other)];
  const [here, there] = [
    await lstatIfAny(disk, one),
    await lstatIfAny(disk, two),
  ];
  if (here === undefined || there === undefined) return false;
  if (here.kind === "link" || there.kind === "link") {
    return isSameIdentity(here, there);
  }
  return await disk.realPath(one) === await disk.realPath(two) ||
    here.links === 1 && isSameIdentity(here, there);
}

function isSameIdentity(
  one: { readonly device: number; readonly inode: number },
  other: { readonly device: number; readonly inode: number },
): boolean {
  return one.inode !== 0 && one.inode === other.inode &&
    one.device === other.device;
}
