/**
 * The path jail: the only maker of {@linkcode SafePath}.
 *
 * A name is checked three times. First as text. Then every link on its way is
 * resolved, and where that leads must be below the root. And because anyone who
 * may write to the tree on this machine can swap a directory for a link at any
 * moment, {@linkcode Jail.recheck} is called again right before and after every
 * step that opens, publishes, renames or removes; a small file, which is read
 * whole when it is opened, is told nothing of before the look behind it. That
 * narrows the window to the time between two system calls; it cannot close it.
 *
 * @module
 */

import { basename, dirname, join, SEPARATOR } from "@std/path";
import type { Disk, DiskStat } from "./disk.ts";
import { StorageError } from "./errors.ts";
import {
  assertChildName,
  childPath,
  isReservedName,
  quoteName,
  splitName,
} from "./names.ts";
import type { LocateIntent } from "./storage.ts";

/** Marks a {@linkcode SafePath}; exists only as a type, so that no code can give it. */
export declare const jailed: unique symbol;

/** A path that the jail has made; valid as long as {@linkcode Jail.recheck} says so. */
export interface SafePath {
  /** Only the jail can give this. */
  readonly [jailed]: true;
  /** How users know it: relative to the root, with `/`; `""` for the root itself. */
  readonly path: string;
  /** Where it is, every link above it resolved, in the host's own form. */
  readonly absolute: string;
  /** The same, relative to the root, with `/`. */
  readonly location: string;
  /** The deepest directory above it that exists; for the root, the root. */
  readonly anchor: string;
  /** The file system of the anchor. */
  readonly anchorDevice: number;
  /** The anchor within its file system. */
  readonly anchorInode: number;
  /** Names from the anchor to the path: one, or with the intent `make` none or several. */
  readonly missing: readonly string[];
}

/**
 * Folders that were resolved a moment ago, by their names: what is located with
 * the same one looks at each folder once. To be used for names that are handled
 * together, and not kept.
 */
export type KnownFolders = Map<string, SeenDirectory>;

/** Keeps names below one root. */
export class Jail {
  readonly #disk: Disk;
  /** The root with every link resolved. */
  readonly root: string;
  /** The file system of the root. */
  readonly device: number;

  private constructor(disk: Disk, root: string, device: number) {
    this.#disk = disk;
    this.root = root;
    this.device = device;
  }

  /**
   * Makes a jail around a directory.
   *
   * @throws {StorageError} `not-found`, `not-directory`, `denied`.
   */
  static async open(disk: Disk, root: string): Promise<Jail> {
    const real = await disk.realPath(root);
    const stat = await disk.stat(real);
    if (stat.kind !== "directory") {
      throw new StorageError("not-directory", "the root is not a directory");
    }
    return new Jail(disk, real, stat.device);
  }

