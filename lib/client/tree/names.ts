/**
 * Names and paths inside a tree: what both ends can have, and which names some
 * file systems take for one.
 *
 * @module
 */

import { lastSegment, remoteNameProblem } from "../../protocol/mod.ts";

/** Unfinished downloads of Ferry, and its folder of unfinished uploads. */
const OWN_PATTERN = /^\.ferry(-[0-9a-f]{16}\..*)?$/i;

/** The names that Windows gives to devices, with or without an extension. */
const WINDOWS_DEVICE_PATTERN =
  /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;

/** What Windows refuses in a name, drops at its end, or takes for a stream. */
const WINDOWS_SIGNS_PATTERN = /[<>:"|?*\p{Cc}]|[. ]$/u;

/** `C:\`, `\\host` and `\\?\`, which only Windows has. */
const WINDOWS_PATH_PATTERN = /^(?:[a-z]:|\\\\)/i;

/** Whether a name is of something that Ferry keeps for itself. */
export function isOwnName(name: string): boolean {
  return OWN_PATTERN.test(name);
}

/** Whether a resolved path is one of Windows. */
export function isWindowsPath(path: string): boolean {
  return WINDOWS_PATH_PATTERN.test(path);
}

/** The local path of an entry: `/` is a separator everywhere. */
export function localPath(root: string, path: string): string {
  if (path === "") return root;
  if (root === ".") return path;
  return /[/\\]$/.test(root) ? `${root}${path}` : `${root}/${path}`;
}

/**
 * Says why an entry of the server cannot have a name on this machine.
 *
 * @param path Its path from the root of the tree.
 * @param isWindows Whether the rules of Windows hold.
 */
export function localNameProblem(
  path: string,
  isWindows: boolean,
): string | undefined {
  const problem = remoteNameProblem(path);
  if (problem !== undefined) return problem;
  const name = lastSegment(path);
  if (isOwnName(name)) return "is one that Ferry keeps for itself";
  const isRefused = isWindows &&
    (WINDOWS_DEVICE_PATTERN.test(name) || WINDOWS_SIGNS_PATTERN.test(name));
  return isRefused ? "is not a file name on this system" : undefined;
}

/** What file systems that fold names may take for the same; rather too much than too little. */
function foldName(name: string): string {
  return name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
}

/** The names of one folder. */
export class NameSet {
  readonly #byFold = new Map<string, string | string[]>();
  #size = 0;

  /** How many. */
  get size(): number {
    return this.#size;
  }

  /** Whether it has exactly this name. */
  has(name: string): boolean {
    return this.#like(name).includes(name);
  }

  /** A name that differs only in case or Unicode normalization; `undefined` if there is none. */
  twin(name: string): string | undefined {
    return this.#like(name).find((other) => other !== name);
  }

  /** Adds a name; returns whether it is new. */
  add(name: string): boolean {
    const like = this.#like(name);
    if (like.includes(name)) return false;
    this.#size++;
    this.#byFold.set(
      foldName(name),
      like.length === 0 ? name : [...like, name],
    );
    return true;
  }

  #like(name: string): readonly string[] {
    const like = this.#byFold.get(foldName(name)) ?? [];
    return typeof like === "string" ? [like] : like;
  }
}
