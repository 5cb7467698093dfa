/**
 * coen366: many requests over one connection, bits as text.
 *
 * @module
 */

import { COEN366_FACTS } from "../facts.ts";
import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { Coen366Client } from "./client.ts";
import { coen366Door } from "./door.ts";

/** The protocol. */
export const coen366: ClassicProtocol = {
  ...COEN366_FACTS,
  door: coen366Door,
  connect: (options) =>
    Coen366Client.open(clientParts(options, COEN366_FACTS.clientPort)),
};
