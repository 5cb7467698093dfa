/**
 * `curl` and `nginx`: HTTP, with `sendfile`.
 *
 * @module
 */
import { join } from "@std/path";
import { type Command, Daemon, freePort, runTimed } from "../processes.ts";
import { Programs } from "./installed.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";

/** HTTP. */
export class NginxPeer implements Peer {
  readonly name = "nginx";
  readonly title = "curl + nginx (HTTP)";
  readonly client = "curl";
  readonly lacks = new Map<Direction, string>();
  readonly #programs = new Programs(["curl", "nginx"]);
  #daemon: Daemon | undefined;
  #port = 0;

  get serverPid(): number | undefined {
    return this.#daemon?.pid;
  }

  async available(): Promise<Availability> {
    const availability = await this.#programs.available();
    if (availability.kind === "missing") return availability;
    const { output } = await runTimed({
      program: this.#programs.path("nginx"),
      args: ["-V"],
    });
    if (!output.includes("http_dav_module")) {
      this.lacks.set(
        "put",
        "this nginx has no dav module: apt install nginx-extras (Debian, Ubuntu)",
      );
    }
    return availability;
  }

  async start(site: Site): Promise<void> {
    this.#port = freePort();
    const file = join(site.scratch, "nginx.conf");
    await Deno.writeTextFile(file, this.#configuration(site));
    this.#daemon = new Daemon({
      program: this.#programs.path("nginx"),
      args: ["-p", site.scratch, "-c", file, "-e", "stderr"],
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
    return `http://127.0.0.1:${this.#port}/${remote}`;
  }

  #curl(args: readonly string[]): Command {
    return {
      program: this.#programs.path("curl"),
      args: ["--silent", "--show-error", "--fail", "--noproxy", "*", ...args],
    };
  }

  #configuration({ scratch, served, incoming, isRoot }: Site): string {
    // What is received goes to a file on the same file system first, and is
    // renamed then, as Ferry does it.
    const dav = this.lacks.has("put") ? "" : "dav_methods PUT;";
    return `
daemon off;
${isRoot ? "user root;" : ""}
worker_processes 1;
pid ${join(scratch, "nginx.pid")};
error_log stderr;
events { worker_connections 64; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_max_body_size 0;
  client_body_temp_path ${join(incoming, ".nginx-body")};
  proxy_temp_path ${join(scratch, "proxy")};
  fastcgi_temp_path ${join(scratch, "fastcgi")};
  uwsgi_temp_path ${join(scratch, "uwsgi")};
  scgi_temp_path ${join(scratch, "scgi")};
  server {
    listen 127.0.0.1:${this.#port};
    root ${served};
    ${dav}
  }
}
`;
  }
}
