/**
 * `curl` and `vsftpd`: FTP, with `sendfile`.
 *
 * @module
 */
import type { Command } from "../processes.ts";
import { Programs } from "./installed.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";
import { VsftpdServer } from "./vsftpd_server.ts";

/** FTP. */
export class VsftpdPeer implements Peer {
  readonly name = "vsftpd";
  readonly title = "curl + vsftpd (FTP)";
  readonly client = "curl";
  readonly lacks: ReadonlyMap<Direction, string> = new Map();
  readonly #programs = new Programs(["curl", "vsftpd"]);
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
    return this.#curl(["--output", local, this.#server.url(remote)]);
  }

  put(local: string, remote: string): Command {
    return this.#curl(["--upload-file", local, this.#server.url(remote)]);
  }

  version(): Command {
    return { program: this.#programs.path("curl"), args: ["--version"] };
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  #curl(args: readonly string[]): Command {
    return {
      program: this.#programs.path("curl"),
      args: ["--silent", "--show-error", "--noproxy", "*", ...args],
    };
  }
}
