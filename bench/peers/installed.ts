/**
 * Finding the programs of a peer, and saying how to get them.
 *
 * @module
 */
import { findProgram } from "../processes.ts";
import type { Availability } from "./peer.ts";

/** What a program's package is called by those who package it. */
interface Packages {
  /** Debian and Ubuntu. */
  readonly apt: string;
  /** Fedora and its relatives. */
  readonly dnf: string;
  /** Homebrew; `undefined` where macOS brings it, or nobody does. */
  readonly brew?: string;
}

const PACKAGES: Readonly<Record<string, Packages>> = {
  curl: { apt: "curl", dnf: "curl", brew: "curl" },
  lftp: { apt: "lftp", dnf: "lftp", brew: "lftp" },
  nginx: { apt: "nginx", dnf: "nginx", brew: "nginx" },
  rsync: { apt: "rsync", dnf: "rsync", brew: "rsync" },
  scp: { apt: "openssh-client", dnf: "openssh-clients", brew: "openssh" },
  ssh: { apt: "openssh-client", dnf: "openssh-clients", brew: "openssh" },
  "ssh-keygen": {
    apt: "openssh-client",
    dnf: "openssh-clients",
    brew: "openssh",
  },
  sshd: { apt: "openssh-server", dnf: "openssh-server", brew: "openssh" },
  tar: { apt: "tar", dnf: "tar" },
  vsftpd: { apt: "vsftpd", dnf: "vsftpd" },
};

const MANAGERS = [
  { name: "apt", command: "apt install", systems: "Debian, Ubuntu" },
  { name: "dnf", command: "dnf install", systems: "Fedora" },
  { name: "brew", command: "brew install", systems: "macOS" },
] as const;

/**
 * What to say of programs that are not there.
 *
 * @param programs Their names; at least one.
 */
export function missingMessage(programs: readonly string[]): string {
  const verb = programs.length === 1 ? "is" : "are";
  const ways = MANAGERS.flatMap(({ name, command, systems }) => {
    const packages = programs.map((program) => PACKAGES[program]?.[name]);
    if (packages.includes(undefined)) return [];
    return [`${command} ${[...new Set(packages)].join(" ")} (${systems})`];
  });
  const advice = ways.length === 0 ? "" : `: ${ways.join(", ")}`;
  return `${programs.join(", ")} ${verb} not installed${advice}`;
}

/** The programs of one peer, by name. */
export class Programs {
  readonly #find: (name: string) => Promise<string | undefined>;
  readonly #paths = new Map<string, string>();

  /**
   * @param names What the peer needs.
   * @param find Looks for one.
   */
  constructor(readonly names: readonly string[], find = findProgram) {
    this.#find = find;
  }

  /** Looks for all of them. */
  async available(): Promise<Availability> {
    const missing: string[] = [];
    for (const name of this.names) {
      const path = await this.#find(name);
      if (path === undefined) missing.push(name);
      else this.#paths.set(name, path);
    }
    return missing.length === 0
      ? { kind: "available" }
      : { kind: "missing", message: missingMessage(missing) };
  }

  /** The path of a program that was found. */
  path(name: string): string {
    return this.#paths.get(name) ?? name;
  }
}