  /**
   * Makes the safe path for a name.
   *
   * @throws {StorageError} `bad-name`, `outside`, `not-found`, `not-directory`.
   */
  async locate(
    name: string,
    intent: LocateIntent,
    known?: KnownFolders,
  ): Promise<SafePath> {
    if (intent === "write" && known !== undefined) {
      const path = await this.#locateFree(name, known);
      if (path !== undefined) return path;
    }
    const segments = splitName(name);
    if (intent === "make") return await this.#locateNew(name, segments);
    if (segments.length === 0) {
      if (intent === "write") {
        throw new StorageError("is-directory", "it is the root itself");
      }
      return await this.#safe(name, this.root, this.root, []);
    }
    if (intent === "read") {
      return await this.#locateTarget(
        name,
        await this.#resolve(join(this.root, ...segments), name),
      );
    }
    const last = segments.at(-1)!;
    const parent = await this.#resolveFolder(name, segments.slice(0, -1));
    const path = await this.#safe(name, join(parent, last), parent, [last]);
    if (intent === "entry" || await this.#kind(path.absolute) !== "link") {
      return path;
    }
    return await this.#followFinal(name, path.absolute);
  }

  /**
   * A name to write that seems to be free, in a folder that is looked at once
   * for all names; `undefined` where there is something to look at.
   */
  async #locateFree(
    name: string,
    known: KnownFolders,
  ): Promise<SafePath | undefined> {
    const at = name.lastIndexOf("/");
    // The root has no name: this one begins with a separator.
    if (at === 0) return undefined;
    const folder = name.slice(0, Math.max(at, 0));
    const last = name.slice(at + 1);
    let parent = known.get(folder);
    if (parent === undefined) {
      // Of a name with a fault in it nothing is remembered.
      const segments = splitName(name).slice(0, -1);
      if (name === "") return undefined;
      parent = await this.#see(await this.#resolveFolder(name, segments));
      known.set(folder, parent);
    } else assertChildName(name, last);
    const absolute = childPath(parent.path, last);
    if (await seemsTaken(this.#disk, absolute)) return undefined;
    return this.#brand(name, absolute, parent, [last]);
  }

  /**
   * Checks that a path still leads where it led when it was made.
   *
   * @throws {StorageError} `outside`; `not-found` when the directory is gone.
   */
  async recheck(path: SafePath): Promise<void> {
    await recheckDirectory(this.#disk, {
      path: path.anchor,
      device: path.anchorDevice,
      inode: path.anchorInode,
    }, path.path);
  }

  /** A link at the end of a name to write: to where it leads, if that is inside. */
  async #followFinal(name: string, absolute: string): Promise<SafePath> {
    let real: string;
    try {
      real = await this.#disk.realPath(absolute);
    } catch {
      // Dangling or a loop: what it would make is nobody's business.
      throw outside(name);
    }
    this.#assertInside(real, name);
    return await this.#locateTarget(this.#relative(real), real);
  }

  async #locateTarget(name: string, real: string): Promise<SafePath> {
    if (real === this.root) return await this.#safe(name, real, real, []);
    return await this.#safe(name, real, dirname(real), [basename(real)]);
  }

  /** Follows what exists of a name segment by segment. */
  async #locateNew(name: string, segments: string[]): Promise<SafePath> {
    let anchor = this.root;
    for (const [index, segment] of segments.entries()) {
      const next = join(anchor, segment);
      const kind = await this.#kind(next);
      if (kind === undefined) {
        const missing = segments.slice(index);
        return await this.#safe(
          name,
          join(anchor, ...missing),
          anchor,
          missing,
        );
      }
      anchor = kind === "link"
        ? (await this.#followFinal(name, next)).absolute
        : next;
      if (index < segments.length - 1) await this.#assertDirectory(anchor);
    }
    const parent = anchor === this.root ? anchor : dirname(anchor);
    return await this.#safe(name, anchor, parent, []);
  }

  /** The folder that a name is in; one that is not there is called by its own name. */
  async #resolveFolder(name: string, segments: string[]): Promise<string> {
    try {
      return await this.#resolve(join(this.root, ...segments), name);
    } catch (error) {
      const isMissing = error instanceof StorageError &&
        error.kind === "not-found";
      if (!isMissing) throw error;
      const folder = quoteName(segments.join("/"));
      throw new StorageError("not-found", `there is no folder ${folder}`, {
        name,
        cause: error,
      });
    }
  }

  async #resolve(absolute: string, name: string): Promise<string> {
    let real: string;
    try {
      real = await this.#disk.realPath(absolute);
    } catch (error) {
      await this.#assertLinksInside(absolute, name);
      throw named(error, name);
    }
    this.#assertInside(real, name);
    return real;
  }

  /**
   * Refuses a name on whose way a link leads out or nowhere, in the same words
   * as one that ends there: what is outside, or is not, is nobody's business.
   */
  async #assertLinksInside(absolute: string, name: string): Promise<void> {
    let at = this.root;
    for (const segment of this.#relative(absolute).split("/")) {
      const next = join(at, segment);
      const kind = await this.#kind(next).catch(() => undefined);
      if (kind === undefined) return;
      at = kind === "link"
        ? (await this.#followFinal(name, next)).absolute
        : next;
    }
  }

  /** Inside the root, and nowhere in a staging folder. */
  #assertInside(real: string, name: string): void {
    if (real === this.root) return;
    const base = this.root.endsWith(SEPARATOR)
      ? this.root
      : this.root + SEPARATOR;
    if (!real.startsWith(base)) throw outside(name);
    if (real.slice(base.length).split(SEPARATOR).some(isReservedName)) {
      throw new StorageError("bad-name", `${quoteName(name)} is reserved`, {
        name,
      });
    }
  }

  async #assertDirectory(path: string): Promise<void> {
    if ((await this.#disk.stat(path)).kind !== "directory") {
      throw new StorageError("not-directory", "it is not a directory");
    }
  }

  async #kind(path: string): Promise<DiskStat["kind"] | undefined> {
    return (await lstatIfAny(this.#disk, path))?.kind;
  }

  /** Where something below the root is, from the root. */
  #relative(real: string): string {
    if (real === this.root) return "";
    const below = this.root.endsWith(SEPARATOR)
      ? real.slice(this.root.length)
      : real.slice(this.root.length + SEPARATOR.length);
    return below.split(SEPARATOR).join("/");
  }

  async #safe(
    path: string,
    absolute: string,
    anchor: string,
    missing: string[],
  ): Promise<SafePath> {
    return this.#brand(path, absolute, await this.#see(anchor), missing);
  }

  async #see(path: string): Promise<SeenDirectory> {
    const { kind, device, inode } = await this.#disk.stat(path);
    if (kind !== "directory") {
      throw new StorageError("not-directory", "it is not a directory");
    }
    return { path, device, inode };
  }

  /** The one place where the brand is given. */
  #brand(
    path: string,
    absolute: string,
    anchor: SeenDirectory,
    missing: string[],
  ): SafePath {
    return {
      path,
      absolute,
      location: this.#relative(absolute),
      anchor: anchor.path,
      anchorDevice: anchor.device,
      anchorInode: anchor.inode,
      missing,
    } as unknown as SafePath;
  }
}

