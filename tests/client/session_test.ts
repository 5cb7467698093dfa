import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/client/mod.ts";
import { NetworkError } from "../../lib/transport/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { startServer } from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { assertFerryError, clientOf, FakeServer } from "./hostile.ts";

Deno.test("Client looks at, makes, renames and removes entries", async () => {
  await using server = await startServer();
  await server.write("/file", sample(10));
  const { client } = await clientOf(server);
  await using _client = client;
  const entry = await client.stat("file", { digest: "sha256" });
  assertEquals([entry.path, entry.name, entry.kind, entry.size], [
    "file",
    "file",
    "file",
    10,
  ]);
  assertEquals(entry.digest?.algorithm, "sha256");
  assertEquals((await client.stat("file")).digest, undefined);
  assertEquals((await client.stat("")).kind, "directory");
  await client.makeDirectory("a");
  await client.makeDirectory("b/c", { parents: true });
  await assertFerryError(client.makeDirectory("a"), "exists");
  assertEquals(await client.rename("file", "a/file"), {
    path: "a/file",
    publication: "created",
  });
  const gone = await assertFerryError(client.stat("file"), "not-found");
  assertEquals([gone.path, gone.side], ["file", "remote"]);
  await assertFerryError(client.remove("a"), "not-empty");
  assertEquals(await client.remove("a", { recursive: true }), 2);
  assertEquals(await client.remove("b/c"), 1);
  assert((await client.freeSpace())! > 0);
});

Deno.test("Client refuses names before it asks", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  for (const name of ["/a", "../a", "a//b", "a\0b", "a\\b", ".ferry"]) {
    for (
      const work of [
        client.stat(name),
        client.remove(name),
        client.makeDirectory(name),
        client.rename(name, "a"),
        client.rename("a", name),
        client.get(name, "/x"),
        client.put("/x", name),
        Array.fromAsync(client.list(name)),
      ]
    ) {
      const error = await assertFerryError(work, "bad-name");
      assertEquals(error.side, "local");
    }
  }
  const closed = client.close();
  await control.expect("GOODBYE");
  control.close();
  await closed;
});

Deno.test("Client connects again when the session was lost", async () => {
  await using server = new FakeServer();
  const events: string[] = [];
  const { client, control } = await server.connect({
    onConnection: ({ kind }) => events.push(kind),
  });
  const asked = assertFerryError(client.freeSpace(), "connection-lost");
  await control.expect("SPACE");
  control.close();
  await asked;
  const again = Promise.all([client.freeSpace(), client.freeSpace()]);
  const second = await server.acceptLogin();
  for (let count = 0; count < 2; count++) {
    const { id } = await second.expect("SPACE");
    await second.send("SPACE_LEFT", { bytes: id }, id);
  }
  assertEquals((await again).length, 2);
  assertEquals(server.network.dialled.length, 2);
  assertEquals(events, ["lost", "back"]);
  second.close();
  await settle();
  // Nobody there: the next one says so, and the one after tries again.
  server.network.dialFailures.push(new NetworkError("refused", "refused"));
  await assertFerryError(client.freeSpace(), "connect-failed", "refused");
  const third = client.freeSpace();
  const peer = await server.acceptLogin();
  const { id } = await peer.expect("SPACE");
  await peer.send("SPACE_LEFT", { bytes: undefined }, id);
  assertEquals(await third, undefined);
  const closed = client.close();
  await peer.expect("GOODBYE");
  peer.close();
  await closed;
  // What is closed is not lost.
  assertEquals(events, ["lost", "back", "lost", "back"]);
});

Deno.test("one operation that gives up does not spoil the connecting of another", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  control.close();
  await settle();
  const controller = new AbortController();
  const first = assertFerryError(
    client.freeSpace({ signal: controller.signal }),
    "cancelled",
  );
  const dropped = await server.accept();
  await dropped.expect("HELLO");
  const second = client.freeSpace();
  const third = new AbortController();
  const impatient = assertFerryError(
    client.freeSpace({ signal: third.signal }),
    "cancelled",
  );
  await settle();
  third.abort();
  await impatient;
  controller.abort();
  await first;
  const peer = await server.acceptLogin();
  const { id } = await peer.expect("SPACE");
  await peer.send("SPACE_LEFT", { bytes: 1 }, id);
  assertEquals(await second, 1);
  const closed = client.close();
  await peer.expect("GOODBYE");
  peer.close();
  await closed;
});

