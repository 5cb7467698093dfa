/**
 * The two programs of Ferry, as processes of their own with no more rights than
 * they need.
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

function denoArgs(
  main: string,
  permissions: readonly string[],
  args: readonly string[],
): string[] {
  return ["run", "--quiet", "--frozen", "--no-prompt", ...permissions, main]
    .concat(args);
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

  /**
   * The words after `deno` that {@linkcode FerryServer.start} runs.
   *
   * @param name Name of the folder.
   */
  static words(name: string): string[] {
    return denoArgs(SERVER, [
      "--allow-net=127.0.0.1",
      `--allow-read=${name}`,
      `--allow-write=${name}`,
      "--allow-sys=statfs",
    ], ["--listen", "127.0.0.1:0", name]);
  }

  /**
   * Starts one.
   *
   * @param base The folder in which it works.
   * @param name Name of the folder in `base` that it offers; all it may touch.
   */
  static start(base: string, name: string): FerryServer {
    return new FerryServer(
      new Deno.Command(Deno.execPath(), {
        args: FerryServer.words(name),
        cwd: base,
        env: ENVIRONMENT,
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
  readonly #permissions: readonly string[];

  /**
   * @param folder Where it works, and all that it may read.
   * @param options `writable`: name of the folder in there where it may write
   * what it fetches; `state`: of the one where it may note what it has not
   * finished to send. `signal` ends it.
   */
  constructor(
    folder: string,
    options: {
      readonly writable: string;
      readonly state: string;
      readonly signal: AbortSignal;
    },
  ) {
    this.#folder = folder;
    this.#state = join(folder, options.state);
    this.#signal = options.signal;
    this.#permissions = [
      "--allow-net=127.0.0.1",
      "--allow-read=.",
      `--allow-write=${options.writable},${options.state}`,
      `--allow-env=${STATE_VARIABLE}`,
    ];
  }

  /** What its environment says about where it may note things. */
  get environment(): string {
    return `${STATE_VARIABLE}=${this.#state}`;
  }

  /** The words after `deno` with which every run begins. */
  get words(): string[] {
    return denoArgs(CLIENT, this.#permissions, []);
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
    return new Deno.Command(Deno.execPath(), {
      args: [...this.words, ...args],
      cwd: this.#folder,
      env: { ...ENVIRONMENT, [STATE_VARIABLE]: this.#state },
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
