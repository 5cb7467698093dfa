/**
 * From a command line to whom the client trusts.
 *
 * @module
 */

import type { TlsOptions, UnknownServer } from "../client/mod.ts";
import { FerryError } from "../client/mod.ts";
import {
  addKnownHost,
  certificatesFromFile,
  formatFingerprint,
  IdentityError,
  parseFingerprint,
  readKnownHosts,
} from "../identity/mod.ts";
import type { ServerAddress } from "../server/mod.ts";
import { formatAddress } from "../transport/mod.ts";
import { isConfirmed } from "./ask.ts";
import {
  ACCEPT_NEW,
  ACTIVE,
  ACTIVE_PORT,
  CA,
  FINGERPRINT,
  JSON_OUTPUT,
} from "./client_options.ts";
import type { CommandLine } from "./command_line.ts";
import type { Environment } from "./environment.ts";
import { userFolder } from "./folders.ts";
import { usage } from "./messages.ts";
import { joinLocal } from "./names.ts";
import type { Reporter } from "./reporter.ts";
import { trust as text, trustHints } from "./trust_messages.ts";
import { UsageError } from "./usage_error.ts";

/** Whom a client trusts, and what to say when that is not who answers. */
export interface Trust {
  /** For the library. */
  readonly tls: TlsOptions;
  /** What to do about a server that is not trusted. */
  hint(): string | undefined;
}

/** What trust is decided with. */
export interface TrustParts {
  /** Who is told. */
  readonly reporter: Reporter;
  /** The world around. */
  readonly environment: Environment;
  /** Aborted when somebody asks the program to end. */
  readonly signal: AbortSignal;
}

/**
 * Refuses options that the scheme of the server does not have.
 *
 * @param line The command line.
 * @param address Where the server is.
 * @throws {UsageError} for options of TLS without it, and the reverse.
 */
export function checkScheme(line: CommandLine, address: ServerAddress): void {
  const host = line.operands[0] ?? "";
  if (address.scheme === "tls") {
    const isActive = line.value(ACTIVE) ||
      line.value(ACTIVE_PORT) !== undefined;
    if (isActive) throw new UsageError(usage.activeNeedsPlain(host));
    return;
  }
  const [given] = line.given([CA, FINGERPRINT, ACCEPT_NEW]);
  if (given === undefined) return;
  throw new UsageError(usage.needsTls(`--${given[0].name}`, host));
}

/**
 * Whom a command line trusts.
 *
 * @param line The command line.
 * @param address Where the server is.
 * @param parts What it is decided with.
 * @throws {UsageError} for a file that cannot be used.
 * @throws {FerryError} `untrusted` where the list of known servers cannot be relied on.
 */
export async function findTrust(
  line: CommandLine,
  address: ServerAddress,
  parts: TrustParts,
): Promise<Trust> {
  const { environment } = parts;
  const fingerprint = line.value(FINGERPRINT);
  if (fingerprint !== undefined) {
    return { tls: { fingerprint }, hint: () => undefined };
  }
  const file = line.value(CA);
  if (file !== undefined) {
    const ca = await readAuthorities(file, environment);
    return { tls: { ca }, hint: () => trustHints.authority };
  }
  const path = knownHostsFile(environment);
  const known = path === undefined
    ? undefined
    : (await readKnown(path, environment)).find(formatAddress(address));
  if (path === undefined || known === undefined) {
    return askFirst(line, path, parts);
  }
  return {
    tls: { fingerprint: formatFingerprint(known.fingerprint) },
    hint: () => trustHints.changed(path, known.line),
  };
}

function knownHostsFile(environment: Environment): string | undefined {
  const folder = userFolder("config", environment);
  return folder === undefined ? undefined : joinLocal(folder, "known_hosts");
}

async function readAuthorities(
  file: string,
  { disk }: Environment,
): Promise<string> {
  try {
    return await certificatesFromFile(file, { disk });
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    throw new UsageError(usage.badFile("--ca", error.message));
  }
}

/** The list of known servers; if it cannot be relied on, nobody is asked to overrule it. */
async function readKnown(
  path: string,
  { disk }: Environment,
): ReturnType<typeof readKnownHosts> {
  try {
    return await readKnownHosts(path, disk);
  } catch (error) {
    throw untrusted(error);
  }
}

function untrusted(error: unknown): unknown {
  if (!(error instanceof IdentityError)) return error;
  const options = { side: "local", cause: error } as const;
  return new FerryError("untrusted", error.message, options);
}

/** Trust on first use: who is there is asked, or has said so beforehand. */
function askFirst(
  line: CommandLine,
  path: string | undefined,
  { reporter, environment, signal }: TrustParts,
): Trust {
  let hint: string = trustHints.unknown;
  const isAccepting = line.value(ACCEPT_NEW);
  const canAsk = environment.canAsk && !line.value(JSON_OUTPUT);
  async function isWanted(server: UnknownServer): Promise<boolean> {
    if (isAccepting) return true;
    if (!canAsk) return false;
    const isYes = await isConfirmed(environment, text.question(server), signal);
    if (!isYes) hint = trustHints.declined;
    return isYes;
  }
  return {
    tls: {
      async trust(server): Promise<boolean> {
        if (!await isWanted(server)) return false;
        const kept = await keep(server, path, environment);
        if (kept.isOther) hint = trustHints.other;
        else await reporter.remark(kept.remark);
        return !kept.isOther;
      },
    },
    hint: () => hint,
  };
}

/** Writes down whom to trust; where that fails, it holds for this time. */
async function keep(
  server: UnknownServer,
  path: string | undefined,
  { disk, clock }: Environment,
): Promise<{ readonly remark: string; readonly isOther: boolean }> {
  const fingerprint = parseFingerprint(server.fingerprint);
  if (path === undefined || fingerprint === undefined) {
    return { remark: text.notKept(text.noFolder), isOther: false };
  }
  try {
    const known = await addKnownHost(path, {
      host: formatAddress(server),
      fingerprint,
    }, { disk, clock });
    const isOther = formatFingerprint(known) !== server.fingerprint;
    return { remark: text.kept(server), isOther };
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    return { remark: text.notKept(error.message), isOther: false };
  }
}
