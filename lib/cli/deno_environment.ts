/**
 * The {@linkcode Environment} of a real process. Client and server are loaded
 * where one of them is asked for: no program needs both.
 *
 * @module
 */

import type { ClassicClient } from "../classic/mod.ts";
import type { Client } from "../client/mod.ts";
import { systemRandom } from "../platform/mod.ts";
import type { OpenDoor, Server, Verdict } from "../server/mod.ts";
import { DenoDisk } from "../storage/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import type {
  Caller,
  Environment,
  LocalEntry,
  Observation,
  Output,
} from "./environment.ts";
import type { LineEditor } from "./line_editor.ts";

const MISSING: LocalEntry = { kind: "missing", size: 0 };

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

/**
 * The environment of this process.
 *
 * @param caller What of it there is already.
 */
export function denoEnvironment(caller: Caller): Environment {
  const { stderr, variable } = caller;
  return {
    ...caller,
    disk: new DenoDisk(),
    canAsk: Deno.stdin.isTerminal() && stderr.isTerminal,
    async ask(question): Promise<string | undefined> {
      await stderr.write(question);
      return await readLine();
    },
    askSecret: (question, signal) => readSecret(question, stderr, signal),
    random: systemRandom,
    async editLines(options): Promise<LineEditor> {
      // Most commands edit nothing, and need not wait for what can.
      const { denoLineEditor } = await import("./deno_line_editor.ts");
      return denoLineEditor(options, variable("TERM") === "dumb");
    },
    runLocal,
    stdin: () => Deno.stdin.readable,
    look,
    onTermination,
    onReload,
    exit: (code) => Deno.exit(code),
    async connect(options): Promise<Client> {
      const { connect } = await import("../client/mod.ts");
      return await connect(options);
    },
    async connectClassic({ name }, options): Promise<ClassicClient> {
      const { CLASSIC } = await import("../classic/mod.ts");
      return await CLASSIC.get(name)!.connect(options);
    },
    async serve(options): Promise<Server> {
      const { serve } = await import("../server/mod.ts");
      return await serve(options);
    },
    async checkServe(options): Promise<readonly OpenDoor[]> {
      const { checkServe } = await import("../server/mod.ts");
      return await checkServe(options);
    },
    async observe(options): Promise<Observation> {
      const { observe } = await import("./deno_observation.ts");
      return await observe(options);
    },
    async giveUpRunning(): Promise<void> {
      const { giveUpRunning } = await import("./deno_hook.ts");
      await giveUpRunning();
    },
    async mayRun(program): Promise<boolean> {
      const { mayRun } = await import("./deno_hook.ts");
      return await mayRun(program);
    },
    hook: (command) => async (file, signal): Promise<Verdict> => {
      const { commandHook } = await import("./deno_hook.ts");
      return await commandHook(command)(file, signal);
    },
    mayListen,
  };
}
