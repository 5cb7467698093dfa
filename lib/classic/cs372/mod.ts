/**
 * cs372: a control and a data connection, an answer after each message.
 *
 * @module
 */

import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { Cs372Client } from "./client.ts";
import { cs372Door } from "./door.ts";

/** The port of the original server. */
const PORT = 3555;

/** The protocol. */
export const cs372: ClassicProtocol = {
  name: "cs372",
  doorPort: PORT,
  clientPort: PORT,
  hasLogin: false,
  hasDataPort: true,
  operations: ["list", "get"],
  door: () => cs372Door,
  connect: (options) =>
    Promise.resolve(new Cs372Client(clientParts(options, PORT))),
};
