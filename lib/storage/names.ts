/**
 * Rules for names, and how names are shown.
 *
 * @module
 */

import { SEPARATOR } from "@std/path";
import { StorageError } from "./errors.ts";
import { NAME_BYTES_MAX, PATH_BYTES_MAX, PATH_DEPTH_MAX } from "./limits.ts";

/** The folder that holds unfinished uploads; reserved at every depth. */
export const STAGING_NAME = ".ferry";

/** Whether this host has Windows' rules for names. */
export const IS_WINDOWS: boolean = SEPARATOR === "\\";

/** Control characters, bidi overrides and invisible ones: never shown raw. */
const UNSHOWABLE =
  // deno-lint-ignore no-control-regex -- control characters are what it looks for
  /[\u0000-\u001f"\\\u007f-\u009f\u{ad}\u{61c}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}]/gu;

/** What HFS+ ignores when it compares names, so that `.fer\u200cry` is `.ferry` there. */
const IGNORABLE =
  /[\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{feff}]/gu;

const ASCII = /^[\0-\x7f]*$/;

/** Bytes of UTF-8 that one unit of a string may take. */
const UTF8_UNIT_BYTES = 3;

/** `C:` and `C:name`, which Windows takes for a drive. */
const DRIVE = /^[A-Za-z]:/;

/** The names that Windows gives to devices, with or without an extension. */
const WINDOWS_DEVICE =
  /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;

/** What Windows refuses in a name, silently drops at its end, or takes for a stream. */
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const WINDOWS_FORBIDDEN = /[<>:"|?*\u0000-\u001f]|[. ]$/;

/** The short form that Windows may give to the staging folder. */
const WINDOWS_SHORT_STAGING = /^ferry~[0-9]+$/i;

/** What is longer after the last dot is no extension, and may be cut. */
const EXTENSION_BYTES_MAX = 64;

const ENCODER = new TextEncoder();

/** Shows a name in quotes, with everything escaped that could fool a reader. */
export function quoteName(name: string): string {
  const escaped = name.replace(
    UNSHOWABLE,
    (character) =>
      character === '"' || character === "\\"
        ? `\\${character}`
        : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
  return `"${escaped}"`;
}

/** The length of a name in UTF-8 bytes. */
export function nameBytes(name: string): number {
  return ENCODER.encode(name).length;
}

/** Whether a name has more bytes than it may have; most need not be encoded to know. */
function isLongerThan(name: string, bytesMax: number): boolean {
  return name.length * UTF8_UNIT_BYTES > bytesMax &&
    (name.length > bytesMax || nameBytes(name) > bytesMax);
}

/** Whether a name means the staging folder on some file system that Ferry may meet. */
export function isReservedName(name: string): boolean {
  // In ASCII there is nothing to take out or to normalize.
  const folded = ASCII.test(name)
    ? name
    : name.replace(IGNORABLE, "").normalize("NFKC");
  return folded.toLowerCase() === STAGING_NAME ||
    (IS_WINDOWS && WINDOWS_SHORT_STAGING.test(name));
}

/** What file systems that fold names may take for the same. */
export function foldName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/** Other ways to write a name, one of which a file system that folds names must take for the same. */
export function nameVariants(name: string): Set<string> {
  const variants = new Set([
    name.toUpperCase(),
    name.toLowerCase(),
    name.normalize("NFC"),
    name.normalize("NFD"),
    name.replace(IGNORABLE, ""),
  ]);
  variants.delete(name);
  variants.delete("");
  return variants;
}

/** Says why one segment of a path cannot be served; `undefined` when it can. */
export function segmentFault(
  segment: string,
  windows: boolean = IS_WINDOWS,
): string | undefined {
  if (segment === "") return "has an empty segment";
  if (segment === "." || segment === "..") return `has a segment "${segment}"`;
  if (segment.includes("\0")) return "contains a NUL";
  if (segment.includes("/") || segment.includes("\\")) {
    return "contains a separator";
  }
  // Lone surrogates and U+FFFD do not survive the way to the disk and back:
  // two such names could mean one file.
  if (!segment.isWellFormed() || segment.includes("\ufffd")) {
    return "is not valid Unicode";
  }
  if (isLongerThan(segment, NAME_BYTES_MAX)) {
    return `has a segment longer than ${NAME_BYTES_MAX} bytes`;
  }
  if (isReservedName(segment)) return "is reserved";
  if (
    windows && (WINDOWS_DEVICE.test(segment) || WINDOWS_FORBIDDEN.test(segment))
  ) {
    return "is not a file name on this host";
  }
  return undefined;
}

/**
 * Splits a name into its segments; the empty name has none.
 *
 * @throws {StorageError} `bad-name` when a rule is broken.
 */
export function splitName(name: string): string[] {
  if (name === "") return [];
  const segments = name.split("/");
  const fault = wholeFault(name, segments) ??
    segments.map((segment) => segmentFault(segment)).find((f) => f);
  if (fault !== undefined) {
    throw new StorageError("bad-name", `${quoteName(clip(name))} ${fault}`, {
      name,
    });
  }
  return segments;
}

/**
 * Checks a name whose folder is known to be sound.
 *
 * @param name The name.
 * @param last Its last segment.
 * @throws {StorageError} `bad-name` when a rule is broken.
 */
export function assertChildName(name: string, last: string): void {
  const isSound = !DRIVE.test(name) && !isLongerThan(name, PATH_BYTES_MAX) &&
    segmentFault(last) === undefined;
  if (!isSound) splitName(name);
}

/**
 * The `number`-th other name for `name`: `report-1.pdf` for `report.pdf`. What
 * would not fit is cut from the end of the stem.
 */
export function numberedName(name: string, number: number): string {
  const dot = name.lastIndexOf(".");
  const isExtension = dot > 0 &&
    nameBytes(name.slice(dot)) <= EXTENSION_BYTES_MAX;
  const at = isExtension ? dot : name.length;
  const tail = `-${number}${name.slice(at)}`;
  const room = NAME_BYTES_MAX - nameBytes(tail);
  // By code point, so that no character is cut in two.
  const stem = [...name.slice(0, at)];
  let length = nameBytes(name.slice(0, at));
  while (length > room) length -= nameBytes(stem.pop()!);
  return stem.join("") + tail;
}

/** The path of an entry of a directory, as `join` would make it of a resolved one. */
export function childPath(directory: string, name: string): string {
  return directory.endsWith(SEPARATOR)
    ? directory + name
    : directory + SEPARATOR + name;
}

/** Shows a number of bytes in IEC units, for messages. */
export function formatBytes(size: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = size;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function wholeFault(name: string, segments: string[]): string | undefined {
  if (DRIVE.test(name)) return "begins with a drive";
  if (segments.length > PATH_DEPTH_MAX) {
    return `is deeper than ${PATH_DEPTH_MAX} folders`;
  }
  if (isLongerThan(name, PATH_BYTES_MAX)) {
    return `is longer than ${PATH_BYTES_MAX} bytes`;
  }
  return undefined;
}

function clip(name: string): string {
  return name.length > NAME_BYTES_MAX
    ? `${name.slice(0, NAME_BYTES_MAX)}…`
    : name;
}
