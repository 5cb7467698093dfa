/**
 * Runs the lines of a shell, one after the other.
 *
 * @module
 */

import type { Client } from "../../client/mod.ts";
import {
  CLEAN,
  MAKE_DIRECTORY,
  PUT,
  REMOVE,
  RENAME,
  SYNC,
} from "../client_commands.ts";
import {
  JSON_OUTPUT,
  NO_RESUME,
  ON_CONFLICT,
  QUIET,
} from "../client_options.ts";
import type { CommandSpec, ProgramSpec } from "../command.ts";
import { type CommandLine, readCommandLine } from "../command_line.ts";
import { runClean } from "../commands/clean.ts";
import { PLANNERS } from "../commands/mod.ts";
import { ConflictDesk } from "../conflicts.ts";
import { CONNECTION_OPTIONS } from "../connection.ts";
import { type Environment, OutputError } from "../environment.ts";
import { endsSession, EXIT, type ExitCode, exitCodeOf } from "../exit_codes.ts";
import { describeFailure, type Failure } from "../failure.ts";
import { commandHelp, shellHelp } from "../help.ts";
import { shell } from "../messages.ts";
import type { Reporter } from "../reporter.ts";
import { rejectContradictions } from "../reporters.ts";
import { rethrowEnd, Session } from "../session.ts";
import { UsageError } from "../usage_error.ts";
import { versionText } from "../version_text.ts";
import { type ListFolder, NoMatchError } from "./expand.ts";
import type { Connect, Link } from "./link.ts";
import { listLocal, listRemote } from "./listing.ts";
import {
  changeFolder,
  changeLocalFolder,
  NotAFolderError,
  shownFolder,
  shownLocalFolder,
  type Standing,
} from "./moving.ts";
import { placedLine } from "./placed_line.ts";
import {
  CHANGE_FOLDER,
  CHANGE_LOCAL_FOLDER,
  LEAVE,
  SHOW_FOLDER,
  SHOW_LOCAL_FOLDER,
} from "./shell_commands.ts";
import { type ShellWord, splitShellLine } from "./shell_words.ts";

/** What a {@linkcode LineRunner} works with. */
export interface LineRunnerOptions {
  /** The commands. */
  readonly program: ProgramSpec;
  /** The command line of the shell: what a line does not say holds. */
  readonly settings: CommandLine;
  /** The world, as commands are to see it. */
  readonly environment: Environment;
  /** Whether commands come from stdin, so that no data can. */
  readonly isStdinTaken: boolean;
  /** The connection. */
  readonly link: Link;
  /** Makes other connections. */
  readonly connect: Connect;
  /** Makes who is told of a line. */
  readonly makeReporter: (line: CommandLine) => Reporter;
  /** Where the shell stands. */
  readonly standing: Standing;
  /** Told that names on the server may have changed. */
  readonly onChange: () => void;
}

/** What came of a line: the shell is to end, or the exit code of its command. */
export type LineEnd = ExitCode | "leave";

/** Commands after which names on the server may be others. */
const CHANGING: readonly string[] = [
  PUT.name,
  SYNC.name,
  RENAME.name,
  REMOVE.name,
  MAKE_DIRECTORY.name,
];

/** A line that is run. */
interface Run {
  readonly line: CommandLine;
  readonly words: readonly ShellWord[];
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** Runs the lines of a shell. */
export class LineRunner {
  readonly #options: LineRunnerOptions;

  /** @param options What it works with. */
  constructor(options: LineRunnerOptions) {
    this.#options = options;
  }

  /**
   * Runs a line. What fails is told, and comes back as its exit code.
   *
   * @param text The line.
   * @param signal Ends its command.
   */
  async run(text: string, signal: AbortSignal): Promise<LineEnd> {
    const { settings, makeReporter } = this.#options;
    let reporter = makeReporter(settings);
    let line: CommandLine | undefined;
    try {
      const trimmed = text.trim();
      if (trimmed.startsWith("!")) return await this.#runLocal(trimmed);
      const words = splitShellLine(text);
      if (words.length === 0) return EXIT.done;
      line = this.#read(words);
      reporter = makeReporter(line);
      return await this.#runLine({ line, words, reporter, signal });
    } catch (error) {
      return await this.#fail(error, line, reporter, signal);
    }
  }

  /** Reads a line; what it does not say holds as the shell was told. */
  #read(words: readonly ShellWord[]): CommandLine {
    const { program, settings } = this.#options;
    const line = readCommandLine(program, words.map(({ text }) => text));
    return {
      ...line,
      value: (option) =>
        line.given([option]).length > 0
          ? line.value(option)
          : settings.value(option),
    };
  }

