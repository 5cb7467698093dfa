/**
 * Ferry itself, run from its source by this Deno, as `deno task` does.
 *
 * @module
 */
import { CLIENT_PERMISSIONS, denoCommand } from "../ferry/job.ts";
import { ServerProcess } from "../ferry/server_process.ts";
import type { Command } from "../processes.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";

/** `ferryd` and `ferry`. */
export class FerryPeer implements Peer {
  readonly name: string;
  readonly title: string;
  readonly client = "ferry";
  readonly lacks: ReadonlyMap<Direction, string> = new Map();
  readonly #durability: "full" | "none";
  #server: ServerProcess | undefined;

  /** @param durability What a receipt is to promise. */
  constructor(durability: "full" | "none") {
    this.#durability = durability;
    this.name = durability === "full" ? "ferry" : "ferry-none";
    this.title = durability === "full" ? "ferry" : "ferry --durability none";
  }

  get serverPid(): number | undefined {
    return this.#server?.pid;
  }

  available(): Promise<Availability> {
    return Promise.resolve({ kind: "available" });
  }

  async start({ served }: Pick<Site, "served">): Promise<void> {
    this.#server = await ServerProcess.start(served);
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

  getTree(remote: string, local: string): Command {
    return this.#client([
      "get",
      "--recursive",
      this.#host,
      remote,
      `--output=${local}`,
      ...this.#options(),
    ]);
  }

  putTree(local: string, remote: string): Command {
    return this.#client([
      "put",
      "--recursive",
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
    await this.#server?.stop();
    this.#server = undefined;
  }

  get #host(): string {
    return `127.0.0.1:${this.#server?.port}`;
  }

  #options(): string[] {
    return ["--quiet", `--durability=${this.#durability}`];
  }

  #client(args: readonly string[]): Command {
    return denoCommand("main_client.ts", CLIENT_PERMISSIONS, args);
  }
}
