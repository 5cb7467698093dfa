import { assertEquals } from "@std/assert";
import { settle } from "../helpers/fake_clock.ts";
import { HELLO, startServer, type TestServer } from "../helpers/test_server.ts";

/** Enough entries in the root for a listing to run out of credit. */
async function fill(server: TestServer, count = 6000): Promise<void> {
  for (let index = 0; index < count; index++) {
    await server.write(`/entry-${index}`, new Uint8Array(0));
  }
}

Deno.test("FerryServer survives a client that breaks the rules while a request runs", async () => {
  await using server = await startServer();
  await fill(server);
  const { control } = await server.logIn();
  await control.send("LIST", { path: "", recursive: false }, 1);
  await control.expect("PAGE");
  await settle();
  // Only a server may send this.
  await control.send("GRANTED", { token: new Uint8Array(32) }, 2);
  let frame = await control.receive();
  while (frame?.type === "PAGE") frame = await control.receive();
  assertEquals(frame?.type, "FAIL");
  await control.expectEnd();
  await server.assertServes();
});

Deno.test("FerryServer survives a client that says FAIL while a request runs", async () => {
  await using server = await startServer();
  await fill(server);
  const { control } = await server.logIn();
  await control.send("LIST", { path: "", recursive: false }, 1);
  await control.expect("PAGE");
  await control.send("FAIL", { code: 1, message: "I give up" });
  await settle();
  control.close();
  await settle();
  await server.assertServes();
});

Deno.test("FerryServer survives a client that says FAIL instead of logging in", async () => {
  await using server = await startServer();
  const peer = await server.dial();
  await peer.send("HELLO", HELLO);
  await peer.expect("GREETING");
  await peer.send("FAIL", { code: 2, message: "no version" });
  await settle();
  peer.close();
  await settle();
  await server.assertServes();
});
