/**
 * `vsftpd`, for several clients.
 *
 * @module
 */
import { join } from "@std/path";
import { Daemon, freePort } from "../processes.ts";
import type { Site } from "./peer.ts";

/** The server; it lets anybody do everything, on 127.0.0.1. */
export class VsftpdServer {
  #daemon: Daemon | undefined;
  #port = 0;

  /** The process, while it runs. */
  get pid(): number | undefined {
    return this.#daemon?.pid;
  }

  /** Starts it. */
  async start(program: string, site: Site): Promise<void> {
    this.#port = freePort();
    const file = join(site.scratch, "vsftpd.conf");
    const empty = join(site.scratch, "empty");
    await Deno.mkdir(empty, { mode: 0o755 });
    await Deno.writeTextFile(file, this.#configuration(site, empty));
    this.#daemon = new Daemon({ program, args: [file] });
    await this.#daemon.waitForPort(this.#port);
  }

  /** The address of a path below the folder that is served. */
  url(remote: string): string {
    return `ftp://127.0.0.1:${this.#port}/${remote}`;
  }

  /** Stops it, if it was started. */
  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
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
      anon_mkdir_write_enable: "YES",
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
