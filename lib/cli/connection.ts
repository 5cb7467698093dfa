/**
 * From a command line to how the client connects.
 *
 * @module
 */

import type { ConnectOptions } from "../client/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
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
import { joinLocal } from "./names.ts";

/**
 * The folder of what another run needs to continue an upload; `undefined` where
 * the environment does not tell, or this program may not write there.
 */
export async function uploadsFolder(
  environment: Environment,
): Promise<string | undefined> {
  const folder = namedFolder(environment);
  if (folder === undefined) return undefined;
  const { read, write } = await environment.disk.access(folder);
  return read && write ? folder : undefined;
}

function namedFolder(
  { platform, variable }: Environment,
): string | undefined {
  if (platform.isWindows) {
    const base = variable("LOCALAPPDATA") ?? "";
    return base === "" ? undefined : `${base}\\ferry\\uploads`;
  }
  // The XDG rules: a path that is not absolute is to be ignored.
  const state = variable("XDG_STATE_HOME") ?? "";
  if (state.startsWith("/")) return joinLocal(state, "ferry/uploads");
  const home = variable("HOME") ?? "";
  return home.startsWith("/")
    ? joinLocal(home, ".local/state/ferry/uploads")
    : undefined;
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
  address: NetworkAddress,
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
