import { assert, assertEquals } from "@std/assert";
import { NetworkError } from "../../lib/transport/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { encodeData } from "../helpers/raw_peer.ts";
import {
  HELLO,
  type Login,
  NO_TOKEN,
  putBody,
  startServer,
  type TestServer,
} from "../helpers/test_server.ts";

/** Tries to attach; says how it ends. */
async function attachWith(
  server: TestServer,
  session: Uint8Array,
  token: Uint8Array,
): Promise<string> {
  const data = await server.dial();
  await data.send("ATTACH", { version: 1, session, token });
  const frame = await data.receive();
  if (frame?.type === "ATTACHED") return "attached";
  assert(frame?.type === "FAIL");
  await data.expectEnd();
  return frame.body.message;
}

const REFUSED = "the data token is not valid";

Deno.test("FerryServer refuses a data connection of another version", async () => {
  await using server = await startServer();
  const login = await server.logIn();
  const token = await server.token(login, 1);
  const data = await server.dial();
  const { session } = login.ready;
  await data.send("ATTACH", { version: 2, session, token });
  assertEquals(await data.farewell(), "unsupported");
});

Deno.test("FerryServer takes a data token once, in time, for its own session only", async () => {
  await using server = await startServer({
    limits: { tokenLifetime: 5000, checkInterval: 1e9 },
  });
  const first = await server.logIn();
  const second = await server.logIn();
  const of = ({ ready }: Login) => ready.session;
  assertEquals(await attachWith(server, of(first), NO_TOKEN), REFUSED);
  assertEquals(await attachWith(server, new Uint8Array(16), NO_TOKEN), REFUSED);
  const token = await server.token(first, 1);
  assertEquals(await attachWith(server, of(second), token), REFUSED);
  assertEquals(await attachWith(server, of(first), token), "attached");
  assertEquals(await attachWith(server, of(first), token), REFUSED);
  const late = await server.token(first, 2);
  await server.clock.advance(5001);
  assertEquals(await attachWith(server, of(first), late), REFUSED);
  const orphan = await server.token(second, 3);
  second.control.close();
  await settle();
  assertEquals(await attachWith(server, of(second), orphan), REFUSED);
  await server.assertServes();
});

Deno.test("FerryServer gives a session only so many tokens and data connections", async () => {
  await using server = await startServer({
    limits: { dataConnectionCountMax: 2, tokenLifetime: 5000 },
  });
  const login = await server.logIn();
  assertEquals(login.ready.dataConnections, 2);
  const data = await server.attach(login, 1);
  await server.token(login, 2);
  await login.control.send("GRANT", {}, 3);
  assertEquals(await login.control.refusal(3), "limit");
  // Tokens that nobody used, and connections that ended, make room again.
  await server.clock.advance(5001);
  const token = await server.token(login, 4);
  await attachWith(server, login.ready.session, token);
  await login.control.send("GRANT", {}, 5);
  assertEquals(await login.control.refusal(5), "limit");
  data.close();
  await settle();
  await server.token(login, 6);
});

Deno.test("FerryServer ends the data connections of a session with it", async () => {
  await using server = await startServer();
  const login = await server.logIn();
  const data = await server.attach(login);
  await login.control.send("GOODBYE", { reason: "done" });
  await login.control.expectEnd();
  await data.expectEnd();
});

Deno.test("FerryServer refuses connections beyond its limits politely", async () => {
  await using server = await startServer({
    limits: { connectionCountMax: 2, checkInterval: 1e9 },
  });
  const first = await server.logIn();
  await server.logIn();
  const third = await server.dial();
  await third.send("HELLO", HELLO);
  assertEquals(await third.farewell(), "limit");
  first.control.close();
  await settle();
  await server.assertServes();
});

Deno.test("FerryServer bounds the connections that have not said who they are", async () => {
  await using server = await startServer({ limits: { pendingCountMax: 2 } });
  const login = await server.logIn();
  await settle();
  const waiting = [await server.dial(), await server.dial()];
  const third = await server.dial();
  assertEquals(await third.farewell(), "limit");
  await login.control.send("SPACE", {}, 1);
  await login.control.expect("SPACE_LEFT");
  waiting[0]!.close();
  await settle();
  await server.assertServes();
});

Deno.test("FerryServer backs off when it cannot accept, and goes on", async () => {
  await using server = await startServer({ limits: { exhaustedDelay: 250 } });
  const listener = server.network.listener(server.address.port);
  const exhausted = new NetworkError("exhausted", "out of descriptors");
  for (let count = 0; count < 3; count++) listener.fail(exhausted);
  const peer = await server.dial();
  await peer.send("HELLO", HELLO);
  await settle();
  assertEquals(listener.failures.length, 2);
  await server.clock.advance(249);
  assertEquals(listener.failures.length, 2);
  await server.clock.advance(1);
  assertEquals(listener.failures.length, 1);
  await server.clock.advance(1000);
  await peer.expect("GREETING");
});

Deno.test("FerryServer ends a farewell that the peer does not hear", async () => {
  await using server = await startServer({
    limits: { connectionCountMax: 0, farewellTimeout: 1000 },
  });
  await server.dial();
  await settle();
  const { server: end } = server.network.dialled[0]!;
  assertEquals(end.closed, false);
  await server.clock.advance(1000);
  assertEquals(end.closed, true);
});

