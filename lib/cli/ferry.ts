/**
 * `ferry`, from its arguments to its exit code. The tables answer what they can;
 * the rest is loaded when there is work to do.
 *
 * @module
 */

import { CLIENT_PROGRAM, COMPLETIONS } from "./client_commands.ts";
import { type CommandLine, readCommandLine } from "./command_line.ts";
import { answerCompletion, isCompletion } from "./complete_words.ts";
import { scriptFor } from "./completion_scripts.ts";
import { type Caller, OutputClosedError, OutputError } from "./environment.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { describeFailure } from "./failure.ts";
import { commandHelp, programHelp } from "./help.ts";
import { problems } from "./messages.ts";
import {
  makeReporter,
  rejectContradictions,
  reporterSettings,
} from "./reporters.ts";
import { localNames } from "./shell/listing.ts";
import { stackOf } from "./stack.ts";
import { UsageError } from "./usage_error.ts";
import { versionText } from "./version_text.ts";

const PROGRAM = CLIENT_PROGRAM.name;
/** What stands before errors. */
const PREFIX = `${PROGRAM}: `;

/**
 * Runs one command of the client.
 *
 * @param args The words after the program's name.
 * @param caller Who called.
 * @returns The exit code.
 */
export async function runClient(
  args: readonly string[],
  caller: Caller,
): Promise<number> {
  let mistake: { readonly error: unknown } | undefined;
  const stopListening = caller.onUnhandledRejection((error) =>
    mistake ??= { error }
  );
  let code: ExitCode = EXIT.failed;
  try {
    code = await run(args, caller);
  } catch (error) {
    // Who closed our output has seen what they wanted to see.
    if (error instanceof OutputClosedError) return EXIT.done;
    const broken = OutputError.in(error);
    if (broken !== undefined) {
      const line = `${PROGRAM}: ${problems.output(broken)}\n`;
      await caller.stderr.write(line).catch(() => {});
      return EXIT.failed;
    }
    mistake ??= { error };
  } finally {
    stopListening();
  }
  if (mistake === undefined) return code;
  await confess(mistake.error, args, caller);
  return code === EXIT.done ? EXIT.failed : code;
}

/** Tells of a mistake of ours. */
async function confess(
  error: unknown,
  args: readonly string[],
  { stderr }: Caller,
): Promise<void> {
  const isDebugging = args.includes("--debug") || args.includes("-d");
  const stack = isDebugging ? stackOf(error) : "";
  const message = `${PROGRAM}: ${problems.internal(error)}\n${stack}`;
  await stderr.write(message).catch(() => {});
}

async function run(
  args: readonly string[],
  caller: Caller,
): Promise<ExitCode> {
  if (isCompletion(args)) {
    await answerCompletion(CLIENT_PROGRAM, args, {
      caller,
      namesFor: (words) => async (side, folder, isHome) => {
        const environment = await caller.load();
        if (side === "local") {
          return await localNames(folder, isHome, environment);
        }
        const { remoteNames } = await import("./completion_names.ts");
        return await remoteNames(folder, words, environment);
      },
    });
    return EXIT.done;
  }
  const isJson = args.includes("--json");
  let reporter = makeReporter(caller, { isJson }, PREFIX);
  try {
    const line = readCommandLine(CLIENT_PROGRAM, args);
    if (line.action !== "run") {
      await caller.stdout.write(textFor(line, caller));
      return EXIT.done;
    }
    if (line.command === COMPLETIONS) {
      await caller.stdout.write(scriptFor(line, PROGRAM));
      return EXIT.done;
    }
    reporter = makeReporter(caller, reporterSettings(line), PREFIX);
    rejectContradictions(line);
    const [environment, { runCommand }] = await Promise.all([
      caller.load(),
      import("./run_client.ts"),
    ]);
    return await runCommand(line, { reporter, environment });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const server = { hostname: "", port: 0 };
    const failure = describeFailure(error, { doing: "", server });
    await reporter.failure(failure, error);
    return EXIT.usage;
  }
}

function textFor({ action, command }: CommandLine, caller: Caller): string {
  if (action === "version") return versionText(PROGRAM, caller);
  return command === undefined
    ? programHelp(CLIENT_PROGRAM)
    : commandHelp(CLIENT_PROGRAM, command);
}
