/**
 * coen366: many requests over one connection, bits as text.
 *
 * @module
 */

import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { Coen366Client } from "./client.ts";
import { COEN366, coen366Door } from "./door.ts";

/** The port of the original server. */
const PORT = 65_432;

/** The protocol. */
export const coen366: ClassicProtocol = {
  name: COEN366,
  doorPort: PORT,
  clientPort: PORT,
  hasLogin: false,
  hasDataPort: false,
  operations: ["get", "put", "rename", "help"],
  door: coen366Door,
  connect: (options) => Coen366Client.open(clientParts(options, PORT)),
};
