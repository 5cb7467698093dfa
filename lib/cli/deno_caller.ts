/**
 * The {@linkcode Caller} of a real process.
 *
 * @module
 */

import { systemClock } from "../platform/mod.ts";
import {
  type Caller,
  type Environment,
  type Output,
  OutputClosedError,
  OutputError,
  STDOUT,
} from "./environment.ts";

/** Columns where nobody knows them: what terminals have had since the VT100. */
const COLUMNS_DEFAULT = 80;

/** Writes at the most this many bytes at once, so that a pipe's reader gets its turn. */
const WRITE_SIZE_MAX = 1_048_576;

const UTF8 = new TextEncoder();

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

function onUnhandledRejection(listener: (reason: unknown) => void): () => void {
  const handle = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    listener(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", handle);
  return () => globalThis.removeEventListener("unhandledrejection", handle);
}

/** The caller of this process. */
export function denoCaller(): Caller {
  const caller: Caller = {
    stdout: denoOutput(Deno.stdout, STDOUT),
    stderr: denoOutput(Deno.stderr, "standard error"),
    clock: systemClock,
    platform: {
      deno: Deno.version.deno,
      target: Deno.build.target,
      isWindows: Deno.build.os === "windows",
    },
    variable,
    onUnhandledRejection,
    async load(): Promise<Environment> {
      const { denoEnvironment } = await import("./deno_environment.ts");
      return denoEnvironment(caller);
    },
  };
  return caller;
}
