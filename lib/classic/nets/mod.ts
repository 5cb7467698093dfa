/**
 * nets: lock-step state machines, one download or upload a connection.
 *
 * @module
 */

import { NETS_FACTS } from "../facts.ts";
import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { NetsClient } from "./client.ts";
import { netsDoor } from "./door.ts";

/** The protocol. */
export const nets: ClassicProtocol = {
  ...NETS_FACTS,
  door: netsDoor,
  connect: (options) =>
    Promise.resolve(
      new NetsClient(clientParts(options, NETS_FACTS.clientPort)),
    ),
};
