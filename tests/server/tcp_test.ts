/** What only real sockets can show: ends, resets, farewells and back-pressure of TCP. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, FerryError } from "../../lib/client/mod.ts";
import { serve, type Server } from "../../lib/server/mod.ts";
import { openMemoryStorage } from "../../lib/storage/mod.ts";
import { tcpNetwork } from "../../lib/transport/mod.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { HELLO } from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";

async function tcpServer(): Promise<Server> {
  return await serve({
    root: await openMemoryStorage(),
    listen: [{ hostname: "127.0.0.1", port: 0 }],
  });
}

function streamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream();
}

Deno.test("files cross TCP both ways, many at once, and nothing stays open", async () => {
  await using server = await tcpServer();
  await using client = await connect(server.addresses[0]!);
  const sizes = [0, 1, 1_048_576, 5_000_000, 10_000_000];
  await Promise.all(sizes.map(async (size) => {
    const bytes = sample(size);
    const receipt = await client.put(streamOf(bytes), `file-${size}`);
    assertEquals(receipt.digest, digestOf(bytes));
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const target = new WritableStream<Uint8Array>({
      write: (part) => void parts.push(part.slice()),
    });
    await client.get(`file-${size}`, target);
    assertEquals(await new Blob(parts).bytes(), bytes);
  }));
  const pages = await Array.fromAsync(client.list(""));
  assertEquals(pages.flatMap(({ entries }) => entries).length, sizes.length);
});

Deno.test("an HTTP client is sent away, and others are served", async () => {
  await using server = await tcpServer();
  const { hostname, port } = server.addresses[0]!;
  await assertRejects(() => fetch(`http://${hostname}:${port}/`), TypeError);
  await using client = await connect({ hostname, port });
  assertEquals((await client.stat("")).kind, "directory");
});

Deno.test("a Ferry client says that an HTTP server is none", async () => {
  await using http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hello"),
  );
  const { hostname, port } = http.addr;
  const error = await assertRejects(
    () => connect({ hostname, port }),
    FerryError,
  );
  assert(["wrong-protocol", "connect-failed"].includes(error.code), error.code);
});

Deno.test("a client that breaks the rules hears why before the connection ends", async () => {
  await using server = await tcpServer();
  const peer = new RawPeer(await tcpNetwork.dial(server.addresses[0]!));
  await peer.send("HELLO", HELLO);
  await peer.expect("GREETING");
  await peer.send("LOGIN", { method: "anonymous", user: undefined });
  await peer.expect("READY");
  await peer.send("GRANTED", { token: new Uint8Array(32) }, 9);
  // More is on its way: a plain close would turn it into a reset.
  await peer.sendBytes(new Uint8Array(200_000));
  assertEquals(await peer.farewell(), "protocol");
});

Deno.test("a server that is stopped hard loses nothing that it had promised", async () => {
  const storage = await openMemoryStorage();
  const first = await serve({
    root: storage,
    listen: [{ hostname: "127.0.0.1", port: 0 }],
  });
  const address = first.addresses[0]!;
  const client = await connect({ ...address, retries: 0 });
  await client.put(streamOf(sample(10)), "kept");
  let isStopped: Promise<void> | undefined;
  const work = client.put(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(sample(1_048_576));
        if (controller.desiredSize !== null) {
          isStopped ??= first.shutdown({ drain: 0 });
          await isStopped;
        }
      },
    }),
    "cut",
  );
  const error = await assertRejects(() => work, FerryError);
  assertEquals(error.code, "connection-lost");
  await isStopped;
  await using second = await serve({ root: storage, listen: [address] });
  assertEquals(second.addresses, [address]);
  const names = await Array.fromAsync(client.list(""));
  assertEquals(
    names.flatMap(({ entries }) => entries).map(({ path }) => path),
    ["kept"],
  );
  await client.close();
});

Deno.test("a dial that nobody takes ends with its signal", async () => {
  // A listener that never accepts, with room for one or two in its queue.
  const listener = Deno.listen({
    hostname: "127.0.0.1",
    port: 0,
    tcpBacklog: 1,
  });
  const { hostname, port } = listener.addr;
  const controller = new AbortController();
  const dials = Array.from(
    { length: 8 },
    () =>
      tcpNetwork.dial({ hostname, port }, controller.signal)
        .then((connection) => connection.close(), (error: unknown) => error),
  );
  const first = await Promise.race(dials);
  assertEquals(first, undefined);
  controller.abort(new Error("enough"));
  const ends = await Promise.all(dials);
  assert(
    ends.every((end) =>
      end === undefined || end instanceof Error && end.message === "enough"
    ),
  );
  listener.close();
});
