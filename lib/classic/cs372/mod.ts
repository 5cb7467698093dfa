/**
 * cs372: a control and a data connection, an answer after each message.
 *
 * @module
 */

import { CS372_FACTS } from "../facts.ts";
import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { Cs372Client } from "./client.ts";
import { cs372Door } from "./door.ts";

/** The protocol. */
export const cs372: ClassicProtocol = {
  ...CS372_FACTS,
  door: () => cs372Door,
  connect: (options) =>
    Promise.resolve(
      new Cs372Client(clientParts(options, CS372_FACTS.clientPort)),
    ),
};
