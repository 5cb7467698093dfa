/**
 * Ports and addresses as text, which is how the cs372 kinds tell where the
 * server is to connect to.
 *
 * @module
 */

import { isLoopback } from "../transport/mod.ts";

/** Highest port number. */
export const PORT_MAX = 65_535;

/** A decimal number of a port, as people and programs write it. */
const PORT_PATTERN = /^(?:0|[1-9][0-9]{0,4})$/;

/** The number that a text stands for, or `undefined` if it is none of a port. */
export function parsePort(text: string): number | undefined {
  const port = Number(text);
  return PORT_PATTERN.test(text) && port <= PORT_MAX ? port : undefined;
}

/** An IPv4 address within IPv6, as a server sees it that listens on both. */
const MAPPED_PATTERN = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** The IPv4 address that a host has, however it is written; `undefined` for IPv6. */
export function toIpv4(hostname: string): string | undefined {
  const address = MAPPED_PATTERN.exec(hostname)?.[1] ?? hostname;
  return isIpv4(address) ? address : undefined;
}

/** Whether a text is one of the four numbers of an IPv4 address. */
export function isOctet(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= 255;
}

/** Whether a text is an IPv4 address in the usual form. */
function isIpv4(text: string): boolean {
  const octets = text.split(".");
  return octets.length === 4 && octets.every(isOctet);
}

/** Whether two addresses mean the same host, for all that can be told from them. */
export function isSameHost(one: string, other: string): boolean {
  return (toIpv4(one) ?? one) === (toIpv4(other) ?? other) ||
    isLoopback(one) && isLoopback(other);
}

/**
 * Whether an address can be what a peer calls its own: the one that its
 * connection comes from, or a loopback address, which every host has.
 */
export function isOwnAddress(claim: string, peer: string): boolean {
  return isLoopback(claim) || isSameHost(claim, peer);
}
