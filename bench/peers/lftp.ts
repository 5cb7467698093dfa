/**
 * `lftp` and `vsftpd`: FTP, several files at a time.
 *
 * @module
 */
import type { Command } from "../processes.ts";
import { Programs } from "./installed.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";
import { VsftpdServer } from "./vsftpd_server.ts";

/** What asks a server for things that vsftpd refuses to strangers. */
const SETTINGS = [
  "set cmd:fail-exit yes",
  "set ftp:use-site-chmod no",
  "set ftp:use-site-utime no",
  "set ftp:use-site-utime2 no",
];

/** Four at a time, as people who have many files do. */
const MIRROR = "mirror --parallel=4 --no-perms";

/** FTP for folders. */
export class LftpPeer implements Peer {
  readonly name = "lftp";
  readonly title = "lftp mirror -P4 + vsftpd";
  readonly client = "lftp";
  readonly lacks: ReadonlyMap<Direction, string> = new Map();
  readonly #programs = new Programs(["lftp", "vsftpd"]);
  readonly #server = new VsftpdServer();

  get serverPid(): number | undefined {
    return this.#server.pid;
  }

  available(): Promise<Availability> {
    return this.#programs.available();
  }

  start(site: Site): Promise<void> {
    return this.#server.start(this.#programs.path("vsftpd"), site);
  }

  get(remote: string, local: string): Command {
    return this.#lftp([`get "${this.#server.url(remote)}" -o "${local}"`]);
  }

  put(local: string, remote: string): Command {
    return this.#lftp([`put "${local}" -o "${this.#server.url(remote)}"`]);
  }

  getTree(remote: string, local: string): Command {
    return this.#lftp([
      `open ${this.#server.url("")}`,
      `${MIRROR} "/${remote}" "${local}"`,
    ]);
  }

  putTree(local: string, remote: string): Command {
    return this.#lftp([
      `open ${this.#server.url("")}`,
      `${MIRROR} --reverse "${local}" "/${remote}"`,
    ]);
  }

  version(): Command {
    return { program: this.#programs.path("lftp"), args: ["--version"] };
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  #lftp(commands: readonly string[]): Command {
    return {
      program: this.#programs.path("lftp"),
      args: [
        "--norc",
        "-c",
        [...SETTINGS, ...commands].join("; "),
      ],
    };
  }
}
