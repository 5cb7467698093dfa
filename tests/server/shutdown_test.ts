import { assertEquals, assertRejects } from "@std/assert";
import { NetworkError } from "../../lib/transport/mod.ts";
import { patched } from "../helpers/patched.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { settle } from "../helpers/fake_clock.ts";
import { HELLO, putBody, startServer } from "../helpers/test_server.ts";

/** Whether a promise has settled, once everything that can go on has. */
async function isOver(work: Promise<unknown>): Promise<boolean> {
  let over = false;
  const mark = () => {
    over = true;
  };
  work.then(mark, mark);
  await settle();
  return over;
}

Deno.test("Server.shutdown() ends at once when nothing runs, and says goodbye", async () => {
  await using server = await startServer();
  const login = await server.logIn();
  const data = await server.attach(login);
  const silent = await server.dial();
  const stopped = server.server.shutdown({ drain: 10_000 });
  assertEquals(await isOver(stopped), true);
  await login.control.expect("GOODBYE");
  for (const peer of [login.control, data, silent]) await peer.expectEnd();
  await server.server.finished;
  await assertRejects(() => server.dial(), NetworkError);
  await server.server.shutdown();
});

Deno.test("Server.shutdown() lets transfers finish and refuses what is new", async () => {
  await using server = await startServer();
  const login = await server.logIn();
  const data = await server.attach(login, 1);
  const idle = await server.attach(login, 2);
  await data.send("PUT", putBody("a"), 3);
  await data.expect("OPENED");
  const stopped = server.server.shutdown({ drain: 10_000 });
  assertEquals(await isOver(stopped), false);
  await login.control.expect("GOODBYE");
  await idle.send("PUT", putBody("b"), 4);
  assertEquals(await idle.refusal(4), "unavailable");
  await idle.send("GET", { path: "a", algorithm: "sha256" }, 5);
  assertEquals(await idle.refusal(5), "unavailable");
  await login.control.send("LIST", { path: "", recursive: false }, 6);
  assertEquals(await login.control.refusal(6), "unavailable");
  await login.control.send("GRANT", {}, 7);
  assertEquals(await login.control.refusal(7), "unavailable");
  const bytes = sample(10);
  await data.sendData(3, 0, bytes);
  const digest = Uint8Array.fromHex(digestOf(bytes).value);
  await data.send("END", { size: 10, digest }, 3);
  await data.await("RECEIPT");
  await server.clock.advance(100);
  // The answer may be on its way still.
  assertEquals(await isOver(stopped), false);
  await data.send("ACKNOWLEDGE", {}, 3);
  await server.clock.advance(100);
  assertEquals(await isOver(stopped), true);
  assertEquals(await server.read("/a"), bytes);
});

Deno.test("Server.shutdown() ends transfers that take too long, and leaves nothing of them", async () => {
  await using server = await startServer();
  const login = await server.logIn();
  const data = await server.attach(login, 1);
  await data.send("PUT", putBody("a"), 3);
  await data.expect("OPENED");
  await data.sendData(3, 0, sample(10));
  const stopped = server.server.shutdown({ drain: 500 });
  await server.clock.advance(490);
  assertEquals(await isOver(stopped), false);
  await server.clock.advance(20);
  assertEquals(await isOver(stopped), true);
  assertEquals(await server.staged(), []);
});

Deno.test("Server.shutdown() with less time shortens the one before", async () => {
  for (const drain of [0, 50]) {
    await using server = await startServer();
    const login = await server.logIn();
    const data = await server.attach(login, 1);
    await data.send("PUT", putBody("a"), 3);
    await data.expect("OPENED");
    const first = server.server.shutdown({ drain: 1e9 });
    assertEquals(await isOver(first), false);
    const second = server.server.shutdown({ drain });
    await server.clock.advance(100);
    assertEquals(await isOver(first), true);
    assertEquals(await isOver(second), true);
  }
});

Deno.test("Server.shutdown() ends with a client in every state", async () => {
  await using server = await startServer();
  for (let index = 0; index < 6000; index++) {
    await server.write(`/entry-${index}`, new Uint8Array(0));
  }
  const half = await server.dial();
  await half.send("HELLO", HELLO);
  await half.expect("GREETING");
  const listing = await server.logIn();
  await listing.control.send("LIST", { path: "", recursive: false }, 1);
  await listing.control.expect("PAGE");
  const leaving = await server.logIn();
  const failing = await server.logIn();
  const stopped = server.server.shutdown({ drain: 500 });
  await leaving.control.send("GOODBYE", { reason: "" }).catch(() => {});
  await failing.control.send("FAIL", { code: 1, message: "" }).catch(() => {});
  await server.clock.advance(520);
  assertEquals(await isOver(stopped), true);
});

Deno.test("Server.shutdown() forgets nobody who was just accepted", async () => {
  await using server = await startServer();
  const dialled = server.dial();
  const stopped = server.server.shutdown({ drain: 0 });
  const peer = await dialled;
  await server.clock.run(stopped);
  assertEquals(server.network.dialled[0]!.server.closed, true);
  peer.close();
});

Deno.test("Server.shutdown() ends while a farewell is on its way, or accepting is paused", async () => {
  await using server = await startServer({
    limits: { farewellTimeout: 1e9, exhaustedDelay: 1e9 },
  });
  const peer = await server.dial();
  await peer.send("HELLO", HELLO);
  await peer.expect("GREETING");
  await peer.send("LOGIN", { method: "none", user: undefined });
  await peer.expect("FAIL");
  server.network.listener(server.address.port)
    .fail(new NetworkError("exhausted", "out of descriptors"));
  await settle();
  const stopped = server.server.shutdown({ drain: 10_000 });
  assertEquals(await isOver(stopped), true);
});

Deno.test("Server is finished even if its storage cannot be closed", async () => {
  await using server = await startServer({
    wrap: (storage) =>
      patched(storage, {
        [Symbol.asyncDispose]: () => Promise.reject(new Error("no")),
      }),
  });
  const stopped = server.server.shutdown();
  await assertRejects(() => stopped, Error, "no");
  await server.server.finished;
  Object.assign(server, {
    server: { shutdown: () => Promise.resolve() },
  });
});
