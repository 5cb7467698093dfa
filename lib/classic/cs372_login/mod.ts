/**
 * cs372-login: the same course as cs372, with user and password.
 *
 * @module
 */

import { FerryError } from "../../client/mod.ts";
import { clientParts } from "../operation.ts";
import type { ClassicProtocol } from "../types.ts";
import { Cs372LoginClient } from "./client.ts";
import { cs372LoginDoor } from "./door.ts";

/** One more than the original's port, which is that of cs372. */
const PORT = 3556;

/** The protocol. */
export const cs372Login: ClassicProtocol = {
  name: "cs372-login",
  doorPort: PORT,
  clientPort: PORT,
  hasLogin: true,
  hasDataPort: true,
  doorWarning:
    "cs372-login sends passwords as plain text: everybody on the way can read them.",
  operations: ["list", "get"],
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
    const parts = clientParts(options, PORT);
    return Promise.resolve(new Cs372LoginClient(parts, { user, password }));
  },
};
