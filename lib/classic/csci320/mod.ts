/**
 * csci320: uploads that begin with an 8-byte size.
 *
 * @module
 */

import { CSCI320_FACTS } from "../facts.ts";
import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { Csci320Client } from "./client.ts";
import { csci320Door } from "./door.ts";

/** The protocol. */
export const csci320: ClassicProtocol = {
  ...CSCI320_FACTS,
  door: csci320Door,
  connect: (options) =>
    Promise.resolve(
      new Csci320Client(clientParts(options, CSCI320_FACTS.clientPort)),
    ),
};
