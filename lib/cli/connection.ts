/**
 * From a command line to how the client connects.
 *
 * @module
 */

import type { ConnectOptions } from "../client/mod.ts";
import type { ServerAddress } from "../server/mod.ts";
import { SHELL } from "./client_commands.ts";
import {
  ACTIVE,
  ACTIVE_PORT,
  LIMIT_RATE,
  NO_RESUME,
  RETRIES,
  TIMEOUT,
} from "./client_options.ts";
import type { CommandLine } from "./command_line.ts";
import type { Environment } from "./environment.ts";
import { userFolder } from "./folders.ts";
import { joinLocal } from "./names.ts";
import type { AnyOption } from "./option.ts";

/** What is about the connection itself: a command of a shell that says one of these gets its own. */
export const CONNECTION_OPTIONS: readonly AnyOption[] = [
  TIMEOUT,
  RETRIES,
  LIMIT_RATE,
  ACTIVE,
  ACTIVE_PORT,
];

/**
 * The folder where this user's state is kept; `undefined` where the environment
 * does not tell, or this program may not write there.
 */
export async function stateFolder(
  environment: Environment,
): Promise<string | undefined> {
  const folder = userFolder("client", environment);
  if (folder === undefined) return undefined;
  const { read, write } = await environment.disk.access(folder);
  return read && write ? folder : undefined;
}

/** The folder of what another run needs to continue an upload, if there can be one. */
export async function uploadsFolder(
  environment: Environment,
): Promise<string | undefined> {
  const folder = await stateFolder(environment);
  if (folder === undefined) return undefined;
  return environment.platform.isWindows
    ? `${folder}\\uploads`
    : joinLocal(folder, "uploads");
}

/**
 * How a command line wants to connect.
 *
 * @param line The command line.
 * @param address Where to.
 * @param environment The world around.
 */
export async function connectOptions(
  line: CommandLine,
  address: ServerAddress,
  environment: Environment,
): Promise<ConnectOptions> {
  const timeout = line.value(TIMEOUT);
  const retries = line.value(RETRIES);
  const rateMax = line.value(LIMIT_RATE);
  const port = line.value(ACTIVE_PORT);
  const isActive = line.value(ACTIVE) || port !== undefined;
  const isKept = line.command === SHELL ||
    line.command?.options.includes(NO_RESUME) === true;
  const uploads = isKept ? await uploadsFolder(environment) : undefined;
  return {
    ...address,
    ...timeout === undefined ? {} : { timeout },
    ...retries === undefined
      ? {}
      : { retries: retries === "forever" ? Infinity : retries },
    ...rateMax === undefined ? {} : { rateMax },
    ...isActive ? { active: { port: port ?? 0 } } : {},
    ...uploads === undefined ? {} : { stateFolder: uploads },
  };
}
