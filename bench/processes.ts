/**
 * Starting, timing and ending other programs.
 *
 * @module
 */

/** A command line. */
export interface Command {
  /** Path or name of the program. */
  readonly program: string;
  /** What follows. */
  readonly args: readonly string[];
}

/** How a program that was timed went. */
export interface TimedRun {
  /** From before the process was made until it was gone. */
  readonly milliseconds: number;
  /** All that it wrote. */
  readonly output: string;
}

const TEXT = new TextDecoder();
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 20;
/** Enough of what a server said to explain why it did not start. */
const COMPLAINT_SIZE_MAX = 4096;

/**
 * Runs a program to its end and takes the time.
 *
 * @param command What to run.
 * @param options What happens meanwhile: `onSpawn` learns the process's id.
 * @throws {Error} if it fails, with what it said.
 */
export async function runTimed(
  command: Command,
  options: {
    readonly signal?: AbortSignal;
    readonly onSpawn?: (pid: number) => void;
  } = {},
): Promise<TimedRun> {
  options.signal?.throwIfAborted();
  const started = performance.now();
  const child = new Deno.Command(command.program, {
    args: [...command.args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }).spawn();
  options.onSpawn?.(child.pid);
  const { code, stdout, stderr } = await child.output();
  const milliseconds = performance.now() - started;
  const output = `${TEXT.decode(stdout)}${TEXT.decode(stderr)}`;
  if (code !== 0) {
    options.signal?.throwIfAborted();
    throw new Error(
      `${formatCommand(command)} ended with ${code}: ${output.trim()}`,
    );
  }
  return { milliseconds, output };
}

/**
 * A command line as one would type it; for people, not for a shell.
 *
 * @param command The command line.
 */
export function formatCommand(command: Command): string {
  return [command.program, ...command.args].join(" ");
}

/** A server that runs until it is stopped. */
export class Daemon {
  readonly #child: Deno.ChildProcess;
  readonly #complaint: Promise<void>;
  #said = "";
  #isGone = false;

  /** @param command What to run; it must stay in the foreground. */
  constructor(readonly command: Command) {
    this.#child = new Deno.Command(command.program, {
      args: [...command.args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#complaint = this.#listen(this.#child.stderr);
    this.#child.status.then(() => this.#isGone = true);
  }

  /** The id of the process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What it writes to stdout. */
  get stdout(): ReadableStream<Uint8Array> {
    return this.#child.stdout;
  }

  /**
   * Waits until something listens on a port.
   *
   * @throws {Error} if the server ends, or takes too long.
   */
  async waitForPort(port: number): Promise<void> {
    const drained = this.#listen(this.#child.stdout);
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!await canConnect(port)) {
      if (this.#isGone) {
        await Promise.all([drained, this.#complaint]);
        throw new Error(`it ended at once: ${this.#said.trim() || "silently"}`);
      }
      if (performance.now() > deadline) {
        throw new Error(`it does not listen on port ${port}`);
      }
      await delay(POLL_MS);
    }
  }

  /** What it said so far, for whoever wants to know why it failed. */
  get said(): string {
    return this.#said.trim();
  }

  /** Ends it, politely at first. */
  async stop(): Promise<void> {
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#gone().finally(() => clearTimeout(timer));
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#gone();
  }

  #signal(signal: Deno.Signal): void {
    if (!this.#isGone) this.#child.kill(signal);
  }

  async #gone(): Promise<void> {
    await this.#child.status;
    if (!this.#child.stdout.locked) await this.#child.stdout.cancel();
    await this.#complaint;
  }

  async #listen(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const bytes of stream) {
      this.#said = (this.#said + TEXT.decode(bytes)).slice(-COMPLAINT_SIZE_MAX);
    }
  }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function canConnect(port: number): Promise<boolean> {
  try {
    using _ = await Deno.connect({ hostname: "127.0.0.1", port });
    return true;
  } catch {
    return false;
  }
}

/** Folders of servers, which the PATH of ordinary users often leaves out. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/**
 * Looks for an installed program.
 *
 * @param name Its name.
 * @returns Its path, or `undefined` if it is not there.
 */
export async function findProgram(name: string): Promise<string | undefined> {
  const isWindows = Deno.build.os === "windows";
  const path = Deno.env.get("PATH")?.split(isWindows ? ";" : ":") ?? [];
  for (const folder of [...path, ...SYSTEM_FOLDERS]) {
    if (folder === "") continue;
    const file = `${folder}/${name}${isWindows ? ".exe" : ""}`;
    const info = await Deno.stat(file).catch(() => undefined);
    if (info?.isFile) return file;
  }
  return undefined;
}

/** Waits. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