Deno.test("Client notices a server that is silent, and lets one live that answers", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect({ timeout: 30_000 });
  const asked = client.freeSpace();
  const { id } = await control.expect("SPACE");
  const answerPing = async () => {
    const { body } = await control.expect("PING");
    await control.send("PONG", body);
  };
  // The first look hears the log-in; every one after it hears nothing new.
  for (let count = 0; count < 8; count++) {
    await server.clock.advance(10_000);
    await answerPing();
    await server.clock.advance(10_000);
  }
  await control.send("SPACE_LEFT", { bytes: 4 }, id);
  assertEquals(await asked, 4);
  const lost = assertFerryError(
    client.freeSpace(),
    "connection-lost",
    "silent for 30 s",
  );
  await server.clock.advance(60_000);
  await lost;
});

Deno.test("Client answers PING and takes GOODBYE", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  await control.send("PING", { cookie: 4 });
  assertEquals((await control.expect("PONG")).body.cookie, 4);
  await control.send("PONG", { cookie: 4 });
  await control.send("GOODBYE", { reason: "shutting down" });
  const asked = assertFerryError(client.freeSpace(), "unavailable");
  const { id } = await control.expect("SPACE");
  await control.send("ERROR", { code: 20, message: "shutting down" }, id);
  await asked;
  await control.send("FAIL", { code: 18, message: "too slow" });
  await settle();
  const closed = client.close();
  control.close();
  await closed;
});

Deno.test("Client.close() does not wait for a server that does not answer", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const asked = assertFerryError(client.freeSpace(), "cancelled");
  await control.expect("SPACE");
  const closed = client.close();
  await asked;
  await control.expect("GOODBYE");
  await server.clock.advance(1000);
  await closed;
  await client.close();
  await client[Symbol.asyncDispose]();
  await assertFerryError(client.freeSpace(), "cancelled");
});

Deno.test("Client.close() ends an attempt to connect again", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  control.close();
  await settle();
  const asked = assertFerryError(client.freeSpace(), "cancelled");
  await (await server.accept()).expect("HELLO");
  await client.close();
  await asked;
});

Deno.test("a request ends when its signal fires, and its late answer is dropped", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  await assertFerryError(
    client.freeSpace({ signal: AbortSignal.abort() }),
    "cancelled",
  );
  const controller = new AbortController();
  const asked = assertFerryError(
    client.stat("a", { signal: controller.signal }),
    "cancelled",
  );
  const { id } = await control.expect("STAT");
  controller.abort();
  await asked;
  assertEquals((await control.expect("CANCEL")).id, id);
  await control.send("ERROR", { code: 21, message: "cancelled" }, id);
  const next = client.freeSpace();
  const { id: nextId } = await control.expect("SPACE");
  await control.send("SPACE_LEFT", { bytes: 1 }, nextId);
  assertEquals(await next, 1);
  const closed = client.close();
  await control.expect("GOODBYE");
  control.close();
  await closed;
});

Deno.test("await using closes a client and with it its connections", async () => {
  await using server = await startServer();
  await server.write("/a", sample(5));
  {
    await using client = await connect({
      ...server.address,
      network: server.network,
      clock: server.clock,
    });
    assertEquals((await client.stat("a")).size, 5);
  }
  await settle();
  assertEquals(server.network.openCount, 0);
});

Deno.test("Client asks hundreds of questions at once without breaking a limit", async () => {
  await using server = await startServer();
  const { client } = await clientOf(server);
  await using _client = client;
  const entries = await Promise.all(
    Array.from({ length: 400 }, () => client.stat("")),
  );
  assertEquals(entries.length, 400);
  assertEquals(server.network.dialled.length, 1);
});

Deno.test("questions that wait for a place end with their signal or the session", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const lost = Array.from(
    { length: 20 },
    () => assertFerryError(client.freeSpace(), "connection-lost"),
  );
  const controller = new AbortController();
  const aborted = assertFerryError(
    client.freeSpace({ signal: controller.signal }),
    "cancelled",
  );
  await settle();
  controller.abort();
  await aborted;
  control.close();
  await Promise.all(lost);
  await client.close();
});
