/**
 * Directories as patterns and completion see them, there and here.
 *
 * @module
 */

import type { Disk } from "../../storage/mod.ts";
import { readRemoteName } from "../names.ts";
import type { Environment } from "../environment.ts";
import type { Candidate, ListFolder } from "./expand.ts";
import { localPath, type Places, remotePath } from "./places.ts";
import type { Lister } from "./remote_names.ts";

/** Lists remote directories, from where a shell stands. */
export function listRemote(
  client: Lister,
  places: Places,
  signal: AbortSignal,
): ListFolder {
  return async function* (path) {
    const folder = readRemoteName(remotePath(path, places));
    for await (const { entries } of client.list(folder, { signal })) {
      for (const { name, kind, addressable } of entries) {
        const isFolder = kind === "directory" || kind === "link";
        if (addressable) yield { name, isFolder };
      }
    }
  };
}

/** Lists local directories, from where a shell stands. */
export function listLocal(disk: Disk, places: Places): ListFolder {
  return async function* (path) {
    const folder = path === ""
      ? places.local || "."
      : localPath(path, path.startsWith("~"), places);
    for await (const { name, kind } of disk.list(folder)) {
      yield { name, isFolder: kind === "directory" || kind === "link" };
    }
  };
}

/** The names in a local directory, from where a program was started. */
export async function localNames(
  folder: string,
  isHome: boolean,
  { disk, platform, variable }: Environment,
): Promise<readonly Candidate[]> {
  const { isWindows } = platform;
  const home = variable(isWindows ? "USERPROFILE" : "HOME");
  const here: Places = { remote: "", local: "", home, isWindows };
  const local = localPath(folder, isHome, here);
  return await Array.fromAsync(listLocal(disk, { ...here, local })(""));
}
