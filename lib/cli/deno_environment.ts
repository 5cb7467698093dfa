/**
 * The {@linkcode Environment} of a real process; the only file of the command
 * line that knows Deno.
 *
 * @module
 */

import { connect } from "../client/mod.ts";
import { systemClock, systemRandom } from "../platform/mod.ts";
import { checkServe, serve } from "../server/mod.ts";
import { DenoDisk } from "../storage/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import { commandHook, mayRun } from "./deno_hook.ts";
import { observe } from "./deno_observation.ts";
import {
  type Environment,
  type LocalEntry,
  type Output,
  OutputClosedError,
  OutputError,
  STDOUT,
} from "./environment.ts";
import type { LineEditor } from "./line_editor.ts";

/** Columns where nobody knows them: what terminals have had since the VT100. */
const COLUMNS_DEFAULT = 80;

/** Writes at the most this many bytes at once, so that a pipe's reader gets its turn. */
const WRITE_SIZE_MAX = 1_048_576;

const UTF8 = new TextEncoder();
const MISSING: LocalEntry = { kind: "missing", size: 0 };

/** What {@linkcode denoOutput} needs of `Deno.stdout` and `Deno.stderr`. */
export interface RawOutput {
  /** Whether it is a terminal. */
  isTerminal(): boolean;
  /** Writes some of it. */
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * An {@linkcode Output} over one of Deno's streams.
 *
 * @param raw The stream.
 * @param name What to call it.
 */
export function denoOutput(raw: RawOutput, name: string): Output {
  let last: Promise<void> = Promise.resolve();

  async function writeAll(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      rest = rest.subarray(await raw.write(rest.subarray(0, WRITE_SIZE_MAX)));
    }
  }

  return {
    isTerminal: raw.isTerminal(),
    columns: terminalColumns,
    write(content): Promise<void> {
      const bytes = typeof content === "string"
        ? UTF8.encode(content)
        : content;
      last = last.then(() => writeAll(bytes)).catch((error) => {
        const isClosed = error instanceof Deno.errors.BrokenPipe;
        throw isClosed
          ? new OutputClosedError("Nobody reads", { cause: error })
          : describeWrite(error, name);
      });
      // Whoever awaits learns of it; a failure that nobody awaits ends nothing.
      last.catch(() => {});
      return last;
    },
  };
}

/** What the system says of a write, as a phrase; other errors are mistakes of ours. */
function describeWrite(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const phrase = error.message.replace(/ \(os error \d+\)$/, "")
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
  return new OutputError(name, phrase, { cause: error });
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || COLUMNS_DEFAULT;
  } catch {
    return COLUMNS_DEFAULT;
  }
}

function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/** Bytes of a line that is typed as an answer. */
const ANSWER_SIZE = 1024;

/** Reads what terminals give: whole lines. */
async function readLine(): Promise<string | undefined> {
  const buffer = new Uint8Array(ANSWER_SIZE);
  const count = await Deno.stdin.read(buffer);
  if (count === null) return undefined;
  return new TextDecoder().decode(buffer.subarray(0, count)).trim();
}

/** What keys without a letter send to a terminal that passes everything on. */
const KEYS = { enter: [10, 13], erase: [8, 127], end: 4 } as const;

/**
 * Reads a line without showing it. Signals stay what they are, and the terminal
 * is given back as it was in any case.
 */
async function readSecret(
  question: string,
  stderr: Output,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (!Deno.stdin.isTerminal()) return undefined;
  await stderr.write(question);
  const aborted = Promise.withResolvers<null>();
  const onAbort = (): void => aborted.resolve(null);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  // Windows knows no cbreak; there raw mode leaves signals alone.
  Deno.stdin.setRaw(true, { cbreak: Deno.build.os !== "windows" });
  try {
    return await readUntilEnter(aborted.promise);
  } finally {
    Deno.stdin.setRaw(false);
    signal?.removeEventListener("abort", onAbort);
    await stderr.write("\n");
  }
}

