/**
 * `rsync` and its daemon, with whole files: nothing to compare, only to move.
 *
 * @module
 */
import { join } from "@std/path";
import { type Command, Daemon, freePort } from "../processes.ts";
import { Programs } from "./installed.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";

/** The name under which the daemon offers the folder. */
const MODULE = "bench";

/** The rsync protocol over plain TCP. */
export class RsyncPeer implements Peer {
  readonly name = "rsync";
  readonly title = "rsync + rsync daemon";
  readonly client = "rsync";
  readonly lacks: ReadonlyMap<Direction, string> = new Map();
  readonly #programs = new Programs(["rsync"]);
  #daemon: Daemon | undefined;
  #port = 0;

  get serverPid(): number | undefined {
    return this.#daemon?.pid;
  }

  available(): Promise<Availability> {
    return this.#programs.available();
  }

  async start(site: Site): Promise<void> {
    this.#port = freePort();
    const file = join(site.scratch, "rsyncd.conf");
    await Deno.writeTextFile(file, configuration(site));
    this.#daemon = new Daemon({
      program: this.#programs.path("rsync"),
      args: [
        "--daemon",
        "--no-detach",
        `--config=${file}`,
        "--address=127.0.0.1",
        `--port=${this.#port}`,
      ],
    });
    await this.#daemon.waitForPort(this.#port);
  }

  get(remote: string, local: string): Command {
    return this.#rsync([this.#url(remote), local]);
  }

  put(local: string, remote: string): Command {
    return this.#rsync([local, this.#url(remote)]);
  }

  getTree(remote: string, local: string): Command {
    return this.#rsync(["--recursive", `${this.#url(remote)}/`, local]);
  }

  putTree(local: string, remote: string): Command {
    return this.#rsync(["--recursive", `${local}/`, this.#url(remote)]);
  }

  version(): Command {
    return { program: this.#programs.path("rsync"), args: ["--version"] };
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  #url(remote: string): string {
    return `rsync://127.0.0.1:${this.#port}/${MODULE}/${remote}`;
  }

  #rsync(args: readonly string[]): Command {
    return {
      program: this.#programs.path("rsync"),
      args: ["--whole-file", ...args],
    };
  }
}

function configuration({ scratch, served, isRoot }: Site): string {
  return `
pid file = ${join(scratch, "rsyncd.pid")}
log file = ${join(scratch, "rsyncd.log")}
use chroot = no
${isRoot ? "uid = root\ngid = root" : ""}
[${MODULE}]
path = ${served}
read only = no
`;
}
