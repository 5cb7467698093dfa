/**
 * `curl` and `vsftpd`: FTP, with `sendfile`.
 *
 * @module
 */
import { join } from "@std/path";
import { type Command, Daemon, freePort } from "../processes.ts";
import { Programs } from "./installed.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";

/** FTP. */
export class VsftpdPeer implements Peer {
  readonly name = "vsftpd";
  readonly title = "curl + vsftpd (FTP)";
  readonly client = "curl";
  readonly lacks: ReadonlyMap<Direction, string> = new Map();
  readonly #programs = new Programs(["curl", "vsftpd"]);
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
    const file = join(site.scratch, "vsftpd.conf");
    const empty = join(site.scratch, "empty");
    await Deno.mkdir(empty, { mode: 0o755 });
    await Deno.writeTextFile(file, this.#configuration(site, empty));
    this.#daemon = new Daemon({
      program: this.#programs.path("vsftpd"),
      args: [file],
    });
    await this.#daemon.waitForPort(this.#port);
  }

  get(remote: string, local: string): Command {
    return this.#curl(["--output", local, this.#url(remote)]);
  }

  put(local: string, remote: string): Command {
    return this.#curl(["--upload-file", local, this.#url(remote)]);
  }

  version(): Command {
    return { program: this.#programs.path("curl"), args: ["--version"] };
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  #url(remote: string): string {
    return `ftp://127.0.0.1:${this.#port}/${remote}`;
  }

  #curl(args: readonly string[]): Command {
    return {
      program: this.#programs.path("curl"),
      args: ["--silent", "--show-error", "--noproxy", "*", ...args],
    };
  }

  #configuration({ served, isRoot }: Site, empty: string): string {
    return Object.entries({
      listen: "YES",
      listen_address: "127.0.0.1",
      listen_port: this.#port,
      background: "NO",
      anonymous_enable: "YES",
      local_enable: "NO",
      no_anon_password: "YES",
      anon_root: served,
      write_enable: "YES",
      anon_upload_enable: "YES",
      anon_umask: "022",
      anon_world_readable_only: "NO",
      use_sendfile: "YES",
      secure_chroot_dir: empty,
      xferlog_enable: "NO",
      tcp_wrappers: "NO",
      // Wanted on a server, but not allowed in every container.
      isolate: "NO",
      isolate_network: "NO",
      seccomp_sandbox: "NO",
      run_as_launching_user: isRoot ? "NO" : "YES",
    }).map(([key, value]) => `${key}=${value}\n`).join("");
  }
}
