/**
 * From a command line to how the client connects.
 *
 * @module
 */

import type { ConnectOptions } from "../client/mod.ts";
import type { ServerAddress } from "../server/mod.ts";
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

/**
 * The folder of what another run needs to continue an upload; `undefined` where
 * the environment does not tell, or this program may not write there.
 */
export async function uploadsFolder(
  environment: Environment,
): Promise<string | undefined> {
  const folder = userFolder("uploads", environment);
  if (folder === undefined) return undefined;
  const { read, write } = await environment.disk.access(folder);
  return read && write ? folder : undefined;
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
  const isKept = line.command?.options.includes(NO_RESUME) === true;
  const stateFolder = isKept ? await uploadsFolder(environment) : undefined;
  return {
    ...address,
    ...timeout === undefined ? {} : { timeout },
    ...retries === undefined
      ? {}
      : { retries: retries === "forever" ? Infinity : retries },
    ...rateMax === undefined ? {} : { rateMax },
    ...isActive ? { active: { port: port ?? 0 } } : {},
    ...stateFolder === undefined ? {} : { stateFolder },
  };
}
