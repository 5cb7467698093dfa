/**
 * Local folders as they are walked to be sent: links are left out, or followed
 * as far as they stay below the root that was named and lead nowhere where the
 * walk has come from.
 *
 * @module
 */

import { joinName } from "../../protocol/mod.ts";
import { type DiskStat, lstatIfAny, StorageError } from "../../storage/mod.ts";
import type { Verdict } from "./filter.ts";
import { isOwnName } from "./names.ts";
import type { TreeRun } from "./run.ts";

/** A local folder that is walked. */
export interface LocalFolder {
  /** Path from the root of the tree. */
  readonly path: string;
  /** Where it really is. */
  readonly real: string;
  /** The folder that it is in; `undefined` for the root. */
  readonly above: LocalFolder | undefined;
  /** What the filter says of it. */
  readonly verdict: Verdict;
}

/** An entry of a local folder. */
export interface LocalEntry {
  /** Path from the root of the tree. */
  readonly path: string;
  /** Its name. */
  readonly name: string;
  /** Where it really is, links followed if that is asked for. */
  readonly real: string;
  /** What is there. */
  readonly stat: DiskStat;
  /** Whether a link led there. */
  readonly isFollowed: boolean;
}

/** What a walk meets. */
export type LocalItem =
  | { readonly kind: "entry"; readonly entry: LocalEntry }
  | { readonly kind: "link"; readonly path: string; readonly name: string }
  | {
    readonly kind: "failed";
    readonly path: string;
    readonly name: string;
    readonly error: unknown;
  };

/** Walks the local tree of a run. */
export class LocalWalk {
  readonly #run: TreeRun;
  readonly #separator: string;
  readonly #root: string;

  /**
   * @param run Whose tree.
   * @param root Where its root really is.
   */
  constructor(run: TreeRun, root: string) {
    this.#run = run;
    this.#root = root;
    this.#separator = root.includes("\\") && !root.startsWith("/") ? "\\" : "/";
  }

  /** The root. */
  get root(): LocalFolder {
    const { verdict } = { verdict: this.#run.filter.root };
    return { path: "", real: this.#root, above: undefined, verdict };
  }

  /** The entries of a folder, as the host gives them. */
  async *entries(folder: LocalFolder): AsyncGenerator<LocalItem> {
    for await (const { name } of this.#run.disk.list(folder.real)) {
      if (isOwnName(name)) continue;
      const path = joinName(folder.path, name);
      const real = this.#join(folder.real, name);
      try {
        const stat = await lstatIfAny(this.#run.disk, real);
        // It was removed since it was listed, or its name is not UTF-8.
        if (stat === undefined) {
          if (!name.includes("\ufffd")) continue;
          const error = new StorageError("bad-name", "the name is not UTF-8");
          yield { kind: "failed", path, name, error };
        } else if (stat.kind === "link") {
          yield await this.#link(folder, { path, name, real });
        } else {
          const entry = { path, name, real, stat, isFollowed: false };
          yield { kind: "entry", entry };
        }
      } catch (error) {
        yield { kind: "failed", path, name, error };
      }
    }
  }

  async #link(
    folder: LocalFolder,
    link: Pick<LocalEntry, "path" | "name" | "real">,
  ): Promise<LocalItem> {
    const { path, name } = link;
    const { disk, options } = this.#run;
    if (options.links !== "follow") return { kind: "link", path, name };
    const real = await disk.realPath(link.real);
    const stat = await disk.stat(real);
    const isCycle = stat.kind === "directory" && isAbove(real, folder);
    if (!this.#isInside(real) || isCycle) return { kind: "link", path, name };
    return {
      kind: "entry",
      entry: { path, name, real, stat, isFollowed: true },
    };
  }

  #isInside(real: string): boolean {
    return real === this.#root || real.startsWith(this.#join(this.#root, ""));
  }

  #join(folder: string, name: string): string {
    return folder.endsWith(this.#separator)
      ? folder + name
      : folder + this.#separator + name;
  }
}

function isAbove(real: string, folder: LocalFolder): boolean {
  for (
    let at: LocalFolder | undefined = folder;
    at !== undefined;
    at = at.above
  ) {
    if (at.real === real) return true;
  }
  return false;
}
