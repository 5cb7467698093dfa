/**
 * Every state of a cs372 conversation, for both roles: lock-step on the control
 * connection, then one data connection that the server opens.
 *
 * @module
 */

import type { Machine } from "../machine.ts";

/**
 * What goes over both connections. `LIST`, `GET` and `UNKNOWN` are the commands;
 * `OPEN`, `DATA` and `END` are the data connection: that it stands, bytes on it,
 * its end. `MISSING` stands for the data `File not found.`.
 */
export type Cs372Message =
  | "LIST"
  | "GET"
  | "UNKNOWN"
  | "PORT"
  | "ADDRESS"
  | "NAME"
  | "OK"
  | "OPEN"
  | "DATA"
  | "MISSING"
  | "END";

/** The one table. */
export const CS372_MACHINE: Machine<Cs372Message> = {
  start: {
    "client LIST": "list asked",
    "client GET": "get asked",
    "client UNKNOWN": "unknown asked",
  },

  "list asked": { "server OK": "list accepted" },
  "list accepted": { "client PORT": "list port" },
  "list port": { "server OK": "list port accepted" },
  "list port accepted": { "client ADDRESS": "list address" },
  "list address": { "server OK": "list dialling" },
  "list dialling": { "server OPEN": "listing" },
  listing: { "server DATA": "listing", "server END": "over" },

  "get asked": { "server OK": "get accepted" },
  "get accepted": { "client PORT": "get port" },
  "get port": { "server OK": "get port accepted" },
  "get port accepted": { "client ADDRESS": "get address" },
  "get address": { "server OK": "get address accepted" },
  "get address accepted": { "client NAME": "get name" },
  "get name": { "server OK": "get dialling" },
  "get dialling": { "server OPEN": "getting" },
  getting: {
    "server DATA": "sending",
    "server MISSING": "missing",
    "server END": "over",
  },
  sending: { "server DATA": "sending", "server END": "over" },
  missing: { "server END": "over" },

  "unknown asked": { "server OK": "unknown accepted" },
  "unknown accepted": { "client PORT": "unknown port" },
  "unknown port": { "server OK": "unknown port accepted" },
  "unknown port accepted": { "client ADDRESS": "unknown address" },
  "unknown address": { "server OK": "unknown dialling" },
  "unknown dialling": { "server OPEN": "nothing" },
  nothing: { "server END": "over" },

  over: {},
};
