/**
 * `ferry --protocol NAME`: what a command line may ask of a classic protocol,
 * and how the client connects.
 *
 * @module
 */

import type { ClassicFacts, ClassicOperation } from "../classic/plain.ts";
import type { Client } from "../client/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import { classic as text } from "./classic_messages.ts";
import {
  DATA_PORT,
  DEBUG,
  DURABILITY,
  JSON_OUTPUT,
  KEEP_GOING,
  LOCAL_OUTPUT,
  ON_CONFLICT,
  PROGRESS,
  PROTOCOL,
  QUIET,
  REMOTE_OUTPUT,
  SCRIPT,
  TIMEOUT,
} from "./client_options.ts";
import type { CommandSpec, ProgramSpec } from "./command.ts";
import type { CommandLine } from "./command_line.ts";
import type { Environment } from "./environment.ts";
import { readLogIn } from "./log_in.ts";
import { PASSWORD_FILE, USER } from "./log_in_options.ts";
import type { AnyOption } from "./option.ts";
import {
  CHANGE_LOCAL_FOLDER,
  LEAVE,
  SHOW_LOCAL_FOLDER,
} from "./shell/shell_commands.ts";
import { UsageError } from "./usage_error.ts";

/** The operation behind each command. */
const OPERATIONS: Readonly<Record<string, ClassicOperation>> = {
  ls: "list",
  get: "get",
  put: "put",
  mv: "rename",
};

/** The command for a prompt; each protocol has it. */
const SHELL_NAME = "shell";

/** Options that mean the same whatever is spoken. */
const GENERAL: readonly AnyOption[] = [
  PROTOCOL,
  JSON_OUTPUT,
  QUIET,
  DEBUG,
  TIMEOUT,
  PROGRESS,
  LOCAL_OUTPUT,
  REMOTE_OUTPUT,
  SCRIPT,
  KEEP_GOING,
];

/** The commands of a prompt that need no server. */
const LOCAL_COMMANDS: readonly CommandSpec[] = [
  CHANGE_LOCAL_FOLDER,
  SHOW_LOCAL_FOLDER,
  LEAVE,
];

/** The commands that a protocol has. */
function commandsOf({ operations }: ClassicFacts): readonly string[] {
  return Object.entries(OPERATIONS)
    .filter(([, operation]) => operations.includes(operation))
    .map(([name]) => name);
}

/** The options that have a meaning for a command of a protocol. */
function optionsOf(
  { hasDataPort, hasLogin }: ClassicFacts,
  command: string,
): readonly AnyOption[] {
  return [
    ...GENERAL,
    ...hasDataPort ? [DATA_PORT] : [],
    ...hasLogin ? [USER, PASSWORD_FILE] : [],
    // What becomes of a taken name on the server, the server decides alone.
    ...command === "get" || command === SHELL_NAME
      ? [ON_CONFLICT, DURABILITY]
      : [],
  ];
}

/**
 * Refuses what a protocol does not have.
 *
 * @param line The command line.
 * @param protocol The protocol; `undefined`: Ferry's own.
 * @throws {UsageError}
 */
export function checkClassic(
  line: CommandLine,
  protocol: ClassicFacts | undefined,
): void {
  if (protocol === undefined) {
    if (line.given([DATA_PORT]).length === 0) return;
    throw new UsageError(text.needsClassic("--data-port"));
  }
  const { name } = protocol;
  const command = line.command?.name ?? "";
  const commands = commandsOf(protocol);
  if (!commands.includes(command) && command !== SHELL_NAME) {
    throw new UsageError(text.noCommand(name, command, commands));
  }
  const allowed = optionsOf(protocol, command);
  const options = line.command?.options ?? [];
  const [other] = line.given(
    options.filter((option) => !allowed.includes(option)),
  );
  if (other === undefined) return;
  throw new UsageError(text.noOption(name, `--${other[0].name}`));
}

/** The commands of a prompt, less those that a protocol does not have. */
export function classicShell(
  program: ProgramSpec,
  protocol: ClassicFacts,
): ProgramSpec {
  const own = commandsOf(protocol);
  const narrowed = (command: CommandSpec): readonly CommandSpec[] => {
    // The shell knows these by what they are, not by their names.
    if (LOCAL_COMMANDS.includes(command)) return [command];
    if (!own.includes(command.name)) return [];
    const allowed = optionsOf(protocol, command.name);
    const options = command.options.filter((option) =>
      allowed.includes(option)
    );
    return [{ ...command, options }];
  };
  return { ...program, commands: program.commands.flatMap(narrowed) };
}

/** What {@linkcode connectClassic} connects with. */
export interface ClassicConnecting {
  /** The protocol. */
  readonly protocol: ClassicFacts;
  /** Where to. */
  readonly address: NetworkAddress;
  /** The user that HOST names. */
  readonly user: string | undefined;
  /** The world around. */
  readonly environment: Environment;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/**
 * Connects by a classic protocol.
 *
 * @throws {FerryError} When nobody answers, or the log-in is refused.
 * @throws {UsageError} When the options make no sense.
 */
export async function connectClassic(
  line: CommandLine,
  { protocol, address, user: named, environment, signal }: ClassicConnecting,
): Promise<Client> {
  const { hostname, port } = address;
  const logIn = protocol.hasLogin
    ? await readLogIn(line, {
      user: named,
      host: hostname,
      environment,
      signal,
    })
    : {};
  const user = "user" in logIn ? logIn.user : undefined;
  const password = "password" in logIn ? logIn.password : undefined;
  const client = await environment.connectClassic(protocol, {
    hostname,
    port,
    dataPort: line.value(DATA_PORT),
    user,
    password,
    timeout: line.value(TIMEOUT),
    signal,
  });
  const { asClient } = await import("../classic/mod.ts");
  return asClient(client, { name: protocol.name, hostname, port, user });
}
