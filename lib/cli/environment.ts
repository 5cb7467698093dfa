/**
 * All that the command line takes from the world around it. The programs get
 * the real one from `deno_caller.ts` and `deno_environment.ts`, tests bring their
 * own.
 *
 * @module
 */

import type {
  ClassicClient,
  ClassicConnectOptions,
  ClassicFacts,
} from "../classic/mod.ts";
import type { Client, ConnectOptions } from "../client/mod.ts";
import type { Clock, Random } from "../platform/mod.ts";
import type {
  OnReceived,
  OpenDoor,
  ServeOptions,
  Server,
  ServerObserver,
} from "../server/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import type { Disk } from "../storage/mod.ts";
import type { LineEditor, LineEditorOptions } from "./line_editor.ts";
import type { VariableName } from "./variables.ts";

/** Where text and bytes go. Calls are done in their order. */
export interface Output {
  /** Whether a terminal shows it. */
  readonly isTerminal: boolean;
  /** Columns of that terminal, now. */
  columns(): number;
  /**
   * Writes all of it; waits while the reader takes none.
   *
   * @throws {OutputClosedError} when nobody reads any more, {@linkcode OutputError}
   * when it cannot be written for another reason.
   */
  write(content: string | Uint8Array): Promise<void>;
}

/** Nobody reads an {@linkcode Output} any more, as in `ferry ls … | head`. */
export class OutputClosedError extends Error {
  override readonly name = "OutputClosedError";
}

/** What messages call {@linkcode Environment.stdout}. */
export const STDOUT = "standard output";

/** An {@linkcode Output} takes nothing more; the message is a phrase that says why. */
export class OutputError extends Error {
  override readonly name = "OutputError";
  /** What it is called, such as `standard output`. */
  readonly output: string;

  /**
   * Makes an error.
   *
   * @param output What takes nothing.
   * @param message Why.
   * @param options The cause.
   */
  constructor(output: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.output = output;
  }

  /** The one that an error is or comes of. */
  static in(error: unknown): OutputError | undefined {
    let cause = error;
    while (cause instanceof Error && !(cause instanceof OutputError)) {
      cause = cause.cause;
    }
    return cause instanceof OutputError ? cause : undefined;
  }
}

/** What is at a local path, links followed. */
export type LocalKind = "file" | "directory" | "other" | "missing";

/** What is known of a local path without opening it. */
export interface LocalEntry {
  /** What is there; `missing` also where this process may not look. */
  readonly kind: LocalKind;
  /** Bytes of a file, else 0. */
  readonly size: number;
}

/** What program and machine this is, for `--version`. */
export interface Platform {
  /** The version of Deno. */
  readonly deno: string;
  /** Processor and system, such as `x86_64-unknown-linux-gnu`. */
  readonly target: string;
  /** Whether the rules of Windows hold. */
  readonly isWindows: boolean;
}

/** How to observe a server. */
export interface ObserveOptions {
  /** Where numbers and health are told over HTTP. */
  readonly metrics: NetworkAddress | undefined;
  /** Whether each request becomes a trace of OpenTelemetry. */
  readonly traces: boolean;
  /** Whether new sessions are served. */
  readonly isReady: () => boolean;
}

/** What observes a server, until it is disposed of. */
export interface Observation extends AsyncDisposable {
  /** Is to be told of everything that happens; `undefined`: nobody looks. */
  readonly observer: ServerObserver | undefined;
  /** Where numbers and health are told, with the real port. */
  readonly address: NetworkAddress | undefined;
}

/**
 * Who started the program: where its words go, and what it was told. That is
 * enough for help, version and every command line that makes no sense.
 */
export interface Caller {
  /** Results. */
  readonly stdout: Output;
  /** Everything about them. */
  readonly stderr: Output;
  /** Time. */
  readonly clock: Clock;
  /** What this is. */
  readonly platform: Platform;
  /** An environment variable; `undefined` also where this process may not look. */
  variable(name: VariableName): string | undefined;
  /**
   * Has somebody told of rejections that nobody handles, which then do not end
   * the program.
   *
   * @returns What takes that back.
   */
  onUnhandledRejection(listener: (reason: unknown) => void): () => void;
  /** Everything else around, which takes a while to load. */
  load(): Promise<Environment>;
}

/** What the command line runs in. */
export interface Environment extends Caller {
  /** Keys and salts. */
  readonly random: Random;
  /** Local files. */
  readonly disk: Disk;
  /** Whether somebody is there to be asked. */
  readonly canAsk: boolean;
  /** Asks for a line; `undefined` if none comes. */
  ask(question: string): Promise<string | undefined>;
  /**
   * Asks for a line that is not shown while it is typed; `undefined` if none
   * comes, or when the signal ends the wait.
   */
  askSecret(
    question: string,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /**
   * Reads commands that somebody types; only where somebody is there to be
   * asked. While it is open, it is the one who asks.
   */
  editLines(options: LineEditorOptions): Promise<LineEditor>;
  /**
   * Has the system's own shell run a command, and gives it the terminal.
   *
   * @param directory Where it runs.
   * @returns Its exit code; `undefined` where this process may run nothing.
   */
  runLocal(command: string, directory: string): Promise<number | undefined>;
  /** What is fed to the program; asked for at most once. */
  stdin(): ReadableStream<Uint8Array>;
  /** Looks at a local path; never prompts. */
  look(path: string): Promise<LocalEntry>;
  /**
   * Has somebody told when the program is asked to end (SIGINT, SIGTERM and
   * their like); `isInterrupt` with Ctrl-C, which may be about what it does just
   * now.
   *
   * @returns What takes that back.
   */
  onTermination(listener: (isInterrupt: boolean) => void): () => void;
  /**
   * Has somebody told when the program is asked to read its files again
   * (SIGHUP, where there is that).
   *
   * @returns What takes that back.
   */
  onReload(listener: () => void): () => void;
  /** Ends the program at once. */
  exit(code: number): void;
  /** Connects to a server. */
  connect(options: ConnectOptions): Promise<Client>;
  /** Connects to a server by a classic protocol. */
  connectClassic(
    protocol: ClassicFacts,
    options: ClassicConnectOptions,
  ): Promise<ClassicClient>;
  /** Starts a server. */
  serve(options: ServeOptions): Promise<Server>;
  /** Whether this program may listen on an address; never prompts. */
  mayListen(address: NetworkAddress): Promise<boolean>;
  /** Whether this program may run a command; never prompts. */
  mayRun(program: string): Promise<boolean>;
  /** Gives the permission to run commands back, for good; never prompts. */
  giveUpRunning(): Promise<void>;
  /** The upload hook that runs a command. */
  hook(command: readonly string[]): OnReceived;
  /** Observes a server that is going to start. */
  observe(options: ObserveOptions): Promise<Observation>;
  /** Says what a server would offer, without starting it. */
  checkServe(options: ServeOptions): Promise<readonly OpenDoor[]>;
}
