/**
 * csci320: uploads that begin with an 8-byte size.
 *
 * @module
 */

import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { Csci320Client } from "./client.ts";
import { CSCI320, csci320Door } from "./door.ts";

/** The port of the original server. */
const PORT = 12_000;

/** The protocol. */
export const csci320: ClassicProtocol = {
  name: CSCI320,
  doorPort: PORT,
  clientPort: PORT,
  hasLogin: false,
  hasDataPort: false,
  operations: ["put"],
  door: csci320Door,
  connect: (options) =>
    Promise.resolve(new Csci320Client(clientParts(options, PORT))),
};
