/**
 * Names from the command line: of the server's tree, and of local files that
 * are made of them. Local names come from what was asked for, never from what
 * a server says.
 *
 * @module
 */

import { remoteNameProblem } from "../protocol/plain.ts";
import { usage } from "./messages.ts";
import { UsageError } from "./usage_error.ts";

/**
 * A name as it goes to the server: a leading `/` is the user's root, a trailing
 * one says "directory" and is dropped.
 *
 * @param text As it was typed.
 * @returns The name; `""` for the root.
 * @throws {UsageError} if no server may have such a name.
 */
export function readRemoteName(text: string): string {
  const name = text.replace(/^\/+/, "").replace(/\/+$/, "");
  const problem = remoteNameProblem(name);
  if (problem !== undefined) {
    throw new UsageError(usage.badRemoteName(text, problem));
  }
  return name;
}

/**
 * The same, where the root makes no sense.
 *
 * @param text As it was typed.
 * @param doing What is to happen to it, such as `remove`.
 */
export function readRemoteNameBelowRoot(text: string, doing: string): string {
  const name = readRemoteName(text);
  if (name === "") throw new UsageError(usage.notTheRoot(doing, text));
  return name;
}

/** Whether a name says by itself that it is a directory's. */
export function looksLikeDirectory(text: string): boolean {
  return text === "" || text.endsWith("/");
}

/** The last segment of a remote name. */
export function lastSegment(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** A remote name below a remote directory. */
export function joinRemote(directory: string, segment: string): string {
  return directory === "" ? segment : `${directory}/${segment}`;
}

/** A local path below a local directory. */
export function joinLocal(directory: string, segment: string): string {
  return /[/\\]$/.test(directory)
    ? `${directory}${segment}`
    : `${directory}/${segment}`;
}

const WINDOWS_DEVICE_PATTERN =
  /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;
const WINDOWS_SIGNS_PATTERN = /[<>:"|?*\p{Cc}]|[. ]$/u;

/**
 * The local name that a fetched file gets unless it is told another.
 *
 * @param remote The name that was asked for.
 * @param isWindows Whether the rules of Windows hold.
 * @throws {UsageError} if this machine cannot have such a name.
 */
export function localNameOf(remote: string, isWindows: boolean): string {
  const segment = lastSegment(remote);
  const isRefused = WINDOWS_DEVICE_PATTERN.test(segment) ||
    WINDOWS_SIGNS_PATTERN.test(segment);
  if (isWindows && isRefused) {
    throw new UsageError(usage.badLocalName(segment));
  }
  return segment;
}

/**
 * The remote name that a sent file gets unless it is told another.
 *
 * @param local The path that was typed.
 * @param isWindows Whether the rules of Windows hold.
 * @throws {UsageError} if the path has no last name, or a server cannot have it.
 */
export function remoteNameOf(local: string, isWindows: boolean): string {
  const separators = isWindows ? /[/\\]+/ : /\/+/;
  const segment = local.split(separators).findLast((part) => part !== "") ?? "";
  if (segment === "" || segment === "." || segment === "..") {
    throw new UsageError(usage.nameless(local));
  }
  const problem = remoteNameProblem(segment);
  if (problem !== undefined) {
    throw new UsageError(usage.cannotBeRemote(local, problem));
  }
  return segment;
}

/**
 * Refuses two sources that would get one name: one of them would be lost.
 *
 * @param sources What was typed, and the names that are made of it.
 */
export function rejectTwins(
  sources: ReadonlyArray<{ readonly given: string; readonly target: string }>,
): void {
  const seen = new Map<string, string>();
  for (const { given, target } of sources) {
    const twin = seen.get(target);
    if (twin !== undefined) {
      throw new UsageError(usage.twins(twin, given, target));
    }
    seen.set(target, given);
  }
}
