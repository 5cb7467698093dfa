/**
 * Every state of a `csci320` conversation, for both roles: one upload a
 * connection, and no answer after its bytes.
 *
 * @module
 */

import type { FileStep } from "../file_step.ts";
import type { Machine } from "../machine.ts";

/** What goes over the connection, besides the bytes of the file. */
export type Csci320MessageType = "HEADER" | "GO_AHEAD" | "REFUSAL";

/** The one table. */
export const CSCI320_MACHINE: Machine<Csci320MessageType | FileStep> = {
  start: { "client HEADER": "announced" },
  announced: { "server GO_AHEAD": "sending", "server REFUSAL": "over" },
  sending: { "client DATA": "sending", "client WHOLE": "over" },
  over: {},
};
