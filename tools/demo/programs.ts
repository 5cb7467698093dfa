/**
 * The two programs of Ferry, as processes of their own: run by Deno with no more
 * rights than they need, or as executables with nothing in their environment.
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";

/** How a program ended, and what it said. */
export interface Ending {
  /** Exit code. */
  readonly code: number;
  /** What it wrote to stdout. */
  readonly stdout: string;
  /** What it wrote to stderr. */
  readonly stderr: string;
  /** How long it took, including its start. */
  readonly milliseconds: number;
}

/** A line of JSON that `ferry --json` writes. */
export type FerryEvent = Readonly<Record<string, unknown>>;

/** How a program is started. */
interface Start {
  /** What runs. */
  readonly program: string;
  /** What it is called where its command line is shown. */
  readonly shown: string;
  /** The words that come first. */
  readonly args: readonly string[];
}

const SERVER = fromFileUrl(new URL("../../main_server.ts", import.meta.url));
const CLIENT = fromFileUrl(new URL("../../main_client.ts", import.meta.url));
const READY_PATTERN = /^listening ferry tcp:\/\/127\.0\.0\.1:(?<port>\d+)$/;
/** Enough of a server's log to explain a failure. */
const LOG_SIZE_MAX = 8192;

/** Nothing in the demo may ask, or look anything up. */
const ENVIRONMENT = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };

/** Says where programs keep what is to outlive them. */
const STATE_VARIABLE = Deno.build.os === "windows"
  ? "LOCALAPPDATA"
  : "XDG_STATE_HOME";

/**
 * @param name The name of the executable.
 * @param main Its source.
 * @param permissions What Deno lets that do; executables have theirs built in.
 * @param dist The folder of the executables; `undefined`: Deno runs the source.
 */
function startOf(
  name: string,
  main: string,
  permissions: readonly string[],
  dist: string | undefined,
): Start {
  if (dist !== undefined) {
    const suffix = Deno.build.os === "windows" ? ".exe" : "";
    const program = join(dist, name + suffix);
    return { program, shown: program, args: [] };
  }
  const run = ["run", "--quiet", "--frozen", "--no-prompt"];
  return {
    program: Deno.execPath(),
    shown: "deno",
    args: [...run, ...permissions, main],
  };
}

/** What the environment of a program is; the system of Windows needs its own. */
function environmentOf(
  dist: string | undefined,
  more: Readonly<Record<string, string>> = {},
): Pick<Deno.CommandOptions, "clearEnv" | "env"> {
  return dist === undefined
    ? { env: { ...ENVIRONMENT, ...more } }
    : { clearEnv: Deno.build.os !== "windows", env: { ...more } };
}

