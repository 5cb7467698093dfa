/**
 * Identities in files.
 *
 * @module
 */

import {
  type Clock,
  type Random,
  systemClock,
  systemRandom,
} from "../platform/mod.ts";
import {
  DenoDisk,
  type Disk,
  makeLocalDirectory,
  readWholeFile,
  setLocalAttributes,
  StorageError,
} from "../storage/mod.ts";
import {
  certificatesIn,
  type Identity,
  identityFromPem,
} from "./certificate.ts";
import { IdentityError } from "./errors.ts";

/** The largest file that is read: 1 MiB, a thousand times a usual certificate. */
const FILE_SIZE_MAX = 1_048_576;

/** What files are read and written with. */
export interface FileParts {
  /** Where they are. */
  readonly disk: Disk;
  /** The time. */
  readonly clock: Clock;
  /** Serial numbers and names of drafts. */
  readonly random: Random;
}

/** The machine's own parts where no others are given. */
export function wholeParts(parts: Partial<FileParts>): FileParts {
  const { clock = systemClock, random = systemRandom } = parts;
  return { disk: parts.disk ?? new DenoDisk(), clock, random };
}

/** Where an identity is, in PEM. */
export interface IdentityPaths {
  /** The certificate, and behind it those above it. */
  readonly certificate: string;
  /** The private key. */
  readonly key: string;
}

/**
 * The identity in two files, such as an authority gives them.
 *
 * @param paths The files.
 * @param parts What they are read with. @default {those of the machine}
 * @throws {IdentityError} With the file and the reason.
 */
export async function identityFromFiles(
  paths: IdentityPaths,
  parts: Partial<FileParts> = {},
): Promise<Identity> {
  const { disk, clock } = wholeParts(parts);
  const certificate = await readText(disk, paths.certificate);
  const key = await readText(disk, paths.key);
  return identityFromPem({ certificate, key }, clock.now(), {
    certificate: JSON.stringify(paths.certificate),
    key: JSON.stringify(paths.key),
  });
}

/**
 * The certificates in a file, such as those of authorities.
 *
 * @param path The file, in PEM.
 * @param parts What it is read with. @default {those of the machine}
 * @throws {IdentityError} With the file and the reason.
 */
export async function certificatesFromFile(
  path: string,
  parts: Partial<FileParts> = {},
): Promise<string> {
  const { disk } = wholeParts(parts);
  return certificatesIn(await readText(disk, path), JSON.stringify(path));
}

/** What is wrong with a file; the message names it, never what is in it. */
export function fileError(path: string, error: unknown): unknown {
  if (!(error instanceof StorageError)) return error;
  return new IdentityError(
    "file",
    `${JSON.stringify(path)}: ${error.message}`,
    { cause: error },
  );
}

/**
 * The text of a file.
 *
 * @throws {IdentityError} `file`.
 */
export async function readText(disk: Disk, path: string): Promise<string> {
  try {
    const { bytes } = await readWholeFile(disk, path, FILE_SIZE_MAX);
    return new TextDecoder().decode(bytes);
  } catch (error) {
    throw fileError(path, error);
  }
}

/** The text of a file; `undefined` if there is none. */
export async function readTextIfAny(
  disk: Disk,
  path: string,
): Promise<string | undefined> {
  try {
    return await readText(disk, path);
  } catch (error) {
    const { cause } = error as Error;
    const isMissing = cause instanceof StorageError &&
      (cause.kind === "not-found" || cause.kind === "not-directory");
    if (isMissing) return undefined;
    throw error;
  }
}

/** Makes a folder that only its owner may enter; one that is there stays as it is. */
export async function makePrivateFolder(
  disk: Disk,
  folder: string,
): Promise<void> {
  while (!await isFolder(disk, folder)) {
    try {
      await makeLocalDirectory(disk, folder, "none");
      await setLocalAttributes(disk, folder, { mode: 0o700 });
    } catch (error) {
      // Another program may be making it, or those above it, at this moment.
      if (!(error instanceof StorageError && error.kind === "exists")) {
        throw error;
      }
    }
  }
}

async function isFolder(disk: Disk, path: string): Promise<boolean> {
  try {
    return (await disk.stat(path)).kind === "directory";
  } catch (error) {
    if (error instanceof StorageError && error.kind === "not-found") {
      return false;
    }
    throw error;
  }
}
