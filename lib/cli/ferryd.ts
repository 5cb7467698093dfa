/**
 * `ferryd`, from its arguments to its exit code. The tables answer what they can;
 * the rest is loaded when there is work to do.
 *
 * @module
 */

import { type CommandLine, readCommandLine } from "./command_line.ts";
import { answerCompletion, isCompletion } from "./complete_words.ts";
import { scriptFor } from "./completion_scripts.ts";
import { type Caller, OutputClosedError, OutputError } from "./environment.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { commandHelp } from "./help.ts";
import { problems } from "./messages.ts";
import { COMPLETIONS, SERVE, SERVER_PROGRAM } from "./server_commands.ts";
import { ServerFailure } from "./server_failure.ts";
import { localNames } from "./shell/listing.ts";
import { stackOf } from "./stack.ts";
import { UsageError } from "./usage_error.ts";
import { versionText } from "./version_text.ts";

const PROGRAM = SERVER_PROGRAM.name;

/**
 * Runs the server until it is asked to end.
 *
 * @param args The words after the program's name.
 * @param caller Who called.
 * @returns The exit code.
 */
export async function runServer(
  args: readonly string[],
  caller: Caller,
): Promise<number> {
  try {
    if (isCompletion(args)) {
      await answerCompletion(SERVER_PROGRAM, args, {
        caller,
        namesFor: () => async (_side, folder, isHome) =>
          await localNames(folder, isHome, await caller.load()),
      });
      return EXIT.done;
    }
    return await run(readCommandLine(SERVER_PROGRAM, args), caller);
  } catch (error) {
    if (error instanceof OutputClosedError) return EXIT.failed;
    const { message, code } = describe(error);
    const isDebugging = args.includes("--debug") || args.includes("-d");
    await caller.stderr.write(
      `${PROGRAM}: ${message}\n${isDebugging ? stackOf(error) : ""}`,
    ).catch(() => {});
    return code;
  }
}

function describe(error: unknown): { message: string; code: ExitCode } {
  if (error instanceof UsageError) {
    return { message: error.message, code: EXIT.usage };
  }
  if (error instanceof ServerFailure) return error;
  const broken = OutputError.in(error);
  const message = broken === undefined
    ? problems.internal(error)
    : problems.output(broken);
  return { message, code: EXIT.failed };
}

async function run(line: CommandLine, caller: Caller): Promise<ExitCode> {
  if (line.action !== "run") {
    await caller.stdout.write(
      line.action === "version"
        ? versionText(PROGRAM, caller)
        : commandHelp(SERVER_PROGRAM, line.command ?? SERVE),
    );
    return EXIT.done;
  }
  if (line.command === COMPLETIONS) {
    await caller.stdout.write(scriptFor(line, PROGRAM));
    return EXIT.done;
  }
  const [environment, { runCommand }] = await Promise.all([
    caller.load(),
    import("./run_server.ts"),
  ]);
  return await runCommand(line, environment);
}
