/**
 * `tar` into `tar` through a pipe: no network, no check. What the file system
 * itself takes, and so the least that anybody can.
 *
 * @module
 */
import { join } from "@std/path";
import type { Command } from "../processes.ts";
import { Programs } from "./installed.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";

/** The pipe ends with what the first program of it ends with, too. */
const COPY =
  'set -o pipefail; mkdir "$2" && "$0" -C "$1" -cf - . | "$0" -C "$2" -xf -';

/** A copy on the same machine. */
export class TarPeer implements Peer {
  readonly name = "tar";
  readonly title = "tar | tar (no network)";
  readonly client = "tar";
  readonly lacks: ReadonlyMap<Direction, string> = new Map();
  readonly serverPid = undefined;
  readonly #programs = new Programs(["tar", "bash"]);
  #served = "";

  available(): Promise<Availability> {
    return this.#programs.available();
  }

  start({ served }: Site): Promise<void> {
    this.#served = served;
    return Promise.resolve();
  }

  get(remote: string, local: string): Command {
    return { program: "cp", args: [join(this.#served, remote), local] };
  }

  put(local: string, remote: string): Command {
    return { program: "cp", args: [local, join(this.#served, remote)] };
  }

  getTree(remote: string, local: string): Command {
    return this.#copy(join(this.#served, remote), local);
  }

  putTree(local: string, remote: string): Command {
    return this.#copy(local, join(this.#served, remote));
  }

  version(): Command {
    return { program: this.#programs.path("tar"), args: ["--version"] };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  #copy(from: string, to: string): Command {
    return {
      program: this.#programs.path("bash"),
      args: ["-c", COPY, this.#programs.path("tar"), from, to],
    };
  }
}
