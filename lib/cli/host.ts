/**
 * Where servers are, as people write it.
 *
 * @module
 */

import { DEFAULT_PORT } from "../client/plain.ts";
import type { ServerAddress } from "../server/mod.ts";
import {
  type NetworkAddress,
  type Scheme,
  usualScheme,
} from "../transport/plain.ts";
import { classic } from "./classic_messages.ts";
import { usage } from "./messages.ts";
import { UsageError } from "./usage_error.ts";

const PORT_MAX = 65535;
const HOST_SIZE_MAX = 253;

interface Parts {
  readonly scheme: string | undefined;
  readonly hostname: string;
  readonly port: number | undefined;
}

/** Letters of any script, for names may be international; no signs that mean something. */
const NAME_PATTERN = /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.-]*$/u;
const SCHEME_PATTERN = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<rest>.*)$/is;
const BRACKET_PATTERN = /^\[(?<address>[^\]]*)\](?::(?<port>.*))?$/s;
const NAME_PORT_PATTERN = /^(?<name>[^:]*)(?::(?<port>.*))?$/s;

function isIpv6(text: string): boolean {
  const [address = "", zone] = text.split("%", 2);
  if (!/^[0-9a-f:.]+$/i.test(address)) return false;
  if (zone !== undefined && !/^[\w.-]+$/.test(zone)) return false;
  return URL.canParse(`http://[${address}]/`);
}

function readPort(text: string, whole: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= PORT_MAX) return port;
  throw new UsageError(usage.badPort(whole, text));
}

function split(text: string): Parts {
  const url = SCHEME_PATTERN.exec(text)?.groups;
  const scheme = url?.scheme?.toLowerCase();
  // "tcp://host/" is what completion and habit make of "tcp://host".
  const rest = url?.rest?.replace(/\/$/, "") ?? text;
  if (isIpv6(rest)) return { scheme, hostname: rest, port: undefined };
  const bracketed = BRACKET_PATTERN.exec(rest)?.groups;
  const plain = bracketed ?? NAME_PORT_PATTERN.exec(rest)?.groups;
  if (plain === undefined) throw new UsageError(usage.badHost(text));
  const hostname = bracketed?.address ?? plain.name ?? "";
  const isValid = bracketed === undefined
    ? NAME_PATTERN.test(hostname) && hostname.length <= HOST_SIZE_MAX
    : isIpv6(hostname);
  if (!isValid) throw new UsageError(usage.badHost(text));
  const port = plain.port === undefined
    ? undefined
    : readPort(plain.port, text);
  return { scheme, hostname, port };
}

/** The scheme, said or meant. */
function schemeOf(text: string, { scheme, hostname }: Parts): Scheme {
  if (scheme === undefined) return usualScheme(hostname);
  if (scheme === "tcp" || scheme === "tls") return scheme;
  throw new UsageError(usage.badScheme(text, scheme));
}

/**
 * Reads the HOST of a client's command line: `host`, `host:port`, `[v6]:port`,
 * each also behind `tcp://` or `tls://`.
 *
 * @param text As it was typed.
 * @throws {UsageError} if it cannot be that.
 */
export function readHost(text: string): ServerAddress {
  const parts = split(text);
  const { hostname, port } = parts;
  const scheme = schemeOf(text, parts);
  if (port === 0) throw new UsageError(usage.badPort(text, "0"));
  return { hostname, port: port ?? DEFAULT_PORT, scheme };
}

/**
 * Reads the HOST of a classic server, which is always plain TCP.
 *
 * @param text As it was typed.
 * @param protocol The protocol, for its port and for messages.
 * @throws {UsageError} if it cannot be that.
 */
export function readClassicHost(
  text: string,
  protocol: { readonly name: string; readonly clientPort: number },
): ServerAddress {
  const { scheme, hostname, port = protocol.clientPort } = split(text);
  if (scheme !== undefined && scheme !== "tcp") {
    throw new UsageError(classic.plainOnly(protocol.name, text));
  }
  if (port === 0) throw new UsageError(usage.badPort(text, "0"));
  return { hostname, port, scheme: "tcp" };
}

/**
 * Reads where a server is to listen; port 0 is any free one.
 *
 * @param text As it was typed.
 * @throws {UsageError} if it cannot be that.
 */
export function readListenAddress(text: string): ServerAddress {
  // ":8080" and "8080" are tempting, and mean every address of the machine.
  if (/^(t(cp|ls):\/\/)?:?\d{1,5}$/.test(text)) {
    throw new UsageError(usage.listenNeedsHost(text));
  }
  const parts = split(text);
  const { hostname, port } = parts;
  return {
    hostname,
    port: port ?? DEFAULT_PORT,
    scheme: schemeOf(text, parts),
  };
}

/**
 * Reads where a server is to listen for plain HTTP.
 *
 * @param text As it was typed.
 * @throws {UsageError} if it cannot be that.
 */
export function readPlainAddress(text: string): NetworkAddress {
  if (/^tls:/i.test(text)) throw new UsageError(usage.plainOnly(text));
  const { hostname, port } = readListenAddress(text);
  return { hostname, port };
}
