/**
 * Where a shell stands, in the server's tree and on this machine, and what
 * names mean from there.
 *
 * @module
 */

import { joinLocal } from "../names.ts";

/** Where a shell stands. */
export interface Places {
  /** The directory of the server, from the user's root; `""` is the root. */
  readonly remote: string;
  /** The local directory; `""` is where the program was started. */
  readonly local: string;
  /** The home directory, where that is known. */
  readonly home: string | undefined;
  /** Whether the rules of Windows hold on this machine. */
  readonly isWindows: boolean;
}

/**
 * What a remote name means from where a shell stands: the same name from the
 * root, with a leading `/`. `.` and `..` are done away with; above the root is
 * the root. What said that it is a directory still does.
 */
export function remotePath(text: string, { remote }: Places): string {
  const isAbsolute = text.startsWith("/");
  const kept = isAbsolute || remote === "" ? [] : remote.split("/");
  const segments = text.split("/");
  for (const [index, segment] of segments.entries()) {
    if (segment === "..") kept.pop();
    // An empty segment in the middle is a mistake that others tell of.
    else if (segment !== "." && (segment !== "" || isInside(index, segments))) {
      kept.push(segment);
    }
  }
  const last = segments.at(-1) ?? "";
  const isDirectory = ["", ".", ".."].includes(last);
  const path = kept.join("/");
  return path === "" ? "/" : `/${path}${isDirectory ? "/" : ""}`;
}

function isInside(index: number, segments: readonly string[]): boolean {
  return index > 0 && segments.slice(index).some((segment) => segment !== "");
}

/** What a local path means from where a shell stands. */
export function localPath(
  text: string,
  isHome: boolean,
  { local, home, isWindows }: Places,
): string {
  if (isHome && home !== undefined) {
    if (text === "~") return home;
    if (/^~[/\\]/.test(text)) return joinLocal(home, text.slice(2));
  }
  const isAbsolute = isWindows
    ? /^([a-z]:)?[/\\]/i.test(text)
    : text.startsWith("/");
  return local === "" || isAbsolute || text === "" || text === "-"
    ? text
    : joinLocal(local, text);
}
