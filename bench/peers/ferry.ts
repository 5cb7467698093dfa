/**
 * Ferry itself, run from its source by this Deno, as `deno task` does.
 *
 * @module
 */
import { CLIENT_PERMISSIONS, denoCommand } from "../ferry/job.ts";
import { ServerProcess } from "../ferry/server_process.ts";
import type { Command } from "../processes.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";

/** What is special about a {@linkcode FerryPeer}: nothing, no fsync, or TLS. */
export type FerryWay = "usual" | "none" | "tls";

const TITLES: Readonly<
  Record<FerryWay, readonly [name: string, title: string]>
> = {
  usual: ["ferry", "ferry"],
  none: ["ferry-none", "ferry --durability none"],
  tls: ["ferry-tls", "ferry inside TLS 1.3"],
};

/** `ferryd` and `ferry`. */
export class FerryPeer implements Peer {
  readonly name: string;
  readonly title: string;
  readonly client = "ferry";
  readonly lacks: ReadonlyMap<Direction, string> = new Map();
  readonly #way: FerryWay;
  #server: ServerProcess | undefined;

  /** @param way What is special about it. */
  constructor(way: FerryWay) {
    this.#way = way;
    [this.name, this.title] = TITLES[way];
  }

  get serverPid(): number | undefined {
    return this.#server?.pid;
  }

  available(): Promise<Availability> {
    return Promise.resolve({ kind: "available" });
  }

  async start({ served }: Pick<Site, "served">): Promise<void> {
    const scheme = this.#way === "tls" ? "tls" : "tcp";
    this.#server = await ServerProcess.start(served, scheme);
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
    return `${this.#server?.scheme}://127.0.0.1:${this.#server?.port}`;
  }

  #options(): string[] {
    const durability = this.#way === "none" ? "none" : "full";
    const fingerprint = this.#server?.fingerprint;
    return [
      "--quiet",
      `--durability=${durability}`,
      ...fingerprint === undefined ? [] : [`--fingerprint=${fingerprint}`],
    ];
  }

  #client(args: readonly string[]): Command {
    return denoCommand("main_client.ts", CLIENT_PERMISSIONS, args);
  }
}
