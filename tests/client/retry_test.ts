import { assert, assertEquals } from "@std/assert";
import type { Client, ReconnectEvent } from "../../lib/client/mod.ts";
import { NetworkError } from "../../lib/transport/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import {
  startServer,
  type TestServer,
  writeMemory,
} from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { assertFerryError, clientOf, FakeServer, streamOf } from "./hostile.ts";

const BYTES = sample(1_048_576 + 10);
const END = 0x24;
const RECEIPT = 0x26;

/** Breaks everything when the next `count` frames of a type are sent by the server. */
function cutAt(server: TestServer, type: number, count = 1): void {
  let left = count;
  server.network.onDial = ({ client, server: far }) => {
    far.tap = client.tap = (bytes) => {
      if (bytes[2] !== type || left === 0) return;
      left--;
      for (const { client } of server.network.dialled) client.reset();
      return "reset";
    };
  };
}

interface Scene extends AsyncDisposable {
  readonly server: TestServer;
  readonly client: Client;
  readonly events: ReconnectEvent[];
  write(path: string, bytes: Uint8Array): Promise<void>;
}

async function scene(
  type: number,
  count: number,
  retries = 3,
): Promise<Scene> {
  const server = await startServer();
  cutAt(server, type, count);
  const events: ReconnectEvent[] = [];
  const { client, disk } = await clientOf(server, {
    retries,
    onReconnect: (event) => events.push(event),
  });
  return {
    server,
    client,
    events,
    write: (path, bytes) => writeMemory(disk, path, bytes),
    async [Symbol.asyncDispose](): Promise<void> {
      await server.clock.run(client.close());
      await server[Symbol.asyncDispose]();
    },
  };
}

Deno.test("Client.put() asks again for a receipt that was lost, for files and streams", async () => {
  for (const isFile of [true, false]) {
    for (const count of [1, 2, 3]) {
      await using at = await scene(RECEIPT, count);
      await at.write("/local", BYTES);
      const work = at.client.put(isFile ? "/local" : streamOf(BYTES), "x");
      const receipt = await at.server.clock.run(work, 100);
      assertEquals(receipt.publication, "created");
      assertEquals(receipt.digest, digestOf(BYTES));
      assert(receipt.wireBytes > BYTES.length);
      assertEquals(await at.server.read("/x"), BYTES);
      assertEquals(
        at.events.map((
          { attempt, attemptsMax, delay, error },
        ) => [attempt, attemptsMax, delay, error.code]),
        [250, 500, 1000].slice(0, count).map((
          delay,
          index,
        ) => [index + 1, 3, delay, "connection-lost"]),
      );
      await settle();
      assertEquals(await at.server.staged(), []);
    }
  }
});

Deno.test("Client.put() gives up after `retries`, and says why", async () => {
  for (const retries of [0, 2]) {
    await using at = await scene(RECEIPT, Infinity, retries);
    await at.write("/local", BYTES);
    const work = assertFerryError(
      at.client.put("/local", "x"),
      "connection-lost",
    );
    await at.server.clock.run(work, 100);
    assertEquals(at.events.length, retries);
  }
});

Deno.test("Client.put() of a file that did not arrive whole sends it again", async () => {
  await using at = await scene(END, 1);
  await at.write("/local", BYTES);
  const receipt = await at.server.clock.run(at.client.put("/local", "x"), 100);
  assertEquals(receipt.publication, "created");
  assertEquals(await at.server.read("/x"), BYTES);
  assertEquals(at.events.length, 1);
});

Deno.test("Client.put() of a stream that did not arrive whole is lost, and soon", async () => {
  await using at = await scene(END, 1);
  const work = assertFerryError(
    at.client.put(streamOf(BYTES), "x"),
    "connection-lost",
    "a stream cannot be sent twice",
  );
  await at.server.clock.run(work, 100);
  assertEquals(at.events.length, 1);
  await settle();
  assertEquals(await at.server.staged(), []);
  assertEquals(await at.server.names(), [".ferry"]);
});

