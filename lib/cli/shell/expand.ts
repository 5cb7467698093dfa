/**
 * Names for patterns: `*.csv`, `photos/IMG_???.jpg`. A name that begins with a
 * dot is only meant by a pattern that does.
 *
 * @module
 */

import { compileGlob } from "../../storage/mod.ts";
import { problems } from "../messages.ts";
import { UsageError } from "../usage_error.ts";

/** One entry of a directory, as far as patterns go. */
export interface Candidate {
  /** Its name. */
  readonly name: string;
  /** Whether there may be something in it. */
  readonly isFolder: boolean;
}

/** Lists a directory: `""` is where one stands, `/` the top. */
export type ListFolder = (path: string) => AsyncIterable<Candidate>;

/** A pattern stands for nothing; the message is one whole sentence. */
export class NoMatchError extends Error {
  override readonly name = "NoMatchError";
}

/** Names that a pattern may stand for: more than one line can be about. */
const NAMES_MAX = 100_000;

/** Whether a part of a pattern stands for more than one name. */
function isGlob(segment: string): boolean {
  return /[*?[]/.test(segment.replace(/\\./gs, ""));
}

function literal(segment: string): string {
  return segment.replace(/\\(.)/gs, "$1");
}

function matcher(segment: string, pattern: string): (name: string) => boolean {
  try {
    const glob = compileGlob(segment);
    const isAboutHidden = literal(segment).startsWith(".");
    return (name) =>
      (isAboutHidden || !name.startsWith(".")) && glob.matches(name);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(problems.badGlob(literal(pattern), error.message));
  }
}

/**
 * The names that a pattern stands for, sorted.
 *
 * @param pattern The pattern, with `/` between its parts.
 * @param list Lists directories.
 * @throws {UsageError} if the pattern makes no sense, or stands for too many names.
 */
export async function expand(
  pattern: string,
  list: ListFolder,
): Promise<readonly string[]> {
  const isForFolders = pattern.endsWith("/");
  const segments = pattern.replace(/\/+$/, "").split("/");
  let found: string[] = [""];
  let isKnown = true;
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    const join = (name: string) => (path: string) =>
      index === 0 ? name : `${path}/${name}`;
    if (isKnown && !isGlob(segment)) {
      found = found.map(join(literal(segment)));
      continue;
    }
    isKnown = false;
    const isMatch = matcher(segment, pattern);
    const next: string[] = [];
    for (const path of found) {
      const folder = index > 0 && path === "" ? "/" : path;
      for await (const { name, isFolder } of list(folder)) {
        const isWanted = isMatch(name) &&
          (isFolder || isLast && !isForFolders);
        if (isWanted) next.push(join(name)(path));
        if (next.length > NAMES_MAX) {
          throw new UsageError(problems.wideGlob(literal(pattern), NAMES_MAX));
        }
      }
    }
    found = next.sort();
  }
  return isForFolders ? found.map((name) => `${name}/`) : found;
}
