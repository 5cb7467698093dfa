/**
 * `scp` and `sshd`, with keys made for this run only. They encrypt, which the
 * others do not: no comparison of equals, but what people are used to.
 *
 * @module
 */
import { join } from "@std/path";
import { type Command, Daemon, freePort, runTimed } from "../processes.ts";
import { Programs } from "./installed.ts";
import type { Availability, Direction, Peer, Site } from "./peer.ts";

/** Where sshd locks its unprivileged half up; it does not start without. */
const PRIVILEGE_SEPARATION_FOLDER = "/run/sshd";

/** SFTP over SSH. */
export class ScpPeer implements Peer {
  readonly name = "scp";
  readonly title = "scp + sshd (encrypted)";
  readonly client = "scp";
  readonly lacks: ReadonlyMap<Direction, string> = new Map();
  readonly #programs = new Programs(["scp", "ssh", "sshd", "ssh-keygen"]);
  #daemon: Daemon | undefined;
  #port = 0;
  #served = "";
  #clientFile = "";
  #hasMadeFolder = false;

  get serverPid(): number | undefined {
    return this.#daemon?.pid;
  }

  available(): Promise<Availability> {
    return this.#programs.available();
  }

  async start(site: Site): Promise<void> {
    this.#port = freePort();
    this.#served = site.served;
    await this.#makeKeys(site.scratch);
    await this.#writeConfigurations(site);
    if (site.isRoot) await this.#makeFolder();
    this.#daemon = new Daemon({
      program: this.#programs.path("sshd"),
      args: ["-D", "-e", "-f", join(site.scratch, "sshd_config")],
    });
    await this.#daemon.waitForPort(this.#port);
  }

  get(remote: string, local: string): Command {
    return this.#scp([this.#remote(remote), local]);
  }

  put(local: string, remote: string): Command {
    return this.#scp([local, this.#remote(remote)]);
  }

  getTree(remote: string, local: string): Command {
    return this.#scp(["-r", this.#remote(remote), local]);
  }

  putTree(local: string, remote: string): Command {
    return this.#scp(["-r", local, this.#remote(remote)]);
  }

  version(): Command {
    return { program: this.#programs.path("ssh"), args: ["-V"] };
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
    if (this.#hasMadeFolder) await Deno.remove(PRIVILEGE_SEPARATION_FOLDER);
    this.#hasMadeFolder = false;
  }

  #remote(path: string): string {
    return `bench:${join(this.#served, path)}`;
  }

  #scp(args: readonly string[]): Command {
    return {
      program: this.#programs.path("scp"),
      args: ["-q", "-F", this.#clientFile, ...args],
    };
  }

  async #makeKeys(folder: string): Promise<void> {
    for (const key of ["host_key", "user_key"]) {
      await runTimed({
        program: this.#programs.path("ssh-keygen"),
        args: ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, key)],
      });
    }
    const host = await Deno.readTextFile(join(folder, "host_key.pub"));
    await Deno.writeTextFile(join(folder, "known_hosts"), `bench ${host}`);
  }

  async #writeConfigurations({ scratch }: Site): Promise<void> {
    const { output } = await runTimed({ program: "id", args: ["-un"] });
    this.#clientFile = join(scratch, "ssh_config");
    await Deno.writeTextFile(
      this.#clientFile,
      `
Host bench
  HostName 127.0.0.1
  HostKeyAlias bench
  Port ${this.#port}
  User ${output.trim()}
  IdentityFile ${join(scratch, "user_key")}
  IdentitiesOnly yes
  IdentityAgent none
  BatchMode yes
  StrictHostKeyChecking yes
  UserKnownHostsFile ${join(scratch, "known_hosts")}
`,
    );
    await Deno.writeTextFile(
      join(scratch, "sshd_config"),
      `
ListenAddress 127.0.0.1
Port ${this.#port}
HostKey ${join(scratch, "host_key")}
AuthorizedKeysFile ${join(scratch, "user_key.pub")}
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
`,
    );
  }

  async #makeFolder(): Promise<void> {
    try {
      await Deno.mkdir(PRIVILEGE_SEPARATION_FOLDER, { mode: 0o755 });
      this.#hasMadeFolder = true;
    } catch (error) {
      // Where sshd runs already, it is there.
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}
