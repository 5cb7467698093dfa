/**
 * Ferry itself, run from its source by this Deno, as `deno task` does.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { TextLineStream } from "@std/streams/text-line-stream";
import { type Command, Daemon } from "../processes.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";

const ROOT = new URL("../../", import.meta.url);
const READY_PATTERN = /^listening ferry tcp:\/\/(?<host>127\.0\.0\.1:\d+)$/;
const READY_TIMEOUT_MS = 15_000;

/** `ferryd` and `ferry`. */
export class FerryPeer implements Peer {
  readonly name: string;
  readonly title: string;
  readonly client = "ferry";
  readonly lacks: ReadonlyMap<Direction, string> = new Map();
  readonly #durability: "full" | "none";
  #daemon: Daemon | undefined;
  #host = "";

  /** @param durability What a receipt is to promise. */
  constructor(durability: "full" | "none") {
    this.#durability = durability;
    this.name = durability === "full" ? "ferry" : "ferry-none";
    this.title = durability === "full" ? "ferry" : "ferry --durability none";
  }

  get serverPid(): number | undefined {
    return this.#daemon?.pid;
  }

  available(): Promise<Availability> {
    return Promise.resolve({ kind: "available" });
  }

  async start({ served }: Site): Promise<void> {
    this.#daemon = new Daemon(
      deno("main_server.ts", [
        "--allow-net=127.0.0.1",
        `--allow-read=${served}`,
        `--allow-write=${served}`,
        "--allow-sys=statfs",
      ], ["--listen", "127.0.0.1:0", "--quiet", served]),
    );
    const line = await firstLine(this.#daemon.stdout);
    const host = READY_PATTERN.exec(line ?? "")?.groups?.["host"];
    if (host === undefined) {
      throw new Error(
        `ferryd said "${
          line ?? ""
        }" instead of where it listens: ${this.#daemon.said}`,
      );
    }
    this.#host = host;
  }

  get(remote: string, local: string): Command {
    return this.#client([
      "get",
      this.#host,
      remote,
      `--output=${local}`,
      ...this.#options(),
    ]);
  }

  put(local: string, remote: string): Command {
    return this.#client([
      "put",
      this.#host,
      local,
      `--output=${remote}`,
      ...this.#options(),
    ]);
  }

  version(): Command {
    return this.#client(["--version"]);
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  #options(): string[] {
    return ["--quiet", `--durability=${this.#durability}`];
  }

  #client(args: readonly string[]): Command {
    return deno("main_client.ts", [
      "--allow-net=127.0.0.1",
      "--allow-read",
      "--allow-write",
      "--allow-env",
    ], args);
  }
}

function deno(
  main: string,
  permissions: readonly string[],
  args: readonly string[],
): Command {
  return {
    program: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      "--frozen",
      "--no-prompt",
      ...permissions,
      fromFileUrl(new URL(main, ROOT)),
      ...args,
    ],
  };
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
