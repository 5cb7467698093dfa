/**
 * `ferryd` as a process.
 *
 * @module
 */
import { TextLineStream } from "@std/streams/text-line-stream";
import { Daemon } from "../processes.ts";
import { denoCommand } from "./job.ts";

const READY_PATTERN = /^listening ferry tcp:\/\/127\.0\.0\.1:(?<port>\d+)$/;
const READY_TIMEOUT_MS = 15_000;

/** A server that runs until it is stopped or killed. */
export class ServerProcess {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon, readonly port: number) {
    this.#daemon = daemon;
  }

  /**
   * Starts a server on a free port of 127.0.0.1, and waits until it listens.
   *
   * @param served The folder that it offers.
   * @throws {Error} if it does not listen in time, with what it said.
   */
  static async start(served: string): Promise<ServerProcess> {
    const daemon = new Daemon(
      denoCommand("main_server.ts", [
        "--allow-net=127.0.0.1",
        `--allow-read=${served}`,
        `--allow-write=${served}`,
        "--allow-sys=statfs",
      ], ["--listen", "127.0.0.1:0", "--quiet", served]),
    );
    const line = await firstLine(daemon.stdout);
    const port = READY_PATTERN.exec(line ?? "")?.groups?.["port"];
    if (port === undefined) {
      await daemon.stop();
      throw new Error(
        `ferryd said "${
          line ?? ""
        }" instead of where it listens: ${daemon.said}`,
      );
    }
    return new ServerProcess(daemon, Number(port));
  }

  /** The id of the process. */
  get pid(): number {
    return this.#daemon.pid;
  }

  /** Ends it, politely at first. */
  stop(): Promise<void> {
    return this.#daemon.stop();
  }

  /** Ends it as a crash does. */
  kill(): Promise<void> {
    return this.#daemon.kill();
  }
}

/** The first line, or `undefined` if there is none in time. */
async function firstLine(
  stream: ReadableStream<Uint8Array>,
): Promise<string | undefined> {
  const reader = stream
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .pipeThrough(new TextLineStream())
    .getReader();
  const timer = setTimeout(() => reader.cancel(), READY_TIMEOUT_MS);
  try {
    const { value } = await reader.read();
    return value;
  } finally {
    clearTimeout(timer);
    // The server says nothing more on stdout.
    reader.releaseLock();
  }
}
