/**
 * `ferry`, from its arguments to its exit code.
 *
 * @module
 */

import { type Client, type ConnectOptions, FerryError } from "../client/mod.ts";
import type { ServerAddress } from "../server/mod.ts";
import { formatAddress } from "../transport/mod.ts";
import { CLEAN, CLIENT_PROGRAM, KEYGEN } from "./client_commands.ts";
import {
  DEBUG,
  JSON_OUTPUT,
  LOCAL_OUTPUT,
  PROGRESS,
  QUIET,
} from "./client_options.ts";
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
import { readHost } from "./host.ts";
import { JsonReporter } from "./json_reporter.ts";
import { readLogIn, splitUser } from "./log_in.ts";
import { startLogging } from "./logging.ts";
import { problems, usage } from "./messages.ts";
import type { Reporter } from "./reporter.ts";
import { InterruptedError, rethrowEnd, Session, type Work } from "./session.ts";
import { stackOf } from "./stack.ts";
import { TextReporter } from "./text_reporter.ts";
import { checkScheme, findTrust, type Trust } from "./trust.ts";
import { UsageError } from "./usage_error.ts";
import { versionText } from "./version_text.ts";

const PROGRAM = CLIENT_PROGRAM.name;

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
    return await refuse(error, makeReporter(environment, { isJson }));
  }
  if (line.action !== "run" || line.command === undefined) {
    await environment.stdout.write(textFor(line, environment));
    return EXIT.done;
  }
  const isDebugging = line.value(DEBUG);
  const reporter = makeReporter(environment, {
    isJson: line.value(JSON_OUTPUT),
    isQuiet: line.value(QUIET),
    isDebugging,
    // Data have stdout for themselves.
    hasDataOnStdout: line.value(LOCAL_OUTPUT) === "-",
  });
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
    const address = readHost(host);
    checkScheme(line, address);
    const work = await PLANNERS[line.command.name]?.(line, environment);
    if (work === undefined) throw new TypeError("The command has no planner");
    await using _logging = isDebugging
      ? await startLogging(environment, { level: "debug", format: "text" })
      : undefined;
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

interface ReporterSettings {
  readonly isJson: boolean;
  readonly isQuiet?: boolean;
  readonly isDebugging?: boolean;
  readonly hasDataOnStdout?: boolean;
}

function makeReporter(
  environment: Environment,
  settings: ReporterSettings,
): Reporter {
  const { stdout, stderr, clock } = environment;
  const { isQuiet = false, isDebugging = false } = settings;
  return settings.isJson
    ? new JsonReporter({
      events: settings.hasDataOnStdout ? stderr : stdout,
      remarks: stderr,
      clock,
      isDebugging,
    })
    : new TextReporter({
      results: stdout,
      remarks: stderr,
      clock,
      program: PROGRAM,
      isQuiet,
      isDebugging,
    });
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

function rejectContradictions(line: CommandLine): void {
  if (!line.value(QUIET)) return;
  if (line.value(JSON_OUTPUT)) {
    throw new UsageError(usage.contradiction("--quiet", "--json"));
  }
  if (line.value(PROGRESS) === "always") {
    throw new UsageError(usage.contradiction("--quiet", "--progress always"));
  }
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
    const client = await connect(line, job, signal);
    if (typeof client === "number") return client;
    try {
      return await work(new Session({ client, reporter, environment, signal }));
    } finally {
      await client.close();
    }
  });
}

/** Does what can be interrupted, and tells if it was. */
async function interruptible(
  { reporter, environment }: Pick<Job, "reporter" | "environment">,
  work: (signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const interruption = new AbortController();
  const { signal } = interruption;
  const stopListening = environment.onTermination(() => {
    // Who asks twice will not wait for a farewell.
    if (signal.aborted) environment.exit(EXIT.interrupted);
    interruption.abort();
  });
  try {
    return await work(signal);
  } catch (error) {
    const isInterruption = error instanceof InterruptedError ||
      error === signal.reason;
    if (!isInterruption) throw error;
    const message = problems.interrupted;
    const failure = { code: "cancelled", side: "local" as const, message };
    await reporter.failure({ ...failure, path: undefined }, error);
    return EXIT.interrupted;
  } finally {
    stopListening();
  }
}

/** The connection, or the exit code that its failure means. */
async function connect(
  line: CommandLine,
  job: Job,
  signal: AbortSignal,
): Promise<Client | ExitCode> {
  const { address, user, reporter, environment } = job;
  const host = formatAddress(address);
  let trust: Trust | undefined;
  try {
    if (address.scheme === "tls") {
      trust = await findTrust(line, address, { reporter, environment, signal });
    }
    const options: ConnectOptions = {
      ...await connectOptions(line, address, environment),
      ...await readLogIn(line, { user, host, environment, signal }),
      ...trust === undefined ? {} : { tls: trust.tls },
      signal,
      onReconnect: (event) => reporter.reconnect(event),
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
