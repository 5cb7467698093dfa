/**
 * The file of known servers, which several clients may write to at once.
 *
 * @module
 */

import { type Disk, writeWholeFile } from "../storage/mod.ts";
import { IdentityError } from "./errors.ts";
import {
  fileError,
  type FileParts,
  makePrivateFolder,
  readTextIfAny,
  wholeParts,
} from "./files.ts";
import { formatFingerprint } from "./fingerprint.ts";
import { KnownHosts } from "./known_hosts.ts";
import { takeLock } from "./lock.ts";

/** What a new file begins with. */
const HEAD =
  "# Servers that ferry knows: HOST:PORT and the fingerprint of the certificate.\n";

function folderOf(path: string): string {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return path.slice(0, at);
}

/**
 * Reads the file; one that is missing knows nobody.
 *
 * @param path Its absolute path.
 * @param disk Where it is.
 * @throws {IdentityError} `file` when it cannot be read, `known-hosts` when a
 * line makes no sense: it could be the one that protects.
 */
export async function readKnownHosts(
  path: string,
  disk: Disk,
): Promise<KnownHosts> {
  return parse(path, await readTextIfAny(disk, path) ?? "");
}

function parse(path: string, text: string): KnownHosts {
  const known = KnownHosts.parse(text);
  const [problem] = known.problems;
  if (problem === undefined) return known;
  throw new IdentityError(
    "known-hosts",
    `line ${problem.line} of ${
      JSON.stringify(path)
    } makes no sense: ${problem.reason}; correct or remove it`,
  );
}

/**
 * Adds a server. What is there stays as it is, also what others add at the same
 * moment; a server that is known already is not added again.
 *
 * @param path The file's absolute path.
 * @param server `host:port`, IPv6 in brackets, and the fingerprint.
 * @param given What files are written with. @default {those of the machine}
 * @returns The fingerprint that is known now: another one, if another client
 * was faster and has seen another server.
 * @throws {IdentityError} `file` or `known-hosts`.
 */
export async function addKnownHost(
  path: string,
  server: {
    readonly host: string;
    readonly fingerprint: Uint8Array<ArrayBuffer>;
  },
  given: Partial<FileParts> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const parts = wholeParts(given);
  const { disk } = parts;
  try {
    await makePrivateFolder(disk, folderOf(path));
    using _lock = await takeLock(`${path}.lock`, parts);
    const text = await readTextIfAny(disk, path) ?? HEAD;
    const found = parse(path, text).find(server.host);
    if (found !== undefined) return found.fingerprint;
    const whole = text === "" || text.endsWith("\n") ? text : `${text}\n`;
    const line = `${server.host.toLowerCase()} ${
      formatFingerprint(server.fingerprint)
    }\n`;
    await writeWholeFile(parts, path, whole + line);
    return server.fingerprint;
  } catch (error) {
    throw fileError(path, error);
  }
}
