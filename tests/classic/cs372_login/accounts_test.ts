/** The cs372-login door with a real users file, over real sockets. */

import { assertEquals, assertRejects } from "@std/assert";
import { cs372Login } from "../../../lib/classic/cs372_login/mod.ts";
import {
  addUser,
  EMPTY_USERS_FILE,
  hashPassword,
} from "../../../lib/accounts/mod.ts";
import { FerryError } from "../../../lib/client/mod.ts";
import { systemClock } from "../../../lib/platform/mod.ts";
import { tcpNetwork } from "../../../lib/transport/mod.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { accountScene } from "../../server/account_scene.ts";
import { collector } from "../client_scene.ts";
import { recv, send } from "../peers/recv.ts";

const PASSWORDS = { alice: "correct horse", bob: "battery", bobby: "staple" };

async function usersFile(): Promise<string> {
  const cost = { ln: 10, r: 1, p: 1 };
  let text = EMPTY_USERS_FILE;
  for (const [name, secret] of Object.entries(PASSWORDS)) {
    text = addUser(name, {
      rights: name === "alice" ? ["list", "read"] : ["list"],
      root: undefined,
      password: await hashPassword(secret, new SeededRandom(3), { cost }),
      key: undefined,
    })(text);
  }
  return text;
}

Deno.test("accounts of the users file, by this wire and by no other rule", async () => {
  const address = { hostname: "127.0.0.1", port: 0 };
  await using at = await accountScene({
    users: {},
    files: { "a.txt": "of everybody" },
    serve: {
      network: tcpNetwork,
      clock: systemClock,
      // Far beyond what a loaded machine needs.
      limits: { loginTimeout: 120_000 },
      doors: [{ protocol: cs372Login.door(), address }],
    },
  });
  await at.rewrite(await usersFile());
  const door = at.server.doors.find(({ protocol }) =>
    protocol === "cs372-login"
  )!;
  const client = (user: string, password: string) =>
    cs372Login.connect({ ...door.address, user, password });
  const get = async (user: string, password: string) => {
    await using session = await client(user, password);
    const { bytes, stream } = collector();
    const { size } = await session.get!("a.txt", stream);
    return [size, new TextDecoder().decode(await bytes())];
  };
  const joined = async (text: string) => {
    const control = await tcpNetwork.dial(door.address);
    try {
      await send(control, text);
      return await recv(control);
    } finally {
      control.close();
    }
  };
  const refused = async (work: Promise<unknown>) =>
    (await assertRejects(() => work, FerryError)).code;

  // All at once: each has pauses of seconds.
  assertEquals(
    await Promise.all([
      get("alice", PASSWORDS.alice),
      refused(get("alice", "wrong")),
      refused(get("nobody", "at all")),
      refused(get("bob", PASSWORDS.bob)),
      joined(`alice${PASSWORDS.alice}`),
      joined(`alice wrong`),
      // Could be bob with "by…" as well.
      joined(`bobby${PASSWORDS.bobby}`),
      joined("nobody at all"),
    ]),
    [
      [12, "of everybody"],
      "login-refused",
      "login-refused",
      "denied",
      "Match",
      "No match",
      "No match",
      "No match",
    ],
  );
  assertEquals(at.told("log-in-refused").length, 5);
  const told = JSON.stringify(at.events);
  for (const secret of ["horse", "battery", "staple", "at all"]) {
    assertEquals(told.includes(secret), false);
  }
});