/** A directory as it was seen, to be recognized again. */
export interface SeenDirectory {
  /** Its path, every link resolved. */
  readonly path: string;
  /** Its file system. */
  readonly device: number;
  /** Its number there. */
  readonly inode: number;
}

/**
 * Checks that a directory is still the one that was seen, and not behind a link.
 *
 * @throws {StorageError} `outside`; `not-found` when it is gone.
 */
export async function recheckDirectory(
  disk: Disk,
  seen: SeenDirectory,
  name: string,
): Promise<void> {
  if (await disk.realPath(seen.path) !== seen.path) throw outside(name);
  const stat = await disk.stat(seen.path);
  if (stat.device !== seen.device || stat.inode !== seen.inode) {
    throw outside(name);
  }
}

/** What {@linkcode Disk.lstat} says, `undefined` when there is nothing. */
export async function lstatIfAny(
  disk: Disk,
  path: string,
): Promise<DiskStat | undefined> {
  try {
    return await disk.lstat(path);
  } catch (error) {
    if (error instanceof StorageError && error.kind === "not-found") {
      return undefined;
    }
    throw error;
  }
}

/**
 * Whether there is anything at a path. Of a link that leads nowhere it may say
 * that there is not: who goes by that must give the name so that it fails then.
 */
export async function seemsTaken(disk: Disk, path: string): Promise<boolean> {
  return await disk.exists?.(path) ??
    await lstatIfAny(disk, path) !== undefined;
}

function outside(name: string): StorageError {
  return new StorageError(
    "outside",
    `${quoteName(name)} leads outside the served folder, or nowhere`,
    { name },
  );
}

function named(error: unknown, name: string): unknown {
  if (!(error instanceof StorageError)) return error;
  return new StorageError(error.kind, error.message, { name, cause: error });
}
