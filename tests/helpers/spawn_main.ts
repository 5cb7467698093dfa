/**
 * The two programs as real child processes, with no more permissions than the
 * help shows. None of them outlives the test that started it.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

/** The programs. */
export type Main = "server" | "client";

const MAINS: Readonly<Record<Main, string>> = {
  server: fromFileUrl(new URL("../../main_server.ts", import.meta.url)),
  client: fromFileUrl(new URL("../../main_client.ts", import.meta.url)),
};

/** What `ferry` needs, as the help shows it. */
export const CLIENT_PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
];

/** What a `ferryd` needs that only lists and sends. */
export const READER_PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-read",
];

/** What a `ferryd` needs that receives as well, and knows the free space. */
export function writerPermissions(root: string): readonly string[] {
  return [...READER_PERMISSIONS, `--allow-write=${root}`, "--allow-sys=statfs"];
}

/** Long enough for a loaded machine; only what never comes takes it. */
export const PATIENCE = 30_000;

/** Milliseconds between two looks at a condition. */
const LOOK_INTERVAL = 10;

/** How a program ended, and what it said. */
export interface Ending {
  /** Exit code; 128 and the signal's number if a signal ended it. */
  readonly code: number;
  /** The signal that ended it. */
  readonly signal: Deno.Signal | null;
  /** What it wrote to stdout. */
  readonly stdout: string;
  /** What it wrote to stderr. */
  readonly stderr: string;
}

/** How to start a program. */
export interface SpawnOptions {
  /** Its permission flags. */
  readonly permissions: readonly string[];
  /** Where it works. */
  readonly cwd?: string;
  /** What its environment has besides this process's. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from stdin; `"piped"` leaves that to the caller. */
  readonly stdin?: Uint8Array<ArrayBuffer> | "piped";
  /**
   * Whether it counts for the coverage, where that is measured. Each process
   * that does writes a hundred files, so few do.
   */
  readonly isMeasured?: boolean;
  /** Whether the caller reads stdout; otherwise it is collected. */
  readonly ownStdout?: boolean;
  /** Milliseconds that its end is waited for; {@linkcode PATIENCE} unless said. */
  readonly patience?: number;
}

