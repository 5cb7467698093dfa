/**
 * cs372-login: the same course as cs372, with user and password.
 *
 * @module
 */

import { FerryError } from "../../client/mod.ts";
import { CS372_LOGIN_FACTS } from "../facts.ts";
import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { Cs372LoginClient } from "./client.ts";
import { cs372LoginDoor } from "./door.ts";

/** The protocol. */
export const cs372Login: ClassicProtocol = {
  ...CS372_LOGIN_FACTS,
  door: () => cs372LoginDoor,
  connect(options) {
    const { user = "", password = "" } = options;
    // Nobody could tell an empty message from none.
    if (user === "" || password === "") {
      return Promise.reject(
        new FerryError(
          "login-refused",
          "cs372-login needs a user name and a password",
          { side: "local" },
        ),
      );
    }
    const parts = clientParts(options, CS372_LOGIN_FACTS.clientPort);
    return Promise.resolve(new Cs372LoginClient(parts, { user, password }));
  },
};
