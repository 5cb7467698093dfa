/**
 * The commands that are about where a shell stands: `cd`, `lcd`, `pwd` and
 * `lpwd`.
 *
 * @module
 */

import { type Client, FerryError } from "../../client/mod.ts";
import { StorageError } from "../../storage/mod.ts";
import type { Environment } from "../environment.ts";
import { escapeName } from "../escape.ts";
import { shell } from "../messages.ts";
import { readRemoteName } from "../names.ts";
import { localPath, type Places, remotePath } from "./places.ts";
import type { ShellWord } from "./shell_words.ts";

/** Where a shell stands, and stood before. */
export interface Standing {
  /** Where it stands. */
  places: Places;
  /** Where it stood before, on the server. */
  before: string;
}

/** It cannot go there; the message is one whole sentence. */
export class NotAFolderError extends Error {
  override readonly name = "NotAFolderError";
}

/** Goes to a remote directory, if there is one of that name. */
export async function changeFolder(
  standing: Standing,
  word: ShellWord | undefined,
  client: Client,
  signal: AbortSignal,
): Promise<void> {
  const { places, before } = standing;
  const text = word?.text ?? "/";
  const remote = text === "-"
    ? before
    : readRemoteName(remotePath(text, places));
  try {
    if (remote !== "") {
      // To list it is what one goes there for.
      for await (const _page of client.list(remote, { signal })) break;
    }
  } catch (error) {
    const isFile = error instanceof FerryError &&
      error.code === "not-directory";
    throw isFile ? new NotAFolderError(shell.notAFolder(remote)) : error;
  }
  standing.before = places.remote;
  standing.places = { ...places, remote };
}

/** Goes to a local directory, if there is one of that name. */
export async function changeLocalFolder(
  standing: Standing,
  word: ShellWord | undefined,
  { disk }: Environment,
): Promise<void> {
  const { places } = standing;
  const wanted = word === undefined
    ? places.home ?? "."
    : localPath(word.text, word.isHome, places);
  try {
    const local = await disk.realPath(wanted);
    if ((await disk.stat(local)).kind !== "directory") {
      throw new NotAFolderError(shell.notAFolder(wanted));
    }
    standing.places = { ...places, local };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new FerryError(error.kind, error.message, {
      side: "local",
      path: wanted,
      cause: error,
    });
  }
}

/** Where a shell stands on the server. */
export function shownFolder({ remote }: Places): string {
  return `/${escapeName(remote)}`;
}

/** Where a shell stands on this machine. */
export async function shownLocalFolder(
  { local }: Places,
  { disk }: Environment,
): Promise<string> {
  const path = await disk.realPath(local || ".").catch(() => local || ".");
  return escapeName(path);
}
