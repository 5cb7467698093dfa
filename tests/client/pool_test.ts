import { assert, assertEquals } from "@std/assert";
import { settle } from "../helpers/fake_clock.ts";
import { startServer } from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import {
  assertFerryError,
  clientOf,
  collector,
  FakeServer,
  READY,
  streamOf,
} from "./hostile.ts";

Deno.test("Client runs transfers at once, over as many connections as it may", async () => {
  await using server = await startServer({
    limits: { dataConnectionCountMax: 3 },
  });
  const { client } = await clientOf(server);
  await using _client = client;
  const names = Array.from({ length: 20 }, (_, index) => `file-${index}`);
  const receipts = await Promise.all(
    names.map((name, index) => client.put(streamOf(sample(index)), name)),
  );
  assertEquals(receipts.map(({ size }) => size), [...names.keys()]);
  assertEquals(server.network.dialled.length, 4);
  const targets = names.map(() => collector());
  await Promise.all(
    names.map((name, index) => client.get(name, targets[index]!.stream)),
  );
  for (const [index, target] of targets.entries()) {
    assertEquals(target.bytes(), sample(index));
  }
  assertEquals(server.network.dialled.length, 4);
});

Deno.test("a transfer does not suffer from a connection that was closed while idle", async () => {
  await using server = await startServer();
  const { client } = await clientOf(server);
  await using _client = client;
  await client.put(streamOf(sample(10)), "a");
  const idle = server.network.dialled[1]!;
  for (
    const breakIt of [() => idle.server.close(), () => idle.server.reset()]
  ) {
    breakIt();
    await settle();
    const receipt = await client.put(
      streamOf(sample(20)),
      `b-${Math.random()}`,
    );
    assertEquals(receipt.digest, digestOf(sample(20)));
  }
  server.network.dialled.at(-1)!.server.close();
  const target = collector();
  await client.get("a", target.stream);
  assertEquals(target.bytes(), sample(10));
  // But what breaks on a fresh connection, or after an answer, is told.
  await server.write("/big", sample(3_000_000));
  server.network.dialled.at(-1)!.server.tap = (bytes) =>
    bytes[2] === 0x23 ? "reset" : undefined;
  await assertFerryError(
    client.get("big", collector().stream),
    "connection-lost",
  );
});

Deno.test("a transfer that waits for a connection ends with its signal or the session", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect({}, {
    ...READY,
    dataConnections: 1,
  });
  const first = assertFerryError(
    client.get("a", collector().stream),
    "connection-lost",
  );
  const data = await server.attach(control);
  await data.expect("GET");
  const controller = new AbortController();
  const second = assertFerryError(
    client.get("b", collector().stream, { signal: controller.signal }),
    "cancelled",
  );
  const third = assertFerryError(
    client.get("c", collector().stream),
    "connection-lost",
  );
  await settle();
  controller.abort();
  await second;
  control.close();
  await Promise.all([first, third]);
  await client.close();
});

Deno.test("a place is free again after a transfer that failed", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect({}, {
    ...READY,
    dataConnections: 1,
  });
  for (let count = 0; count < 3; count++) {
    const refused = assertFerryError(
      client.get("a", collector().stream),
      "denied",
    );
    const { id } = await control.expect("GRANT");
    await control.send("ERROR", { code: 4, message: "no" }, id);
    await refused;
  }
  const lost = assertFerryError(
    client.get("a", collector().stream),
    "connection-lost",
  );
  const { id } = await control.expect("GRANT");
  await control.send("GRANTED", { token: new Uint8Array(32) }, id);
  (await server.accept()).close();
  await lost;
  const refused = assertFerryError(
    client.get("a", collector().stream),
    "connection-lost",
    "the token is not valid",
  );
  const again = await control.expect("GRANT");
  await control.send("GRANTED", { token: new Uint8Array(32) }, again.id);
  const data = await server.accept();
  await data.expect("ATTACH");
  await data.send("FAIL", { code: 3, message: "the token is not valid" });
  await refused;
  const closed = client.close();
  control.close();
  await closed;
});

Deno.test("a connection that the server still counts is waited for", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const target = collector();
  const work = client.get("a", target.stream);
  for (let count = 0; count < 2; count++) {
    const { id } = await control.expect("GRANT");
    await control.send("ERROR", { code: 19, message: "at most 8" }, id);
    await server.clock.advance(100);
  }
  const data = await server.attach(control);
  const { id } = await data.expect("GET");
  await data.send("ERROR", { code: 7, message: "not found" }, id);
  await assertFerryError(work, "not-found");
  data.close();
  await settle();
  // Not for ever, and not when nobody wants it any more.
  const full = assertFerryError(client.get("a", collector().stream), "limit");
  await data.connection.read(new Uint8Array(1)).catch(() => {});
  for (let count = 0; count < 6; count++) {
    const { id } = await control.expect("GRANT");
    await control.send("ERROR", { code: 19, message: "at most 8" }, id);
    await server.clock.advance(1000);
  }
  await full;
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = assertFerryError(
    client.get("a", collector().stream, { signal }),
    "cancelled",
  );
  const last = await control.expect("GRANT");
  await control.send("ERROR", { code: 19, message: "at most 8" }, last.id);
  await settle();
  controller.abort();
  await aborted;
  const closed = client.close();
  control.close();
  await closed;
});

Deno.test("a data connection has no more time to be made than the session had", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect({ timeout: 5000 });
  const late = assertFerryError(
    client.get("a", collector().stream),
    "connection-lost",
  );
  const { id } = await control.expect("GRANT");
  server.network.dialFailures.push("hang");
  await control.send("GRANTED", { token: new Uint8Array(32) }, id);
  await server.clock.advance(1000);
  await control.send("PONG", { cookie: 0 });
  await server.clock.advance(1500);
  await control.send("PONG", { cookie: 0 });
  await server.clock.advance(1500);
  await control.send("PONG", { cookie: 0 });
  await server.clock.advance(1000);
  const error = await late;
  assert(error.message.includes("no answer within 5 s"), error.message);
  const closed = client.close();
  control.close();
  await closed;
});
