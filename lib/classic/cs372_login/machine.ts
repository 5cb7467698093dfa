/**
 * Every state of a cs372-login conversation, for both roles: the log-in, one
 * request, then one data connection that the server opens.
 *
 * @module
 */

import type { Machine } from "../machine.ts";

/**
 * What goes over both connections. `JOINED` is user and password that have
 * arrived as one; `OPEN`, `NAME`, `DATA`, `MARK` and `END` are the data
 * connection: that it stands, a name of the listing, bytes of the file, the mark
 * `endOfInput`, its end.
 */
export type LoginMessage =
  | "USER"
  | "PASSWORD"
  | "JOINED"
  | "MATCH"
  | "NO_MATCH"
  | "LIST"
  | "GET"
  | "UNKNOWN"
  | "RECOGNIZED"
  | "UNRECOGNIZED"
  | "OPEN"
  | "FOUND"
  | "MISSING"
  | "NAME"
  | "DATA"
  | "MARK"
  | "END";

/**
 * The one table. `… early`: nothing orders what comes over two connections, so a
 * client may learn whether there is a file before it sees the data connection.
 */
export const LOGIN_MACHINE: Machine<LoginMessage> = {
  start: { "client USER": "named", "client JOINED": "checking" },
  named: { "client PASSWORD": "checking" },
  checking: { "server MATCH": "ready", "server NO_MATCH": "over" },
  ready: {
    "client LIST": "list asked",
    "client GET": "get asked",
    "client UNKNOWN": "unknown asked",
  },

  "unknown asked": { "server UNRECOGNIZED": "over" },

  "list asked": {
    "server RECOGNIZED": "list dialling",
    "server UNRECOGNIZED": "over",
  },
  "list dialling": { "server OPEN": "listing" },
  listing: { "server NAME": "listing", "server MARK": "marked" },

  "get asked": {
    "server RECOGNIZED": "get dialling",
    "server UNRECOGNIZED": "over",
  },
  "get dialling": {
    "server OPEN": "looking",
    "server FOUND": "found early",
    "server MISSING": "missing early",
  },
  "found early": { "server OPEN": "sending" },
  "missing early": { "server OPEN": "over" },
  looking: { "server FOUND": "sending", "server MISSING": "over" },
  sending: { "server DATA": "sending", "server MARK": "marked" },

  marked: { "server END": "over" },
  over: {},
};
