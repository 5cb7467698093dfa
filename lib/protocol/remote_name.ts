/**
 * Which names may stand on the wire. A name is a path relative to the user's
 * root: segments joined by `/`; the empty name is the root itself.
 *
 * @module
 */

import { NAME_SIZE_MAX, PATH_DEPTH_MAX, PATH_SIZE_MAX } from "./limits.ts";

/** The folder that servers keep their own things in; reserved at every depth. */
export const RESERVED_NAME = ".ferry";

const UTF8 = new TextEncoder();

/** Bytes of UTF-8 that one unit of a string may take. */
const UTF8_UNIT_BYTES = 3;

const ASCII_PATTERN = /^[\0-\x7f]*$/;

/**
 * What HFS+ ignores when it compares names: there `.fer\u200cry` is `.ferry`.
 * `lib/storage/names.ts` has the same rule.
 */
const IGNORABLE_PATTERN =
  /[\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{feff}]/gu;

/** Drive letters (`C:`) and device paths (`\\.\`, caught by the backslash). */
const DRIVE_PATTERN = /^[a-z]:/i;

/** Whether some file system takes a segment for {@linkcode RESERVED_NAME}. */
function isReserved(segment: string): boolean {
  // In ASCII there is nothing to take out or to normalize.
  const plain = ASCII_PATTERN.test(segment)
    ? segment
    : segment.replace(IGNORABLE_PATTERN, "").normalize("NFKC");
  return plain.toLowerCase() === RESERVED_NAME;
}

/** Whether a name has more bytes than it may have; most need not be encoded to know. */
function isLongerThan(name: string, bytesMax: number): boolean {
  return name.length * UTF8_UNIT_BYTES > bytesMax &&
    UTF8.encode(name).length > bytesMax;
}

function segmentProblem(segment: string): string | undefined {
  if (segment === "") return "has an empty segment";
  if (segment === "." || segment === "..") return `has a "${segment}" segment`;
  if (segment.includes("\0")) return "has a NUL character";
  if (segment.includes("\\")) return "has a backslash";
  if (segment.includes("\ufffd")) return "has a U+FFFD character";
  if (isReserved(segment)) {
    return `has the reserved segment "${RESERVED_NAME}"`;
  }
  if (isLongerThan(segment, NAME_SIZE_MAX)) {
    return `has a segment longer than ${NAME_SIZE_MAX} bytes`;
  }
  return undefined;
}

/**
 * Says what is wrong with a name.
 *
 * @param name A name as it came from, or goes to, the wire.
 * @returns A phrase such as `has an empty segment`, or `undefined` when the name may be used.
 */
export function remoteNameProblem(name: string): string | undefined {
  if (name === "") return undefined;
  if (!name.isWellFormed()) return "is not well-formed Unicode";
  if (isLongerThan(name, PATH_SIZE_MAX)) {
    return `is longer than ${PATH_SIZE_MAX} bytes`;
  }
  if (name.startsWith("/")) return 'begins with "/"';
  if (DRIVE_PATTERN.test(name)) return "begins with a drive letter";
  const segments = name.split("/");
  if (segments.length > PATH_DEPTH_MAX) {
    return `is deeper than ${PATH_DEPTH_MAX} segments`;
  }
  for (const segment of segments) {
    const problem = segmentProblem(segment);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
