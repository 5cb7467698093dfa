/**
 * Turns the host's errors into {@linkcode StorageError}s.
 *
 * @module
 */

import { StorageError, type StorageErrorKind } from "./errors.ts";

type Verdict = readonly [kind: StorageErrorKind, message: string];

/** By the code that Deno and Node put on the error. */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  ENOENT: ["not-found", "not found"],
  EEXIST: ["exists", "the name is taken"],
  EISDIR: ["is-directory", "it is a directory"],
  ENOTDIR: ["not-directory", "it is not a directory"],
  ENOTEMPTY: ["not-empty", "the directory is not empty"],
  EACCES: ["denied", "permission denied by the file system"],
  EPERM: ["denied", "permission denied by the file system"],
  EROFS: ["denied", "the file system is read-only"],
  ELOOP: ["outside", "too many links on the way"],
  ENAMETOOLONG: ["bad-name", "the name is too long for the file system"],
  EILSEQ: ["bad-name", "the file system cannot hold this name"],
  EBUSY: ["busy", "it is in use"],
  ETXTBSY: ["busy", "it is in use"],
  EAGAIN: ["busy", "it is in use"],
  ENOSPC: ["no-space", "no space left on the disk"],
  EDQUOT: ["no-space", "the disk quota is used up"],
  EFBIG: ["too-large", "too large for the file system"],
  EXDEV: ["io", "the two names are on different file systems"],
  EMFILE: ["io", "too many open files"],
  ENFILE: ["io", "too many open files"],
};

/**
 * Linux and macOS numbers of errors that Deno gives no code: it then only
 * shows "(os error 27)" in the message.
 */
const BY_NUMBER: Readonly<Record<string, string>> = {
  "27": "EFBIG",
  "28": "ENOSPC",
  "30": "EROFS",
  "122": "EDQUOT",
};

const OS_ERROR_REGEXP = /\(os error (\d+)\)/;
const FLAG_REGEXP = /--allow-(?:read|write|sys)/;

/** The code of an error of the host, such as `ENOENT`, where there is one. */
export function hostErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  const number = OS_ERROR_REGEXP.exec(error.message)?.[1];
  return number === undefined ? undefined : BY_NUMBER[number];
}

/** The storage error for whatever the host threw; its message names no path. */
export function toStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const [kind, message] = judge(error);
  return new StorageError(kind, message, { cause: error });
}

function judge(error: unknown): Verdict {
  if (error instanceof Deno.errors.NotCapable) {
    const flag = FLAG_REGEXP.exec(error.message)?.[0] ?? "--allow-all";
    return ["denied", `permission denied: this program runs without ${flag}`];
  }
  const known = BY_CODE[hostErrorCode(error) ?? ""];
  if (known !== undefined) return known;
  for (const [type, code] of byClass()) {
    if (error instanceof type) return BY_CODE[code]!;
  }
  return ["io", "the file system reports an error"];
}

/** The classes that Deno uses on hosts whose codes are not in the table (Windows). */
function byClass(): [typeof Deno.errors.NotFound, string][] {
  return [
    [Deno.errors.NotFound, "ENOENT"],
    [Deno.errors.AlreadyExists, "EEXIST"],
    [Deno.errors.PermissionDenied, "EACCES"],
    [Deno.errors.IsADirectory, "EISDIR"],
    [Deno.errors.NotADirectory, "ENOTDIR"],
    [Deno.errors.FilesystemLoop, "ELOOP"],
    [Deno.errors.Busy, "EBUSY"],
  ];
}
