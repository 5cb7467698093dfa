/**
 * `ferry shell`: commands that are typed at a prompt, or stand in a script.
 *
 * @module
 */

import { KEEP_GOING, SCRIPT } from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import type { ProgramSpec } from "../command.ts";
import { stateFolder } from "../connection.ts";
import type { Environment, Output } from "../environment.ts";
import { escapeText } from "../escape.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import { interruptible } from "../interruption.ts";
import type { LineEditor } from "../line_editor.ts";
import { shell } from "../messages.ts";
import type { Reporter } from "../reporter.ts";
import { makeReporter, reporterSettings } from "../reporters.ts";
import { truncateStart } from "../width.ts";
import { complete, type NamesIn } from "./completion.ts";
import { History, HISTORY_SIZE } from "./history.ts";
import { type LineEnd, LineRunner } from "./line_runner.ts";
import { type Connect, Link } from "./link.ts";
import { listLocal } from "./listing.ts";
import { shownFolder, type Standing } from "./moving.ts";
import { localPath, remotePath } from "./places.ts";
import { RemoteNames } from "./remote_names.ts";
import { openScript, type ScriptLine, STDIN } from "./script.ts";

/** What a shell is made of. */
export interface ShellParts {
  /** The world around. */
  readonly environment: Environment;
  /** Its commands. */
  readonly program: ProgramSpec;
  /** Connects; another protocol has another one. */
  readonly connect: Connect;
}

/** How errors begin, as in every message of the program. */
const PREFIX = "ferry: ";

/**
 * Runs a shell to its end.
 *
 * @param settings Its command line.
 * @param parts What it is made of.
 * @throws {UsageError} if there is no such script.
 */
export async function runShell(
  settings: CommandLine,
  parts: ShellParts,
): Promise<ExitCode> {
  const { environment } = parts;
  const script = settings.value(SCRIPT);
  return script === undefined && environment.canAsk
    ? await new Prompt(settings, parts).run()
    : await runScript(settings, parts, await openScript(script, environment));
}

/** Where a shell stands at first. */
function standingOf({ variable, platform }: Environment): Standing {
  const { isWindows } = platform;
  const home = variable(isWindows ? "USERPROFILE" : "HOME");
  return { places: { remote: "", local: "", home, isWindows }, before: "" };
}

/** Runs commands up to the first that fails, or all of them with `-k`. */
async function runScript(
  settings: CommandLine,
  { environment, program, connect }: ShellParts,
  lines: AsyncIterable<ScriptLine>,
): Promise<ExitCode> {
  const { clock } = environment;
  const reporterWith = (line: CommandLine, prefix = PREFIX): Reporter =>
    makeReporter(environment, reporterSettings(line), prefix);
  const link = new Link({ connect, settings, clock, onIdle: () => {} });
  const reporter = reporterWith(settings);
  let number = 0;
  const runner = new LineRunner({
    program,
    settings,
    // A script has its answers in it.
    environment: { ...environment, canAsk: false },
    isStdinTaken: (settings.value(SCRIPT) ?? STDIN) === STDIN,
    link,
    connect,
    makeReporter: (line) => reporterWith(line, `${PREFIX}line ${number}: `),
    standing: standingOf(environment),
    onChange: () => {},
  });
  return await interruptible({ reporter, environment }, async (signal) => {
    const onAbort = () => link.abandon();
    signal.addEventListener("abort", onAbort, { once: true });
    const refusal = await link.open(reporter);
    if (refusal !== undefined) return refusal;
    let first: ExitCode = EXIT.done;
    try {
      for await (const line of lines) {
        number = line.number;
        const end = await runner.run(line.text, signal);
        if (end === "leave" || end === EXIT.interrupted) {
          return end === "leave" ? first : end;
        }
        if (first === EXIT.done) first = end;
        if (end !== EXIT.done && !settings.value(KEEP_GOING)) break;
      }
      return first;
    } finally {
      await link.close();
    }
  });
}

/** An output that knows whether a line is open, which a prompt would write over. */
class LineOutput implements Output {
  readonly #output: Output;
  isLineOpen = false;

  constructor(output: Output) {
    this.#output = output;
  }

  get isTerminal(): boolean {
    return this.#output.isTerminal;
  }

  columns(): number {
    return this.#output.columns();
  }

  write(content: string | Uint8Array): Promise<void> {
    const last = content.at(-1);
    if (last !== undefined) this.isLineOpen = last !== "\n" && last !== 0x0a;
    return this.#output.write(content);
  }

  /** Ends the line, if one is open and somebody sees it. */
  async endLine(): Promise<void> {
    if (this.isLineOpen && this.isTerminal) await this.write("\n");
    this.isLineOpen = false;
  }
}

/** Columns of a prompt at most: as much again is left for what is typed. */
const PROMPT_SHARE = 0.5;

/** A shell at a terminal. */
class Prompt {
  readonly #settings: CommandLine;
  readonly #environment: Environment;
  readonly #stdout: LineOutput;
  readonly #program: ProgramSpec;
  readonly #link: Link;
  readonly #names: RemoteNames;
  readonly #standing: Standing;
  readonly #runner: LineRunner;
  #editor: LineEditor | undefined;
  /** Ends the command that is under way. */
  #running: AbortController | undefined;
  #isEnding = false;

