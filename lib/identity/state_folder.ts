/**
 * The identity that a server makes for itself once, and keeps.
 *
 * @module
 */

import { type Identity, identityFromPem } from "./certificate.ts";
import { writeWholeFile } from "../storage/mod.ts";
import {
  fileError,
  type FileParts,
  makePrivateFolder,
  readTextIfAny,
  wholeParts,
} from "./files.ts";
import { takeLock } from "./lock.ts";
import { makeIdentity } from "./self_made.ts";

/** Certificate and key in one file: the two cannot be torn apart by a crash. */
const FILE = "identity.pem";
/** Held while one is made, so that two servers at once do not make two. */
const LOCK = "identity.lock";

/** An identity, and whether it outlives this run. */
export interface KeptIdentity {
  /** The identity. */
  readonly identity: Identity;
  /** The file; `undefined` if it could not be kept. */
  readonly file: string | undefined;
}

/**
 * The identity of a state folder; made and kept if there is none yet. A folder
 * that may not be written to gives a fresh one, which is not kept.
 *
 * @param folder The folder; `undefined`: there is none.
 * @param given What files are read and written with. @default {those of the machine}
 * @throws {IdentityError} When there is one that cannot be used: it is never
 * replaced, for clients would take the new one for a stranger.
 */
export async function identityFromFolder(
  folder: string | undefined,
  given: Partial<FileParts> = {},
): Promise<KeptIdentity> {
  const parts = wholeParts(given);
  const { disk, random } = parts;
  if (folder === undefined) {
    return { identity: await makeIdentity(random), file: undefined };
  }
  const file = `${folder}/${FILE}`;
  const found = await load(file, parts);
  if (found !== undefined) return { identity: found, file };
  const { write } = await disk.access(folder);
  if (!write) return { identity: await makeIdentity(random), file: undefined };
  return { identity: await make(folder, parts), file };
}

async function load(
  file: string,
  { disk, clock }: FileParts,
): Promise<Identity | undefined> {
  const text = await readTextIfAny(disk, file);
  if (text === undefined) return undefined;
  const name = JSON.stringify(file);
  return identityFromPem({ certificate: text, key: text }, clock.now(), {
    certificate: name,
    key: name,
  });
}

async function make(folder: string, parts: FileParts): Promise<Identity> {
  const { disk, random } = parts;
  const file = `${folder}/${FILE}`;
  try {
    await makePrivateFolder(disk, folder);
    using _lock = await takeLock(`${folder}/${LOCK}`, parts);
    // Somebody else may have been faster.
    const found = await load(file, parts);
    if (found !== undefined) return found;
    const identity = await makeIdentity(random);
    const text = identity.certificate + identity.key;
    await writeWholeFile(parts, file, text);
    return identity;
  } catch (error) {
    throw fileError(file, error);
  }
}