Deno.test("FerryServer ends both connections when one id runs twice and the client leaves", async () => {
  await using server = await startServer();
  for (let index = 0; index < 6000; index++) {
    await server.write(`/entry-${index}`, new Uint8Array(0));
  }
  const login = await server.logIn();
  const data = await server.attach(login, 1);
  await login.control.send("LIST", { path: "", recursive: false }, 5);
  for (let page = 0; page < 8; page++) await login.control.expect("PAGE");
  // The same id on the data connection: it must not hide the listing.
  await data.send("PUT", putBody("a"), 5);
  await data.expect("OPENED");
  data.close();
  await settle();
  login.control.close();
  // Disposing of the server would wait for ever for the listing.
});

Deno.test("FerryServer pings a silent client and ends a dead one", async () => {
  await using server = await startServer({
    limits: { checkInterval: 15_000, silentCheckCountMax: 3 },
  });
  const login = await server.logIn();
  const data = await server.attach(login);
  await server.clock.advance(15_000);
  await server.clock.advance(15_000);
  const { body } = await login.control.expect("PING");
  await login.control.send("PONG", body);
  await server.clock.advance(15_000);
  // It was heard: counted anew.
  await server.clock.advance(15_000);
  await login.control.expect("PING");
  await server.clock.advance(15_000);
  await login.control.expect("PING");
  await server.clock.advance(15_000);
  await login.control.expectEnd();
  await data.expectEnd();
  await server.assertServes();
});

Deno.test("FerryServer answers PING, and takes PONG and late MORE", async () => {
  await using server = await startServer();
  const { control } = await server.logIn();
  await control.send("PONG", { cookie: 3 });
  await control.send("PING", { cookie: 9 });
  assertEquals((await control.expect("PONG")).body.cookie, 9);
  await control.send("LIST", { path: "", recursive: false }, 1);
  await control.expect("DONE");
  await control.send("MORE", { pages: 1 }, 1);
  await control.send("CANCEL", {}, 1);
  await control.send("CANCEL", {}, 77);
  await control.send("PING", { cookie: 10 });
  await control.expect("PONG");
});

Deno.test("FerryServer closes on a peer that trickles the rest of a frame", async () => {
  await using server = await startServer({
    limits: { checkInterval: 15_000, progressSizeMin: 4096 },
  });
  const login = await server.logIn();
  const data = await server.attach(login);
  await data.send("PUT", putBody("a", { size: 1_048_576 }), 2);
  await data.expect("OPENED");
  const bytes = new Uint8Array(1_048_604);

  bytes.set(encodeData(2, 0, new Uint8Array(1_048_576)));
  let at = 0;
  const trickle = async (size: number) => {
    await data.sendBytes(bytes.slice(at, at + size));
    at += size;
    await login.control.send("PONG", { cookie: 1 });
    await server.clock.advance(15_000);
  };
  for (let count = 0; count < 4; count++) await trickle(5000);
  assertEquals(server.network.dialled[1]!.server.closed, false);
  await trickle(100);
  assertEquals(server.network.dialled[1]!.server.closed, true);
  assertEquals(await server.staged(), []);
  await login.control.send("SPACE", {}, 3);
  await login.control.await("SPACE_LEFT");
});

Deno.test("FerryServer stops listening to a peer that asks and never reads", async () => {
  await using server = await startServer();
  const { control } = await server.logIn();
  const flood = (async () => {
    for (let id = 1;; id++) await control.send("PING", { cookie: id });
  })().catch(() => {});
  await settle();
  const [{ client, server: end }] = server.network.dialled as [
    typeof server.network.dialled[0],
  ];
  const taken = client.bytesWritten;
  await settle();
  assertEquals(client.bytesWritten, taken, "the flood is held up");
  // The pipe's 64 KiB, the queue's 256 KiB, and the pipe's again.
  assert(taken < 1_000_000 && end.bytesWritten < 1_000_000);
  // It says nothing new any more: it counts as silent, and is closed.
  await server.clock.advance(60_000);
  assertEquals(end.closed, true);
  await flood;
  await server.assertServes();
});

Deno.test("FerryServer refuses more requests at once than it takes", async () => {
  await using server = await startServer({ limits: { requestCountMax: 2 } });
  for (let index = 0; index < 6000; index++) {
    await server.write(`/entry-${index}`, new Uint8Array(0));
  }
  const { control } = await server.logIn();
  const frames = [1, 2, 3];
  for (const id of frames) {
    await control.send("LIST", { path: "", recursive: false }, id);
  }
  let refused = 0;
  for (let count = 0; count < 17; count++) {
    const frame = await control.receive();
    if (frame?.type === "ERROR") {
      assertEquals([frame.id, frame.body.code], [3, 19]);
      refused++;
    } else assertEquals(frame?.type, "PAGE");
  }
  assertEquals(refused, 1);
  await control.send("CANCEL", {}, 1);
  assertEquals(await control.refusal(1), "cancelled");
  await control.send("SPACE", {}, 4);
  await control.expect("SPACE_LEFT");
});
