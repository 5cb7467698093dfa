/**
 * The upload hook as a command of this machine.
 *
 * The command gets one line of JSON on its stdin: `path`, `size`, `digest`,
 * `user`, `peer`, `protocol`, and `staged`, the file that it may read and must
 * not change. It ends with exit code 0 and says nothing to accept the file, or
 * one line of JSON: `{"verdict":"reject","reason":"…"}` or
 * `{"verdict":"rename","path":"…"}`. Anything else is a fault of the command:
 * the file is rejected, and the log tells why.
 *
 * @module
 */

import type { OnReceived, Verdict } from "../server/mod.ts";
import { HookError, readVerdict } from "./hook_verdict.ts";

/** Bytes of output beyond which a command is not read any more. */
const OUTPUT_SIZE_MAX = 65_536;

/** Reads a stream to its end, and keeps the beginning. */
async function readSome(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size <= OUTPUT_SIZE_MAX) {
      text += decoder.decode(chunk, { stream: true });
    }
  }
  return text + decoder.decode();
}

/**
 * A hook that runs a command.
 *
 * @param command The program, and its arguments.
 */
export function commandHook(command: readonly string[]): OnReceived {
  const [program = "", ...args] = command;
  return async (file, signal): Promise<Verdict> => {
    const child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const kill = (): void => {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has just ended.
      }
    };
    signal.addEventListener("abort", kill, { once: true });
    try {
      const [stdout, stderr, { code }] = await Promise.all([
        readSome(child.stdout),
        readSome(child.stderr),
        child.status,
        tell(child.stdin, `${JSON.stringify(file)}\n`),
      ]);
      if (code === 0) return readVerdict(stdout);
      throw new HookError(`it ended with exit code ${code}: ${stderr.trim()}`);
    } finally {
      signal.removeEventListener("abort", kill);
    }
  };
}

/** Writes to a command, which may not care to read. */
async function tell(
  stdin: WritableStream<Uint8Array>,
  text: string,
): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    await writer.abort().catch(() => {});
  }
}

/** Whether this program may run a command; never prompts. */
export async function mayRun(program: string): Promise<boolean> {
  const { state } = await Deno.permissions.query({
    name: "run",
    command: program,
  });
  return state === "granted";
}

/** Gives the permission to run commands back, for good. */
export async function giveUpRunning(): Promise<void> {
  await Deno.permissions.revoke({ name: "run" });
}
