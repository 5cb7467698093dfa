/**
 * `ferry`, from its arguments to its exit code.
 *
 * @module
 */

import { type Client, type ConnectOptions, FerryError } from "../client/mod.ts";
import type { ServerAddress } from "../server/mod.ts";
import { formatAddress } from "../transport/mod.ts";
import { CLEAN, CLIENT_PROGRAM, KEYGEN, SHELL } from "./client_commands.ts";
import {
  checkClassic,
  classicShell,
  connectClassic,
} from "./classic_client.ts";
import { DEBUG, PROTOCOL } from "./client_options.ts";
import { type CommandLine, readCommandLine } from "./command_line.ts";
import { runClean } from "./commands/clean.ts";
import { runKeygen } from "./commands/keygen.ts";
import { PLANNERS } from "./commands/mod.ts";
import { connectOptions } from "./connection.ts";
import {
  type Environment,
  OutputClosedError,
  OutputError,
} from "./environment.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";
import { describeFailure } from "./failure.ts";
import { commandHelp, programHelp } from "./help.ts";
import { readClassicHost, readHost } from "./host.ts";
import { interruptible } from "./interruption.ts";
import { readLogIn, splitUser } from "./log_in.ts";
import { startLogging } from "./logging.ts";
import { problems } from "./messages.ts";
import type { Reporter } from "./reporter.ts";
import {
  makeReporter,
  rejectContradictions,
  reporterSettings,
} from "./reporters.ts";
import { rethrowEnd, Session, type Work } from "./session.ts";
import { runShell } from "./shell/shell.ts";
import { SHELL_PROGRAM } from "./shell/shell_commands.ts";
import { stackOf } from "./stack.ts";
import { checkScheme, findTrust, type Trust } from "./trust.ts";
import { UsageError } from "./usage_error.ts";
import { versionText } from "./version_text.ts";

const PROGRAM = CLIENT_PROGRAM.name;
/** What stands before errors. */
const PREFIX = `${PROGRAM}: `;

/**
 * Runs one command of the client.
 *
 * @param args The words after the program's name.
 * @param environment The world around.
 * @returns The exit code.
 */
export async function runClient(
  args: readonly string[],
  environment: Environment,
): Promise<number> {
  let mistake: { readonly error: unknown } | undefined;
  const stopListening = environment.onUnhandledRejection((error) =>
    mistake ??= { error }
  );
  let code: ExitCode = EXIT.failed;
  try {
    code = await run(args, environment);
  } catch (error) {
    // Who closed our output has seen what they wanted to see.
    if (error instanceof OutputClosedError) return EXIT.done;
    const broken = OutputError.in(error);
    if (broken !== undefined) {
      const line = `${PROGRAM}: ${problems.output(broken)}\n`;
      await environment.stderr.write(line).catch(() => {});
      return EXIT.failed;
    }
    mistake ??= { error };
  } finally {
    stopListening();
  }
  if (mistake === undefined) return code;
  await confess(mistake.error, args, environment);
  return code === EXIT.done ? EXIT.failed : code;
}

/** Tells of a mistake of ours. */
async function confess(
  error: unknown,
  args: readonly string[],
  environment: Environment,
): Promise<void> {
  const isDebugging = args.includes("--debug") || args.includes("-d");
  const stack = isDebugging ? stackOf(error) : "";
  const message = `${PROGRAM}: ${problems.internal(error)}\n${stack}`;
  await environment.stderr.write(message).catch(() => {});
}

async function run(
  args: readonly string[],
  environment: Environment,
): Promise<ExitCode> {
  let line: CommandLine;
  try {
    line = readCommandLine(CLIENT_PROGRAM, args);
  } catch (error) {
    const isJson = args.includes("--json");
    return await refuse(error, makeReporter(environment, { isJson }, PREFIX));
  }
  if (line.action !== "run" || line.command === undefined) {
    await environment.stdout.write(textFor(line, environment));
    return EXIT.done;
  }
  const isDebugging = line.value(DEBUG);
  const reporter = makeReporter(environment, reporterSettings(line), PREFIX);
  try {
    rejectContradictions(line);
    if (line.command === CLEAN) {
      return await interruptible(
        { reporter, environment },
        (signal) => runClean(line, { reporter, environment, signal }),
      );
    }
    if (line.command === KEYGEN) {
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
    const work = await PLANNERS[line.command.name]?.(line, environment);
    if (work === undefined && !isShell) {
      throw new TypeError("The command has no planner");
    }
    await using _logging = isDebugging
      ? await startLogging(environment, { level: "debug", format: "text" })
      : undefined;
    if (work === undefined) {
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
  } catch (error) {
    return await refuse(error, reporter);
  }
}

function textFor(line: CommandLine, environment: Environment): string {
  if (line.action === "version") {
    return versionText(PROGRAM, environment);
  }
  return line.command === undefined
    ? programHelp(CLIENT_PROGRAM)
    : commandHelp(CLIENT_PROGRAM, line.command);
}

async function refuse(
  error: unknown,
  reporter: Reporter,
): Promise<ExitCode> {
  if (!(error instanceof UsageError)) throw error;
  const server = { hostname: "", port: 0 };
  const failure = describeFailure(error, { doing: "", server });
  await reporter.failure(failure, error);
  return EXIT.usage;
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
interface Connecting
  extends
    Pick<Job, "address" | "user" | "reporter" | "environment">,
    Pick<ConnectOptions, "onReconnect" | "onConnection"> {
  /** What says who logs in and whom to trust, if that is another line. */
  readonly remote?: CommandLine;
  readonly signal: AbortSignal;
}

/** The connection, or the exit code that its failure means. */
async function connect(
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
