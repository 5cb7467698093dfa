/**
 * Which identity a server shows, by its options.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import {
  IdentityError,
  identityFromFiles,
  identityFromFolder,
  type KeptIdentity,
} from "../identity/mod.ts";
import type { Server } from "../server/mod.ts";
import type { Environment } from "./environment.ts";
import { jsonLine } from "./escape.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { userFolder } from "./folders.ts";
import { usage } from "./messages.ts";
import { CERT, KEY, LOG_FORMAT, STATE } from "./server_commands.ts";
import type { ServerSettings } from "./server_settings.ts";
import { identity as text } from "./trust_messages.ts";
import { UsageError } from "./usage_error.ts";

const log = getLogger(["ferry", "cli"]);

/** Where the identity comes from. */
export interface IdentityPlan {
  /** Reads it, or makes it. */
  readonly find: () => Promise<KeptIdentity>;
  /** Whether it is read and never made, so that looking changes nothing. */
  readonly isReadOnly: boolean;
}

/**
 * Where the identity of a server comes from.
 *
 * @param settings What the server was told.
 * @param environment The world around.
 * @throws {UsageError} for a certificate without its key, or the reverse.
 */
export function identityPlan(
  settings: ServerSettings,
  environment: Environment,
): IdentityPlan {
  const { disk, clock } = environment;
  const [certificate, key] = [settings.value(CERT), settings.value(KEY)];
  if (certificate !== undefined && key !== undefined) {
    const paths = { certificate, key };
    return {
      isReadOnly: true,
      find: async () => ({
        identity: await identityFromFiles(paths, { disk, clock }),
        file: certificate,
      }),
    };
  }
  if (certificate !== key) throw new UsageError(usage.certNeedsKey());
  const folder = settings.value(STATE) ?? userFolder("state", environment);
  let unkept: KeptIdentity | undefined;
  return {
    isReadOnly: false,
    async find(): Promise<KeptIdentity> {
      // One that is not kept is at least the same until the end.
      if (unkept !== undefined) return unkept;
      const found = await identityFromFolder(folder, { disk, clock });
      if (found.file === undefined) unkept = found;
      return found;
    },
  };
}

/**
 * Tells who the server is.
 *
 * @param server The server.
 * @param plan Where its identity comes from.
 * @param environment The world around.
 */
export async function tellIdentity(
  server: Server,
  plan: IdentityPlan,
  environment: Environment,
): Promise<void> {
  if (server.identity === undefined) return;
  log.info(text.atStart(server.identity));
  if ((await plan.find()).file === undefined) log.warn(text.forThisRun);
  warnOfEnd(server, environment);
}

/** Time before its end at which a certificate is spoken of: 14 days, half of what renewers leave. */
const WARNING_TIME = 1_209_600_000;

/** Warns of a certificate that is about to end. */
export function warnOfEnd(
  { identity }: Server,
  { clock }: Pick<Environment, "clock">,
): void {
  if (identity === undefined) return;
  const { expires } = identity;
  if (expires - clock.now() < WARNING_TIME) log.warn(text.expires(expires));
}

/**
 * `ferryd identity`.
 *
 * @param settings What the server was told.
 * @param environment The world around.
 */
export async function showIdentity(
  settings: ServerSettings,
  environment: Environment,
): Promise<ExitCode> {
  const { identity, file } = await identityPlan(settings, environment).find();
  if (file === undefined) {
    throw new IdentityError("file", text.notKept);
  }
  const { fingerprintText: fingerprint, shortForm, expires } = identity;
  await environment.stdout.write(
    settings.value(LOG_FORMAT) === "json"
      ? jsonLine({ event: "identity", fingerprint, shortForm, file, expires })
      : text.shown({ fingerprint, shortForm, file }),
  );
  return EXIT.done;
}