Deno.test("Client.put() of a file that was cut off before END goes on, a stream is lost", async () => {
  for (const isFile of [true, false]) {
    await using at = await scene(0x23, 1);
    await at.write("/local", BYTES);
    const work = at.client.put(isFile ? "/local" : streamOf(BYTES), "x");
    const ended: Promise<unknown> = isFile
      ? work
      : assertFerryError(work, "connection-lost");
    await at.server.clock.run(ended, 100);
    assertEquals(at.events.length, isFile ? 1 : 0);
    if (isFile) assertEquals(await at.server.read("/x"), BYTES);
  }
});

Deno.test("Client.put() asks again while the server is busy, away or full", async () => {
  await using server = new FakeServer();
  await server.write("/local", BYTES);
  const { client, control } = await server.connect({ retries: 5 });
  const work = client.put("/local", "x");
  const data = await server.attach(control);
  const { id, body } = await data.expect("PUT");
  await data.send("OPENED", {}, id);
  await data.expect("DATA");
  await data.expect("DATA");
  await data.expect("END");
  control.close();
  data.close();
  await settle();
  // Away.
  server.network.dialFailures.push(new NetworkError("refused", "refused"));
  await server.clock.advance(250);
  // Full.
  await server.clock.advance(500);
  const full = await server.accept();
  await full.expect("HELLO");
  await full.send("FAIL", { code: 19, message: "full" });
  await settle();
  // Busy with what was sent before.
  await server.clock.advance(1000);
  const again = await server.acceptLogin();
  const attached = await server.attach(again);
  const busy = await attached.expect("PUT");
  assertEquals(busy.body.upload, body.upload);
  await attached.send("ERROR", { code: 13, message: "busy" }, busy.id);
  await settle();
  await server.clock.advance(2000);
  const last = await attached.expect("PUT");
  assertEquals(last.body.upload, body.upload);
  await attached.send("RECEIPT", {
    path: "x",
    publication: "created",
    size: BYTES.length,
    durable: true,
    digest: Uint8Array.fromHex(digestOf(BYTES).value),
  }, last.id);
  assertEquals((await work).publication, "created");
  const closed = client.close();
  again.close();
  await closed;
});

Deno.test("Client.put() believes no receipt of a later try that is for something else", async () => {
  await using server = new FakeServer();
  await server.write("/local", BYTES);
  const { client, control } = await server.connect();
  const work = assertFerryError(client.put("/local", "x"), "integrity");
  const data = await server.attach(control);
  const { id } = await data.expect("PUT");
  await data.send("OPENED", {}, id);
  await data.expect("DATA");
  await data.expect("DATA");
  await data.expect("END");
  data.close();
  await server.clock.advance(250);
  const again = await server.attach(control);
  const put = await again.expect("PUT");
  await again.send("RECEIPT", {
    path: "x",
    publication: "created",
    size: 1,
    durable: true,
    digest: new Uint8Array(32),
  }, put.id);
  await work;
  const closed = client.close();
  control.close();
  await closed;
});

Deno.test("Client.put() stops waiting to retry when its signal fires or the client is closed", async () => {
  for (const isSignal of [true, false]) {
    await using at = await scene(RECEIPT, Infinity);
    await at.write("/local", BYTES);
    const controller = new AbortController();
    const work = assertFerryError(
      at.client.put("/local", "x", { signal: controller.signal }),
      "cancelled",
    );
    await settle();
    if (isSignal) controller.abort();
    else await at.server.clock.run(at.client.close());
    await work;
  }
});

Deno.test("Client.put() asks again when the whole session failed after END", async () => {
  await using server = new FakeServer();
  await server.write("/local", BYTES);
  const { client, control } = await server.connect();
  const work = client.put("/local", "x");
  const data = await server.attach(control);
  const { id } = await data.expect("PUT");
  await data.send("OPENED", {}, id);
  await data.expect("DATA");
  await data.expect("DATA");
  await data.expect("END");
  await control.send("FAIL", { code: 18, message: "too slow" });
  await server.clock.advance(250);
  const again = await server.acceptLogin();
  const fresh = await server.attach(again);
  const put = await fresh.expect("PUT");
  await fresh.send("RECEIPT", {
    path: "x",
    publication: "created",
    size: BYTES.length,
    durable: true,
    digest: Uint8Array.fromHex(digestOf(BYTES).value),
  }, put.id);
  assertEquals((await work).publication, "created");
  const closed = client.close();
  again.close();
  await closed;
});
