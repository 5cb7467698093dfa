/**
 * The servers that a user knows, as text: one line a server.
 *
 * ```text
 * # the office
 * files.example.org:65430 SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg
 * [2001:db8::1]:65430 SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg
 * ```
 *
 * Empty lines and those that begin with `#` mean nothing, and stay.
 *
 * @module
 */

import { parseFingerprint } from "./fingerprint.ts";

/** A server that the user knows. */
export interface KnownHost {
  /** `host:port` in lower case, IPv6 in brackets. */
  readonly host: string;
  /** The fingerprint that was trusted. */
  readonly fingerprint: Uint8Array<ArrayBuffer>;
  /** Where that stands: 1 is the first line. */
  readonly line: number;
}

/** A line that makes no sense. */
export interface KnownHostsProblem {
  /** Which: 1 is the first line. */
  readonly line: number;
  /** A phrase that says why. */
  readonly reason: string;
}

/** Letters of a line that are looked at: a name has 253 at most, a fingerprint 50. */
const LINE_SIZE_MAX = 1024;
const HOST_REGEXP =
  /^(?:\[[0-9a-f:.]+(?:%[\w.-]+)?\]|[^\s:#[\]]+):(?<port>\d{1,5})$/i;
const PORT_MAX = 65_535;

/** What a text of known servers says. */
export class KnownHosts {
  /** The servers, in the order of their lines. */
  readonly hosts: readonly KnownHost[];
  /** What makes no sense in it. */
  readonly problems: readonly KnownHostsProblem[];

  private constructor(
    hosts: readonly KnownHost[],
    problems: readonly KnownHostsProblem[],
  ) {
    this.hosts = hosts;
    this.problems = problems;
  }

  /**
   * Reads a text; never throws.
   *
   * @param text The whole text.
   */
  static parse(text: string): KnownHosts {
    const hosts: KnownHost[] = [];
    const problems: KnownHostsProblem[] = [];
    for (const [index, raw] of text.split("\n").entries()) {
      const line = index + 1;
      const content = raw.trim();
      if (content === "" || content.startsWith("#")) continue;
      const found = parseLine(content);
      if (typeof found === "string") problems.push({ line, reason: found });
      else hosts.push({ ...found, line });
    }
    return new KnownHosts(hosts, problems);
  }

  /**
   * What is known of a server; the first line counts, as with `ssh`.
   *
   * @param host `host:port`, IPv6 in brackets.
   */
  find(host: string): KnownHost | undefined {
    const name = host.toLowerCase();
    return this.hosts.find((known) => known.host === name);
  }
}

function parseLine(content: string): Omit<KnownHost, "line"> | string {
  if (content.length > LINE_SIZE_MAX) return "the line is too long";
  const [host = "", text, ...rest] = content.split(/\s+/);
  const port = Number(HOST_REGEXP.exec(host)?.groups?.["port"] ?? NaN);
  if (!(port >= 1 && port <= PORT_MAX)) {
    return "it does not begin with HOST:PORT";
  }
  if (text === undefined) return "the fingerprint is missing";
  const fingerprint = parseFingerprint(text);
  if (fingerprint === undefined) {
    return "the fingerprint is not SHA256: and 43 letters of base64";
  }
  if (rest.length > 0 && !rest[0]?.startsWith("#")) {
    return "there is something behind the fingerprint";
  }
  return { host: host.toLowerCase(), fingerprint };
}