  async #runLine(run: Run): Promise<LineEnd> {
    const { environment } = this.#options;
    const { line, words } = run;
    const { command, action } = line;
    const show = async (text: string): Promise<LineEnd> => {
      await environment.stdout.write(text);
      return EXIT.done;
    };
    if (action !== "run" || command === undefined) {
      return await show(this.#textFor(line));
    }
    const { standing } = this.#options;
    const word = words[line.positions[0] ?? -1];
    switch (command) {
      case LEAVE:
        return "leave";
      case SHOW_FOLDER:
        return await show(`${shownFolder(standing.places)}\n`);
      case SHOW_LOCAL_FOLDER: {
        const shown = await shownLocalFolder(standing.places, environment);
        return await show(`${shown}\n`);
      }
      case CHANGE_LOCAL_FOLDER:
        await changeLocalFolder(standing, word, environment);
        return EXIT.done;
      case CHANGE_FOLDER:
        await this.#connected(
          run,
          (client) => changeFolder(standing, word, client, run.signal),
        );
        return EXIT.done;
      default:
        return await this.#runCommand(run, command);
    }
  }

  #textFor({ action, command }: CommandLine): string {
    const { program, environment } = this.#options;
    if (action === "version") {
      return versionText(program.name, environment);
    }
    return command === undefined
      ? shellHelp(program)
      : commandHelp(program, command);
  }

  /** A command that `ferry` has as well. */
  async #runCommand(run: Run, command: CommandSpec): Promise<ExitCode> {
    const { environment, isStdinTaken, onChange } = this.#options;
    const { line, reporter, signal } = run;
    rejectContradictions(line);
    if (
      isStdinTaken && command.name === PUT.name && line.operands.includes("-")
    ) {
      throw new UsageError(shell.stdinIsTaken);
    }
    if (command.name === CLEAN.name) {
      const placed = await placedLine(line, run.words, {
        places: this.#options.standing.places,
        list: () => this.#listLocal(),
      });
      return await runClean(placed, { reporter, environment, signal });
    }
    try {
      return await this.#connected(run, (client) => this.#plan(run, client));
    } finally {
      if (CHANGING.includes(command.name)) onChange();
    }
  }

  #listLocal(): ListFolder {
    const { environment, standing } = this.#options;
    return listLocal(environment.disk, standing.places);
  }

  async #plan(run: Run, client: Client): Promise<ExitCode> {
    const { environment, standing } = this.#options;
    const { line, words, reporter, signal } = run;
    const { places } = standing;
    const placed = await placedLine(line, words, {
      places,
      list: (side) =>
        side === "local"
          ? this.#listLocal()
          : listRemote(client, places, signal),
    });
    const hosted = { ...placed, operands: ["", ...placed.operands] };
    const work = await PLANNERS[line.command?.name ?? ""]?.(
      hosted,
      environment,
    );
    if (work === undefined) throw new TypeError("The command has no planner");
    const session = new Session({
      client,
      reporter,
      environment,
      signal,
      conflicts: this.#conflicts(run),
      folder: places.remote,
    });
    return await work(session);
  }

  /** Who is asked about taken names, where nothing was said of them. */
  #conflicts({ line, reporter }: Run): ConflictDesk | undefined {
    const { environment } = this.#options;
    const isAsked = environment.canAsk && !line.value(JSON_OUTPUT) &&
      !line.value(QUIET) && line.given([ON_CONFLICT]).length === 0;
    if (!isAsked) return undefined;
    return new ConflictDesk((question) =>
      reporter.aside(() => environment.ask(question))
    );
  }

  /** Works with the connection of the shell, or with its own if the line wants another one. */
  async #connected<T>(
    { line, reporter, signal }: Run,
    work: (client: Client) => Promise<T>,
  ): Promise<T | ExitCode> {
    const { link, connect } = this.#options;
    if (line.given(CONNECTION_OPTIONS).length === 0) {
      return await link.use(reporter, signal, work);
    }
    const client = await connect(line, reporter, {
      signal,
      onReconnect: (event) => reporter.reconnect(event),
      onConnection: (event) => {
        if (event.kind === "back") reporter.connected(event.info);
      },
    });
    if (typeof client === "number") return client;
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  /** Has this machine's own shell run a command. */
  async #runLocal(text: string): Promise<ExitCode> {
    const { environment, standing, makeReporter, settings } = this.#options;
    const command = text.slice(1).trim();
    if (command === "") throw new UsageError(shell.notRun);
    const { local } = standing.places;
    const code = await environment.runLocal(command, local);
    if (code === 0) return EXIT.done;
    const reporter = makeReporter(settings);
    if (code === undefined) {
      await reporter.failure(
        failureOf("denied", shell.noPermissionToRun),
        undefined,
      );
      return EXIT.refused;
    }
    await reporter.remark(shell.endedWith(code));
    return EXIT.failed;
  }

  async #fail(
    error: unknown,
    line: CommandLine | undefined,
    reporter: Reporter,
    signal: AbortSignal,
  ): Promise<ExitCode> {
    if (signal.aborted) return await this.#interrupted(error, line, reporter);
    // Who closed our output does not want to see more.
    rethrowEnd(error, signal);
    if (error instanceof NoMatchError || error instanceof NotAFolderError) {
      const [code, exit] = error instanceof NoMatchError
        ? ["not-found", EXIT.notFound] as const
        : ["not-directory", EXIT.conflict] as const;
      await reporter.failure(failureOf(code, error.message), error);
      return exit;
    }
    const info = this.#options.link.client?.info;
    const server = info ?? { hostname: "", port: 0 };
    const { command, operands = [] } = line ?? {};
    const isMoving = command === CHANGE_FOLDER ||
      command === CHANGE_LOCAL_FOLDER;
    const doing = endsSession(error) ? "go on" : isMoving ? "go to" : "look up";
    const path = isMoving ? operands[0] : undefined;
    const attempt = { doing, path, server, isInShell: true };
    await reporter.failure(describeFailure(error, attempt), error);
    return OutputError.in(error) === undefined
      ? exitCodeOf(error, "connected")
      : EXIT.failed;
  }

  async #interrupted(
    error: unknown,
    line: CommandLine | undefined,
    reporter: Reporter,
  ): Promise<ExitCode> {
    const canContinue = line?.command?.options.includes(NO_RESUME) === true &&
      !line.value(NO_RESUME);
    const message = shell.interrupted(reporter.reached?.percent, canContinue);
    await reporter.failure(failureOf("cancelled", message), error);
    return EXIT.interrupted;
  }
}

/** A failure of this side, told in one whole sentence. */
function failureOf(code: string, message: string): Failure {
  return { code, side: "local", path: undefined, message };
}
