import { assert, assertEquals } from "@std/assert";
import {
  encodeMessage,
  errorCodeName,
  message,
} from "../../lib/protocol/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { HELLO, startServer } from "../helpers/test_server.ts";

const UTF8 = new TextEncoder();

/** What comes to a port by mistake or with ill will. */
const STRANGERS: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "an HTTP request": UTF8.encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  "a TLS ClientHello": Uint8Array.fromHex(
    "16030100c8010000c40303".padEnd(128, "5a"),
  ),
  "an SSH banner": UTF8.encode("SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13\r\n"),
  "zeros": new Uint8Array(100),
  "a frame that may not be the first": encodeMessage(
    message("PING", { cookie: 1 }),
  ),
  "a server's frame": encodeMessage(message("ATTACHED", {})),
};

Deno.test("FerryServer closes on strangers without a word and serves others", async () => {
  for (const [name, bytes] of Object.entries(STRANGERS)) {
    await using server = await startServer();
    const peer = await server.dial();
    await peer.sendBytes(bytes);
    const frame = await peer.receive();
    assertEquals(frame, undefined, name);
    peer.close();
    await server.assertServes();
  }
});

Deno.test("FerryServer closes on a HELLO with any bit of its header flipped", async () => {
  await using server = await startServer();
  const hello = encodeMessage(message("HELLO", HELLO));
  for (let bit = 0; bit < 28 * 8; bit++) {
    const peer = await server.dial();
    const bytes = hello.slice();
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    await peer.sendBytes(bytes);
    assertEquals(await peer.receive(), undefined, `bit ${bit}`);
    peer.close();
  }
  await server.assertServes();
});

Deno.test("FerryServer greets, logs in, and says what may be done", async () => {
  await using server = await startServer({ anonymous: "read" });
  const peer = await server.dial();
  await peer.send("HELLO", { ...HELLO, versions: [99, 1] });
  const { body: greeting } = await peer.expect("GREETING");
  assertEquals(greeting.version, 1);
  assertEquals(greeting.methods, ["anonymous"]);
  assert(greeting.agent.startsWith("ferryd/"));
  await peer.send("LOGIN", { method: "anonymous", user: "somebody" });
  const { body: ready } = await peer.expect("READY");
  assertEquals(ready.user, "anonymous");
  assertEquals(ready.rights, ["list", "read"]);
  assertEquals(ready.refusals.map(({ right }) => right), [
    "write",
    "rename",
    "delete",
  ]);
  assertEquals(ready.dataConnections, 8);
});

Deno.test("FerryServer says why there is no log-in", async () => {
  await using server = await startServer();
  for (const versions of [[2, 3], []]) {
    const peer = await server.dial();
    await peer.send("HELLO", { ...HELLO, versions });
    const { body } = await peer.expect("FAIL");
    assertEquals(body.code, 2);
    assert(body.message.includes("version 1"), body.message);
    await peer.expectEnd();
  }
  const peer = await server.dial();
  await peer.send("HELLO", HELLO);
  await peer.expect("GREETING");
  await peer.send("LOGIN", { method: "password", user: "root" });
  assertEquals(await peer.farewell(), "login-refused");
  await server.assertServes();
});

Deno.test("FerryServer refuses everybody where anonymous users may do nothing", async () => {
  await using server = await startServer({ anonymous: "none" });
  const peer = await server.dial();
  await peer.send("HELLO", HELLO);
  await peer.expect("GREETING");
  await peer.send("LOGIN", { method: "anonymous", user: undefined });
  const { body } = await peer.expect("FAIL");
  assertEquals(body.code, 3);
  assert(body.message.includes("--anonymous"), body.message);
  await peer.expectEnd();
});

Deno.test("FerryServer answers a frame out of turn during the log-in with FAIL", async () => {
  await using server = await startServer();
  const peer = await server.dial();
  await peer.send("HELLO", HELLO);
  await peer.expect("GREETING");
  await peer.send("LIST", { path: "", recursive: false }, 1);
  assertEquals(await peer.farewell(), "protocol");
  await server.assertServes();
});

Deno.test("FerryServer takes a client that leaves during the log-in calmly", async () => {
  await using server = await startServer();
  const silent = await server.dial();
  silent.close();
  const greeted = await server.dial();
  await greeted.send("HELLO", HELLO);
  await greeted.expect("GREETING");
  greeted.close();
  const torn = await server.dial();
  await torn.sendBytes(encodeMessage(message("HELLO", HELLO)).slice(0, 30));
  torn.close();
  await settle();
  await server.assertServes();
});

Deno.test("FerryServer ends a log-in that takes too long, and no other", async () => {
  await using server = await startServer({
    limits: { loginTimeout: 10_000, checkInterval: 1e9 },
  });
  const login = await server.logIn();
  const silent = await server.dial();
  const slow = await server.dial();
  await slow.send("HELLO", HELLO);
  await slow.expect("GREETING");
  const torn = await server.dial();
  await torn.sendBytes(encodeMessage(message("HELLO", HELLO)).slice(0, 30));
  await server.clock.advance(9_999);
  assertEquals(server.network.dialled[1]!.server.closed, false);
  await server.clock.advance(2);
  for (const late of [silent, slow, torn]) {
    const { body } = await late.expect("FAIL");
    assertEquals(errorCodeName(body.code), "timeout");
  }
  // What comes after that changes nothing.
  await slow.send("LOGIN", { method: "anonymous", user: undefined });
  await server.clock.advance(1000);
  for (const late of [silent, slow, torn]) await late.expectEnd();
  await login.control.send("SPACE", {}, 1);
  await login.control.expect("SPACE_LEFT");
});
