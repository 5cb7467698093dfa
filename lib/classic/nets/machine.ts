/**
 * Every state of a `nets` conversation, for both roles: one operation a
 * connection, lock-step both ways.
 *
 * @module
 */

import type { FileStep } from "../file_step.ts";
import type { Machine } from "../machine.ts";

/** What goes over the connection, besides the bytes of the file. */
export type NetsMessageType =
  | "DOWNLOAD"
  | "OFFER"
  | "MISSING"
  | "DOWNLOAD_ERROR"
  | "START"
  | "NO_SPACE"
  | "UPLOAD"
  | "ACCEPT"
  | "IN_USE"
  | "UPLOAD_ERROR"
  | "SIZE"
  | "SEND"
  | "TOO_BIG";

/** The states in which a message of a fixed length is awaited. */
export type NetsTurn =
  | "start"
  | "download asked"
  | "download offered"
  | "upload asked"
  | "upload accepted"
  | "upload sized";

/** The one table. */
export const NETS_MACHINE: Machine<NetsMessageType | FileStep> = {
  start: {
    "client DOWNLOAD": "download asked",
    "client UPLOAD": "upload asked",
  },

  "download asked": {
    "server OFFER": "download offered",
    "server MISSING": "over",
    "server DOWNLOAD_ERROR": "over",
  },
  "download offered": {
    "client START": "downloading",
    "client NO_SPACE": "over",
  },
  downloading: { "server DATA": "downloading", "server WHOLE": "over" },

  "upload asked": {
    "server ACCEPT": "upload accepted",
    "server IN_USE": "over",
    "server UPLOAD_ERROR": "over",
  },
  "upload accepted": { "client SIZE": "upload sized" },
  "upload sized": { "server SEND": "uploading", "server TOO_BIG": "over" },
  uploading: { "client DATA": "uploading", "client WHOLE": "over" },

  over: {},
};
