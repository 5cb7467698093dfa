/** Data connections that the server dials, with a client by hand. */

import { assert, assertEquals } from "@std/assert";
import type { Listener } from "../../lib/transport/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import {
  type Login,
  startServer,
  type TestServer,
} from "../helpers/test_server.ts";

const TOKEN = new Uint8Array(32).fill(9);

/** Listens as a client does. */
function listen(server: TestServer): Listener {
  return server.network.listen({ hostname: "127.0.0.1", port: 40_000 });
}

async function accept(listener: Listener): Promise<RawPeer> {
  const connection = await listener.accept();
  assert(connection !== undefined);
  return new RawPeer(connection);
}

/** Has the server dial; the connection as it is after `DIALLED`. */
async function dialled(
  listener: Listener,
  { control, ready }: Login,
  id: number,
): Promise<RawPeer> {
  await control.send("DIAL", { port: 40_000, token: TOKEN }, id);
  const peer = await accept(listener);
  const { body } = await peer.expect("DIALLED");
  assertEquals(body, { session: ready.session, token: TOKEN });
  await control.await("DONE");
  return peer;
}

Deno.test("DIAL makes a data connection like any other", async () => {
  await using server = await startServer({ allowActive: true });
  await server.write("/f", TOKEN);
  const listener = listen(server);
  const login = await server.logIn();
  assertEquals(login.ready.active, true);
  const token = await server.token(login, 1);
  const peer = await dialled(listener, login, 2);
  const { session } = login.ready;
  await peer.send("ATTACH", { version: 1, session, token });
  await peer.expect("ATTACHED");
  await peer.send("GET", { path: "f", algorithm: "crc32-chunks" }, 3);
  await peer.expect("OPENED");
  assertEquals((await peer.expect("DATA")).payload, TOKEN);
  peer.close();
  listener.close();
});

Deno.test("DIAL is denied where the operator has not allowed it", async () => {
  await using server = await startServer();
  const login = await server.logIn();
  assert(!login.ready.active);
  await login.control.send("DIAL", { port: 40_000, token: TOKEN }, 1);
  assertEquals(await login.control.refusal(1), "denied");
  assertEquals(server.network.dialled.length, 1);
});

Deno.test("DIAL is denied for ports of services", async () => {
  await using server = await startServer({ allowActive: true });
  const { control } = await server.logIn();
  for (const [index, port] of [0, 25, 1023].entries()) {
    await control.send("DIAL", { port, token: TOKEN }, 1 + index);
    assertEquals(await control.refusal(1 + index), "denied");
  }
  assertEquals(server.network.dialled.length, 1);
});

Deno.test("DIAL to where nobody listens, or answers, is told with a hint", async () => {
  await using server = await startServer({ allowActive: true });
  const { control } = await server.logIn();
  await control.send("DIAL", { port: 40_000, token: TOKEN }, 1);
  const refused = await control.await("ERROR");
  assertEquals(refused.body.code, 20);
  assert(refused.body.message.includes("firewall"), refused.body.message);
  server.network.dialFailures.push("hang");
  await control.send("DIAL", { port: 40_000, token: TOKEN }, 2);
  await server.clock.advance(10_000);
  const late = await control.await("ERROR");
  assertEquals(late.body.code, 20);
  assert(late.body.message.includes("10 s"), late.body.message);
});

Deno.test("DIAL ends with CANCEL, and with its session", async () => {
  for (const isSession of [true, false]) {
    await using server = await startServer({ allowActive: true });
    const { control } = await server.logIn();
    server.network.dialFailures.push("hang");
    await control.send("DIAL", { port: 40_000, token: TOKEN }, 1);
    await settle();
    if (isSession) control.close();
    else {
      await control.send("CANCEL", {}, 1);
      assertEquals(await control.refusal(1), "cancelled");
    }
    await settle();
    await server.assertServes();
  }
});

Deno.test("DIAL: who answers must be the client that has asked", async () => {
  await using server = await startServer({ allowActive: true });
  const listener = listen(server);
  const login = await server.logIn();
  const other = await server.logIn();
  const own = await server.token(login, 1);
  const foreign = await server.token(other, 1);
  const answers = [
    { session: login.ready.session, token: TOKEN },
    { session: other.ready.session, token: foreign },
    { session: login.ready.session, token: foreign },
  ];
  for (const [index, answer] of answers.entries()) {
    const peer = await dialled(listener, login, 2 + index);
    await peer.send("ATTACH", { version: 1, ...answer });
    assertEquals(await peer.farewell(), "login-refused");
  }
  // A port where something else answers: it is told nothing more.
  const stranger = await dialled(listener, login, 5);
  await stranger.sendBytes(new TextEncoder().encode("220 hello\r\n".repeat(9)));
  assertEquals(await stranger.farewell(), "protocol");
  const silent = await dialled(listener, login, 6);
  await server.clock.advance(10_000);
  assertEquals(await silent.farewell(), "timeout");
  const peer = await dialled(listener, login, 7);
  const { session } = login.ready;
  await peer.send("ATTACH", { version: 1, session, token: own });
  await peer.expect("ATTACHED");
  peer.close();
  listener.close();
});

Deno.test("DIAL: no more at once than there may be data connections", async () => {
  await using server = await startServer({
    allowActive: true,
    limits: { dataConnectionCountMax: 2 },
  });
  const { control } = await server.logIn();
  server.network.dialFailures.push("hang", "hang");
  for (const id of [1, 2, 3]) {
    await control.send("DIAL", { port: 40_000, token: TOKEN }, id);
  }
  assertEquals(await control.refusal(3), "limit");
  await server.clock.advance(10_000);
  assertEquals(await control.refusal(1), "unavailable");
});
