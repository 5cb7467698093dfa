/**
 * nets: lock-step state machines, one download or upload a connection.
 *
 * @module
 */

import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { NetsClient } from "./client.ts";
import { NETS, netsDoor } from "./door.ts";

/** The port of the original server. */
const DOOR_PORT = 50_001;

/** The port that the original client dials: that of the stammering proxy. */
const CLIENT_PORT = 50_000;

/** The protocol. */
export const nets: ClassicProtocol = {
  name: NETS,
  doorPort: DOOR_PORT,
  clientPort: CLIENT_PORT,
  hasLogin: false,
  hasDataPort: false,
  operations: ["get", "put"],
  door: netsDoor,
  connect: (options) =>
    Promise.resolve(new NetsClient(clientParts(options, CLIENT_PORT))),
};