  constructor(
    settings: CommandLine,
    { environment, program, connect }: ShellParts,
  ) {
    this.#settings = settings;
    this.#environment = environment;
    const stdout = this.#stdout = new LineOutput(environment.stdout);
    this.#program = program;
    this.#standing = standingOf(environment);
    const { clock } = environment;
    this.#link = new Link({
      connect,
      settings,
      clock,
      onIdle: (event) => {
        // A command that is under way over another connection has the screen.
        if (this.#running !== undefined) return;
        const text = event.kind === "lost"
          ? shell.lost(event.error)
          : shell.back(event.info);
        this.#editor?.say(`${text}\n`);
      },
    });
    this.#names = new RemoteNames(clock, () => this.#link.client);
    const ask = (question: string): Promise<string | undefined> =>
      this.#editor?.ask(question) ?? Promise.resolve(undefined);
    const runLocal: Environment["runLocal"] = (command, directory) => {
      const run = () => environment.runLocal(command, directory);
      return this.#editor?.lend(run) ?? run();
    };
    this.#runner = new LineRunner({
      program,
      settings,
      environment: { ...environment, ask, runLocal, stdout },
      isStdinTaken: true,
      link: this.#link,
      connect,
      // Whoever sits at a prompt knows who is speaking.
      makeReporter: (line) =>
        makeReporter(environment, reporterSettings(line), ""),
      standing: this.#standing,
      onChange: () => this.#names.forget(),
    });
  }

  async run(): Promise<ExitCode> {
    const environment = this.#environment;
    const reporter = makeReporter(
      environment,
      reporterSettings(this.#settings),
      PREFIX,
    );
    let refusal: ExitCode | undefined;
    const code = await interruptible(
      { reporter, environment },
      async (signal) => {
        const onAbort = () => this.#link.abandon();
        signal.addEventListener("abort", onAbort, { once: true });
        refusal = await this.#link.open(reporter);
        return refusal ?? EXIT.done;
      },
    );
    if (code !== EXIT.done) return code;
    const stopListening = environment.onTermination((isInterrupt) =>
      this.#onSignal(isInterrupt)
    );
    try {
      return await this.#converse(reporter);
    } finally {
      stopListening();
      this.#editor?.close();
      this.#names.close();
      await this.#link.close();
    }
  }

  /** Ctrl-C is about the command, other signals are about the shell. */
  #onSignal(isInterrupt: boolean): void {
    if (isInterrupt) {
      if (this.#running === undefined) this.#editor?.interrupt();
      else this.#running.abort();
      return;
    }
    // Who asks twice will not wait for a farewell.
    if (this.#isEnding) this.#environment.exit(EXIT.interrupted);
    this.#isEnding = true;
    this.#running?.abort();
    this.#editor?.close();
  }

  async #converse(reporter: Reporter): Promise<ExitCode> {
    const { disk } = this.#environment;
    const folder = await stateFolder(this.#environment);
    const history = new History(disk, folder);
    const editor = await this.#environment.editLines({
      history: await history.load(),
      historySize: HISTORY_SIZE,
      complete: (line) => complete(line, this.#program, this.#namesIn),
      onInterrupt: () => this.#running?.abort(),
    });
    this.#editor = editor;
    const info = this.#link.client?.info;
    if (info !== undefined) await reporter.note(shell.welcome(info));
    while (!this.#isEnding) {
      const typed = await editor.read(this.#prompt());
      if (typed.kind === "interrupt") continue;
      if (typed.kind === "end") {
        // The prompt stands there still.
        await this.#environment.stderr.write("\n");
        break;
      }
      await history.add(typed.text);
      if (await this.#runLine(typed.text) === "leave") break;
    }
    return this.#isEnding ? EXIT.interrupted : EXIT.done;
  }

  async #runLine(text: string): Promise<LineEnd> {
    this.#running = new AbortController();
    try {
      return await this.#runner.run(text, this.#running.signal);
    } finally {
      this.#running = undefined;
      await this.#stdout.endLine();
    }
  }

  /** Where one is: `127.0.0.1:/docs> `. */
  #prompt(): string {
    const { hostname } = this.#link.client?.info ?? { hostname: "" };
    const place = `${escapeText(hostname)}:${
      shownFolder(this.#standing.places)
    }`;
    const columns = this.#environment.stderr.columns() * PROMPT_SHARE;
    return `${truncateStart(place, Math.floor(columns))}> `;
  }

  readonly #namesIn: NamesIn = async (side, folder, isHome) => {
    const { places } = this.#standing;
    if (side === "remote") {
      const path = remotePath(folder, places).replace(/^\/+|\/+$/g, "");
      return await this.#names.in(path);
    }
    const local = folder === ""
      ? places.local
      : localPath(folder, isHome, places);
    const list = listLocal(this.#environment.disk, { ...places, local });
    return await Array.fromAsync(list(""));
  };
}