async function readUntilEnter(
  aborted: Promise<null>,
): Promise<string | undefined> {
  const buffer = new Uint8Array(ANSWER_SIZE);
  const typed: number[] = [];
  for (;;) {
    const count = await Promise.race([Deno.stdin.read(buffer), aborted]);
    if (count === null) return undefined;
    for (const byte of buffer.subarray(0, count)) {
      if (byte === KEYS.enter[0] || byte === KEYS.enter[1]) {
        return new TextDecoder().decode(Uint8Array.from(typed));
      }
      if (byte === KEYS.end) return undefined;
      if (byte !== KEYS.erase[0] && byte !== KEYS.erase[1]) typed.push(byte);
      // A letter may be several bytes: all but the first begin with 10.
      else while (((typed.pop() ?? 0) & 0xc0) === 0x80);
    }
  }
}

async function look(path: string): Promise<LocalEntry> {
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state !== "granted") return MISSING;
  try {
    const { isFile, isDirectory, size } = await Deno.stat(path);
    if (isFile) return { kind: "file", size };
    return { kind: isDirectory ? "directory" : "other", size: 0 };
  } catch {
    return MISSING;
  }
}

async function mayListen({ hostname, port }: NetworkAddress): Promise<boolean> {
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  const host = `${name}:${port}`;
  const { state } = await Deno.permissions.query({ name: "net", host });
  return state === "granted";
}

function onTermination(
  listener: (isInterrupt: boolean) => void,
): () => void {
  const end: Deno.Signal = IS_WINDOWS ? "SIGBREAK" : "SIGTERM";
  const onInterrupt = () => listener(true);
  const onEnd = () => listener(false);
  Deno.addSignalListener("SIGINT", onInterrupt);
  Deno.addSignalListener(end, onEnd);
  return () => {
    Deno.removeSignalListener("SIGINT", onInterrupt);
    Deno.removeSignalListener(end, onEnd);
  };
}

function onReload(listener: () => void): () => void {
  if (Deno.build.os === "windows") return () => {};
  Deno.addSignalListener("SIGHUP", listener);
  return () => Deno.removeSignalListener("SIGHUP", listener);
}

const IS_WINDOWS = Deno.build.os === "windows";

/** The system's own shell, and what makes it run a command. */
const LOCAL_SHELL = IS_WINDOWS
  ? { command: "cmd.exe", args: ["/d", "/s", "/c"] }
  : { command: "sh", args: ["-c"] };

async function runLocal(
  line: string,
  directory: string,
): Promise<number | undefined> {
  const { command, args } = LOCAL_SHELL;
  const { state } = await Deno.permissions.query({ name: "run", command });
  if (state !== "granted") return undefined;
  const child = new Deno.Command(command, {
    args: [...args, line],
    ...directory === "" ? {} : { cwd: directory },
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await child.status).code;
}

function onUnhandledRejection(listener: (reason: unknown) => void): () => void {
  const handle = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    listener(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", handle);
  return () => globalThis.removeEventListener("unhandledrejection", handle);
}

/** The environment of this process. */
export function denoEnvironment(): Environment {
  const stderr = denoOutput(Deno.stderr, "standard error");
  return {
    stdout: denoOutput(Deno.stdout, STDOUT),
    stderr,
    disk: new DenoDisk(),
    canAsk: Deno.stdin.isTerminal() && stderr.isTerminal,
    async ask(question): Promise<string | undefined> {
      await stderr.write(question);
      return await readLine();
    },
    askSecret: (question, signal) => readSecret(question, stderr, signal),
    clock: systemClock,
    random: systemRandom,
    platform: {
      deno: Deno.version.deno,
      target: Deno.build.target,
      isWindows: IS_WINDOWS,
    },
    async editLines(options): Promise<LineEditor> {
      // Most commands edit nothing, and need not wait for what can.
      const { denoLineEditor } = await import("./deno_line_editor.ts");
      return denoLineEditor(options, variable("TERM") === "dumb");
    },
    runLocal,
    stdin: () => Deno.stdin.readable,
    variable,
    look,
    onTermination,
    onReload,
    onUnhandledRejection,
    exit: (code) => Deno.exit(code),
    connect,
    connectClassic: (protocol, options) => protocol.connect(options),
    serve,
    checkServe,
    observe,
    mayRun,
    hook: commandHook,
    mayListen,
  };
}