/**
 * Waits until something holds.
 *
 * @param what What is waited for, for the message.
 * @param holds Whether it does.
 * @throws {Error} when it never does.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patience = PATIENCE,
): Promise<void> {
  const end = performance.now() + patience;
  while (!await holds()) {
    if (performance.now() > end) {
      throw new Error(`waited ${patience / 1000} s in vain for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
  }
}

/** Of this process's environment, what a child is to have. */
function environment(isMeasured: boolean): Record<string, string> {
  const env = Deno.env.toObject();
  if (!isMeasured) delete env["DENO_COVERAGE_DIR"];
  return { ...env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
}

/** A program that runs, or ran. */
export class Program implements AsyncDisposable {
  /** Its command line, for messages. */
  readonly words: string;
  readonly #ended: Promise<Ending>;
  readonly #isMeasured: boolean;
  readonly #patience: number;
  readonly #child: Deno.ChildProcess;
  #stdout = "";
  #stderr = "";
  #ending: Ending | undefined;

  /** Starts `main` with `args`. */
  constructor(main: Main, args: readonly string[], options: SpawnOptions) {
    this.words = [main === "server" ? "ferryd" : "ferry", ...args]
      .map((word) => JSON.stringify(word)).join(" ");
    const { permissions, cwd, stdin } = options;
    this.#isMeasured = options.isMeasured ?? false;
    this.#patience = options.patience ?? PATIENCE;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--frozen", "--no-prompt"],
        ...permissions,
        MAINS[main],
        ...args,
      ],
      ...cwd === undefined ? {} : { cwd },
      clearEnv: true,
      env: { ...environment(this.#isMeasured), ...options.env },
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#ended = this.#collect(stdin, options.ownStdout ?? false);
    // Whoever waits for it learns of a failure.
    this.#ended.catch(() => {});
  }

  /** The id of its process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What it has written to stdout so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** What it has written to stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Its stdin, where `"piped"` was asked for. */
  get stdin(): WritableStream<Uint8Array<ArrayBuffer>> {
    return this.#child.stdin;
  }

  /** Its stdout, where `ownStdout` was asked for. */
  get rawStdout(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#child.stdout;
  }

  /**
   * How it ends. Nobody waits for ever: what does not end in time fails.
   *
   * @throws {Error} when it has not ended in its patience from now.
   */
  get ended(): Promise<Ending> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`${this.words} did not end`)),
      this.#patience,
    );
    return Promise.race([this.#ended, promise])
      .finally(() => clearTimeout(timer));
  }

  /** How it ended; `undefined` while it runs. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** All that it said, to explain a failure. */
  get transcript(): string {
    const state = this.#ending === undefined
      ? "still running"
      : `exit code ${this.#ending.code}`;
    return `--- ${this.words} (${state})\n` +
      `stdout: ${shorten(this.#stdout)}\nstderr: ${shorten(this.#stderr)}`;
  }

  /** Sends it a signal, unless it is gone. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (this.#ending === undefined && !(error instanceof TypeError)) {
        throw error;
      }
    }
  }

  /** Waits until what it said matches; fails early if it ends before. */
  async says(
    pattern: RegExp,
    stream: "stdout" | "stderr",
  ): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    await until(`${pattern} from ${this.words}`, () => {
      // First whether it ended: what it said before that is all there then.
      const isOver = this.#ending !== undefined;
      match = pattern.exec(stream === "stdout" ? this.#stdout : this.#stderr);
      if (match === null && isOver) {
        throw new Error(`${this.words} ended and never said ${pattern}`);
      }
      return match !== null;
    });
    if (match === null) throw new Error("unreachable");
    return match;
  }

  /** Ends it for certain. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isMeasured && this.#ending === undefined) {
      // What is killed has no time to write its coverage.
      this.kill("SIGTERM");
      await this.ended.catch(() => {});
    }
    if (this.#ending === undefined) this.kill("SIGKILL");
    await this.#ended.catch(() => {});
  }

  async #collect(
    stdin: SpawnOptions["stdin"],
    ownStdout: boolean,
  ): Promise<Ending> {
    const child = this.#child;
    const [status] = await Promise.all([
      child.status,
      stdin instanceof Uint8Array ? feed(child.stdin, stdin) : undefined,
      ownStdout ? undefined : readAll(child.stdout, (text) => {
        this.#stdout += text;
      }),
      readAll(child.stderr, (text) => {
        this.#stderr += text;
      }),
    ]);
    const { code, signal } = status;
    const [stdout, stderr] = [this.#stdout, this.#stderr];
    return this.#ending = { code, signal, stdout, stderr };
  }
}

/** Characters of a transcript from its beginning and from its end. */
const TRANSCRIPT_HALF = 3000;

function shorten(text: string): string {
  if (text.length <= 2 * TRANSCRIPT_HALF) return text;
  const head = text.slice(0, TRANSCRIPT_HALF);
  return `${head}\n[…]\n${text.slice(-TRANSCRIPT_HALF)}`;
}

async function readAll(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, DECODING));
  take(decoder.decode());
}

const DECODING = { stream: true } as const;

async function feed(
  stream: WritableStream<Uint8Array<ArrayBuffer>>,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch {
    // It ended before it had read all: its exit code says why.
  }
}

/** A `ferryd` that listens. */
export interface ServerProgram extends Program {
  /** Where. */
  readonly port: number;
  /** `127.0.0.1:PORT`, as clients are told; with `tls://` where that is spoken. */
  readonly host: string;
}

const READY_PATTERN =
  /^listening ferry (?<scheme>tcp|tls):\/\/\S+:(?<port>\d+)$/m;

/**
 * Waits until a `ferryd` says where it listens.
 *
 * @throws {Error} if it ends before.
 */
export async function listening(program: Program): Promise<ServerProgram> {
  const { groups } = await program.says(READY_PATTERN, "stdout");
  const port = Number(groups?.["port"]);
  const scheme = groups?.["scheme"] === "tls" ? "tls://" : "";
  return Object.assign(program, { port, host: `${scheme}127.0.0.1:${port}` });
}