/** A `ferryd` that runs. */
export class FerryServer {
  readonly #child: Deno.ChildProcess;
  readonly #log: Promise<void>;
  #logText = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#log = this.#readLog();
  }

  static #how(name: string, dist: string | undefined): Start {
    const permissions = [
      "--allow-net=127.0.0.1",
      `--allow-read=${name}`,
      `--allow-write=${name}`,
      "--allow-sys=statfs",
    ];
    const { args, ...start } = startOf("ferryd", SERVER, permissions, dist);
    return { ...start, args: [...args, "--listen", "127.0.0.1:0", name] };
  }

  /**
   * What {@linkcode FerryServer.start} runs, as it is shown.
   *
   * @param name Name of the folder.
   * @param dist The folder of the executables, if they are to run.
   */
  static words(name: string, dist: string | undefined): string[] {
    const { shown, args } = FerryServer.#how(name, dist);
    return [shown, ...args];
  }

  /**
   * Starts one.
   *
   * @param base The folder in which it works.
   * @param name Name of the folder in `base` that it offers; all it may touch.
   * @param dist The folder of the executables, if they are to run.
   */
  static start(
    base: string,
    name: string,
    dist: string | undefined,
  ): FerryServer {
    const { program, args } = FerryServer.#how(name, dist);
    return new FerryServer(
      new Deno.Command(program, {
        args: [...args],
        cwd: base,
        ...environmentOf(dist),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  /** The id of its process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** The end of its log. */
  get log(): string {
    return this.#logText;
  }

  /** Waits until it says where it listens. */
  async port(): Promise<number> {
    for await (const line of linesOf(this.#child.stdout)) {
      const port = READY_PATTERN.exec(line)?.groups?.["port"];
      if (port !== undefined) return Number(port);
    }
    await this.#log;
    throw new Error(`the server did not start: ${this.#logText.trim()}`);
  }

  /** Asks it to end, and waits. */
  async stop(signal: Deno.Signal): Promise<number> {
    try {
      this.#child.kill(signal);
    } catch {
      // It is gone already; how it went, its exit code tells.
    }
    const { code } = await this.#child.status;
    await this.#log;
    return code;
  }

  async #readLog(): Promise<void> {
    const text = this.#child.stderr.pipeThrough(textDecoder());
    for await (const part of text) {
      this.#logText = (this.#logText + part).slice(-LOG_SIZE_MAX);
    }
  }
}

/** Runs `ferry`. */
export class FerryClient {
  readonly #folder: string;
  readonly #state: string;
  readonly #signal: AbortSignal;
  readonly #dist: string | undefined;
  readonly #start: Start;

  /**
   * @param folder Where it works, and all that it may read.
   * @param options `writable`: name of the folder in there where it may write
   * what it fetches; `state`: of the one where it may note what it has not
   * finished to send; `dist`: the folder of the executables, if they are to run.
   * `signal` ends it.
   */
  constructor(
    folder: string,
    options: {
      readonly writable: string;
      readonly state: string;
      readonly signal: AbortSignal;
      readonly dist: string | undefined;
    },
  ) {
    this.#folder = folder;
    this.#state = join(folder, options.state);
    this.#signal = options.signal;
    this.#dist = options.dist;
    const permissions = [
      "--allow-net=127.0.0.1",
      "--allow-read=.",
      `--allow-write=${options.writable},${options.state}`,
      `--allow-env=${STATE_VARIABLE}`,
    ];
    this.#start = startOf("ferry", CLIENT, permissions, options.dist);
  }

  /** What its environment says about where it may note things. */
  get environment(): string {
    return `${STATE_VARIABLE}=${this.#state}`;
  }

  /** The words with which every run begins, as they are shown. */
  get words(): string[] {
    return [this.#start.shown, ...this.#start.args];
  }

  /** Runs it to its end. */
  async run(args: readonly string[]): Promise<Ending> {
    this.#signal.throwIfAborted();
    const started = performance.now();
    const { code, stdout, stderr } = await this.#spawn(args).output();
    const milliseconds = performance.now() - started;
    this.#signal.throwIfAborted();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
      milliseconds,
    };
  }

  /**
   * Runs it until it reports something, and kills it then, as `kill -9` does.
   *
   * @param args Its arguments, with `--json` among them.
   * @param isTime Whether to kill it after this event.
   * @returns The event; `undefined` if it came to an end before.
   */
  async runAndKill(
    args: readonly string[],
    isTime: (event: FerryEvent) => boolean | Promise<boolean>,
  ): Promise<FerryEvent | undefined> {
    this.#signal.throwIfAborted();
    const child = this.#spawn(args);
    const complaint = child.stderr.cancel();
    let last: FerryEvent | undefined;
    for await (const line of linesOf(child.stdout)) {
      const event: FerryEvent = JSON.parse(line);
      if (await isTime(event)) {
        child.kill("SIGKILL");
        last = event;
        break;
      }
    }
    await Promise.all([child.status, complaint]);
    this.#signal.throwIfAborted();
    return last;
  }

  #spawn(args: readonly string[]): Deno.ChildProcess {
    return new Deno.Command(this.#start.program, {
      args: [...this.#start.args, ...args],
      cwd: this.#folder,
      ...environmentOf(this.#dist, { [STATE_VARIABLE]: this.#state }),
      signal: this.#signal,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }
}

function linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<string> {
  return stream.pipeThrough(textDecoder()).pipeThrough(new TextLineStream());
}

function textDecoder(): TransformStream<Uint8Array<ArrayBuffer>, string> {
  return new TextDecoderStream();
}
