/**
 * Every state of a `coen366` conversation, for both roles: any number of
 * requests over one connection, each after the answer to the one before.
 *
 * The one thing that may cross: the server refuses a `PUT` before its last byte
 * (`refused`), and what still comes of it is dropped.
 *
 * @module
 */

import type { FileStep } from "../file_step.ts";
import type { Machine } from "../machine.ts";

/** What goes over the connection, besides the bytes of files; `BYE` is its end. */
export type Coen366MessageType =
  | "PUT"
  | "GET"
  | "CHANGE"
  | "HELP"
  | "UNKNOWN"
  | "DONE"
  | "FILE"
  | "NOT_FOUND"
  | "REFUSED"
  | "NOT_KNOWN"
  | "COMMANDS"
  | "BYE";

/** The one table. */
export const COEN366_MACHINE: Machine<Coen366MessageType | FileStep> = {
  start: {
    "client PUT": "putting",
    "client GET": "asked",
    "client CHANGE": "changing",
    "client HELP": "helping",
    "client UNKNOWN": "puzzled",
    "client BYE": "over",
  },
  putting: {
    "client DATA": "putting",
    "client WHOLE": "put",
    "server REFUSED": "refused",
  },
  put: { "server DONE": "start", "server REFUSED": "start" },
  refused: { "client DATA": "refused", "client WHOLE": "start" },
  asked: {
    "server FILE": "getting",
    "server NOT_FOUND": "start",
    "server NOT_KNOWN": "start",
  },
  getting: { "server DATA": "getting", "server WHOLE": "start" },
  changing: {
    "server DONE": "start",
    "server NOT_FOUND": "start",
    "server REFUSED": "start",
    "server NOT_KNOWN": "start",
  },
  helping: { "server COMMANDS": "start", "server NOT_KNOWN": "start" },
  puzzled: { "server NOT_KNOWN": "start" },
  over: {},
};
