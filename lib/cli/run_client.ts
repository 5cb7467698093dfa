/**
 * The work of `ferry`: what its commands do. What only some of them need is loaded
 * by those.
 *
 * @module
 */

import type { Client, ConnectOptions } from "../client/mod.ts";
import { FerryError } from "../client/plain.ts";
import type { ServerAddress } from "../server/mod.ts";
import { formatAddress } from "../transport/plain.ts";
import { CLEAN, KEYGEN, SHELL } from "./client_commands.ts";
import {
  checkClassic,
  classicShell,
  connectClassic,
} from "./classic_client.ts";
import { DEBUG, PROTOCOL } from "./client_options.ts";
import type { CommandLine } from "./command_line.ts";
import { PLANNERS } from "./commands/mod.ts";
import { connectOptions } from "./connection.ts";
import type { Environment } from "./environment.ts";
import { type ExitCode, exitCodeOf } from "./exit_codes.ts";
import { describeFailure } from "./failure.ts";
import { readClassicHost, readHost } from "./host.ts";
import { interruptible } from "./interruption.ts";
import { readLogIn, splitUser } from "./log_in.ts";
import type { Reporter } from "./reporter.ts";
import { rethrowEnd, Session, type Work } from "./session.ts";
import { checkScheme, findTrust, type Trust } from "./trust.ts";

/** What a command is done with. */
interface Tools {
  /** Who is told. */
  readonly reporter: Reporter;
  /** The world around. */
  readonly environment: Environment;
}

/**
 * Does what a command line asks for.
 *
 * @param line The command line.
 * @param tools What it is done with.
 * @throws {UsageError} if it makes no sense.
 */
export async function runCommand(
  line: CommandLine,
  { reporter, environment }: Tools,
): Promise<ExitCode> {
  if (line.command === CLEAN) {
    const { runClean } = await import("./commands/clean.ts");
    return await interruptible(
      { reporter, environment },
      (signal) => runClean(line, { reporter, environment, signal }),
    );
  }
  if (line.command === KEYGEN) {
    const { runKeygen } = await import("./commands/keygen.ts");
    return await runKeygen(line, { reporter, environment });
  }
  const { host, user } = splitUser(line.operands[0] ?? "");
  const protocol = line.value(PROTOCOL);
  checkClassic(line, protocol);
  const address = protocol === undefined
    ? readHost(host)
    : readClassicHost(host, protocol);
  checkScheme(line, address);
  const isShell = line.command === SHELL;
  const work = await PLANNERS[line.command?.name ?? ""]?.(line, environment);
  if (work === undefined && !isShell) {
    throw new TypeError("The command has no planner");
  }
  await using _logging = line.value(DEBUG)
    ? await logEverything(environment)
    : undefined;
  if (work === undefined) {
    const { runShell } = await import("./shell/shell.ts");
    const { SHELL_PROGRAM } = await import("./shell/shell_commands.ts");
    return await runShell(line, {
      environment,
      program: protocol === undefined
        ? SHELL_PROGRAM
        : classicShell(SHELL_PROGRAM, protocol),
      connect: (inner, reporter, hooks) =>
        connect(inner, {
          address,
          user,
          remote: line,
          reporter,
          environment,
          ...hooks,
        }),
    });
  }
  return await runWork(line, { address, user, work, reporter, environment });
}

async function logEverything(
  environment: Environment,
): Promise<AsyncDisposable> {
  const { startLogging } = await import("./logging.ts");
  return await startLogging(environment, { level: "debug", format: "text" });
}

interface Job {
  readonly address: ServerAddress;
  /** The user that HOST names. */
  readonly user: string | undefined;
  readonly work: Work;
  readonly reporter: Reporter;
  readonly environment: Environment;
}

/** Connects, works, and says goodbye; an interruption ends all three. */
function runWork(line: CommandLine, job: Job): Promise<ExitCode> {
  const { reporter, environment, work } = job;
  return interruptible(job, async (signal) => {
    const client = await connect(line, {
      ...job,
      signal,
      onReconnect: (event) => reporter.reconnect(event),
    });
    if (typeof client === "number") return client;
    try {
      return await work(new Session({ client, reporter, environment, signal }));
    } finally {
      await client.close();
    }
  });
}

/** Where to connect, what ends that, and who is told. */
export interface Connecting
  extends
    Pick<Job, "address" | "user" | "reporter" | "environment">,
    Pick<ConnectOptions, "onReconnect" | "onConnection"> {
  /** What says who logs in and whom to trust, if that is another line. */
  readonly remote?: CommandLine;
  readonly signal: AbortSignal;
}

/**
 * Connects as a command line says.
 *
 * @returns The connection, or the exit code that its failure means: it was told.
 */
export async function connect(
  line: CommandLine,
  { address, user, remote = line, reporter, environment, ...hooks }: Connecting,
): Promise<Client | ExitCode> {
  const { signal, onReconnect, onConnection } = hooks;
  const host = formatAddress(address);
  let trust: Trust | undefined;
  try {
    const protocol = remote.value(PROTOCOL);
    if (protocol !== undefined) {
      const parts = { protocol, address, user, environment, signal };
      return await connectClassic(remote, parts);
    }
    if (address.scheme === "tls") {
      trust = await findTrust(remote, address, {
        reporter,
        environment,
        signal,
      });
    }
    const options: ConnectOptions = {
      ...await connectOptions(line, address, environment),
      ...await readLogIn(remote, { user, host, environment, signal }),
      ...trust === undefined ? {} : { tls: trust.tls },
      signal,
      ...onReconnect === undefined ? {} : { onReconnect },
      ...onConnection === undefined ? {} : { onConnection },
    };
    return await environment.connect(options);
  } catch (error) {
    rethrowEnd(error, signal);
    if (!(error instanceof FerryError)) throw error;
    const untrusted = trust?.hint();
    const attempt = { doing: "connect", server: address, untrusted };
    await reporter.failure(describeFailure(error, attempt), error);
    return exitCodeOf(error, "connecting");
  }
}
