/**
 * `ferryd` as a process.
 *
 * @module
 */
import { TextLineStream } from "@std/streams/text-line-stream";
import { Daemon } from "../processes.ts";
import { denoCommand } from "./job.ts";

/** What a ready server says, with `--log-format json`. */
interface Ready {
  readonly scheme: "tcp" | "tls";
  readonly port: number;
  readonly fingerprint?: string;
}

const READY_TIMEOUT_MS = 15_000;

/** A server that runs until it is stopped or killed. */
export class ServerProcess {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon, readonly ready: Ready) {
    this.#daemon = daemon;
  }

  /** Where it listens. */
  get port(): number {
    return this.ready.port;
  }

  /** Plain TCP, or inside TLS. */
  get scheme(): "tcp" | "tls" {
    return this.ready.scheme;
  }

  /** What its certificate is known by, inside TLS. */
  get fingerprint(): string | undefined {
    return this.ready.fingerprint;
  }

  /**
   * Starts a server on a free port of 127.0.0.1, and waits until it listens.
   *
   * @param served The folder that it offers.
   * @param scheme Plain TCP, or inside TLS.
   * @throws {Error} if it does not listen in time, with what it said.
   */
  static async start(
    served: string,
    scheme: "tcp" | "tls" = "tcp",
  ): Promise<ServerProcess> {
    const daemon = new Daemon(
      denoCommand("main_server.ts", [
        "--allow-net=127.0.0.1",
        `--allow-read=${served}`,
        `--allow-write=${served}`,
        "--allow-sys=statfs",
      ], [
        ...["--listen", `${scheme}://127.0.0.1:0`, "--log-format", "json"],
        ...["--quiet", served],
      ]),
    );
    const line = await firstLine(daemon.stdout);
    try {
      return new ServerProcess(daemon, JSON.parse(line ?? ""));
    } catch (cause) {
      await daemon.stop();
      throw new Error(
        `ferryd said "${
          line ?? ""
        }" instead of where it listens: ${daemon.said}`,
        { cause },
      );
    }
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
