/**
 * What `ferryd` was told, by its command line and its configuration file
 * together. What the command line says wins.
 *
 * @module
 */

import type { ServerLimits } from "../server/mod.ts";
import { StorageError } from "../storage/mod.ts";
import type { CommandLine } from "./command_line.ts";
import { type Config, CONFIG_SIZE_MAX, readConfig } from "./config_file.ts";
import { config as text } from "./config_messages.ts";
import type { Environment } from "./environment.ts";
import { readLocalText } from "./local_text.ts";
import type { Option } from "./option.ts";
import { CONFIG, SETTINGS } from "./server_commands.ts";
import { UsageError } from "./usage_error.ts";

/** What a server is to do. */
export interface ServerSettings {
  /** The folder to serve. */
  readonly root: string;
  /** Limits that have no option of their own. */
  readonly limits: Partial<ServerLimits>;
  /** The value of an option, wherever it was said, or its fallback. */
  value<T>(option: Option<T>): T;
}

const NOTHING: Config = { values: new Map(), root: undefined, limits: {} };

/**
 * Reads the configuration file that a command line names, if it names one.
 *
 * @param line The command line.
 * @param environment The world around.
 * @throws {UsageError} when the file cannot be read or makes no sense.
 */
export async function readSettings(
  line: CommandLine,
  environment: Environment,
): Promise<ServerSettings> {
  const file = line.value(CONFIG);
  const { limits, root, values } = file === undefined
    ? NOTHING
    : readConfig(await readFile(file, environment), file, SETTINGS);
  return {
    root: line.operands[0] ?? root ?? ".",
    limits,
    value<T>(option: Option<T>): T {
      const isGiven = line.given([option]).length > 0 || !values.has(option);
      return isGiven ? line.value(option) : values.get(option) as T;
    },
  };
}

async function readFile(
  file: string,
  { disk }: Environment,
): Promise<string> {
  try {
    return await readLocalText(disk, file, CONFIG_SIZE_MAX);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new UsageError(text.unreadable(file, error.message));
  }
}
