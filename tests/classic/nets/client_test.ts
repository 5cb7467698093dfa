import { assert, assertEquals } from "@std/assert";
import { nets } from "../../../lib/classic/nets/mod.ts";
import { settle } from "../../helpers/fake_clock.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { failure, openClient, scripted } from "../peer_scene.ts";
import { offer, request, serveNets, u64 } from "../peers/nets.ts";
import { ascii, joined } from "../peers/socket.ts";

const HELLO = ascii("hello");
const [T, F, E] = [ascii("T"), ascii("F"), ascii("E")];

Deno.test("nets, client: a download, byte by byte", async () => {
  await using scene = await openClient(
    nets,
    scripted([
      { hear: request("D", "a.txt") },
      { say: offer("T", 5) },
      { hear: T },
      { say: HELLO },
    ]),
  );
  const receipt = await scene.run(scene.client.get!("a.txt", "/b"));
  assertEquals(await scene.read("/b"), HELLO);
  assertEquals([receipt.path, receipt.local, receipt.size], ["a.txt", "/b", 5]);
  assertEquals([receipt.verified, receipt.acknowledged], [false, false]);
  assertEquals(receipt.wireBytes, 256 + 9 + 1 + 5);
  assertEquals(receipt.publication, "created");
  assertEquals(receipt.warnings.length, 1);
});

Deno.test("nets, client: an upload, byte by byte", async () => {
  await using scene = await openClient(
    nets,
    scripted([
      { hear: request("U", "b") },
      { say: T },
      { hear: u64(5) },
      { say: T },
      { hear: HELLO },
    ]),
  );
  await scene.write("/a", HELLO);
  const receipt = await scene.run(scene.client.put!("/a", "b"));
  assertEquals([receipt.path, receipt.local, receipt.size], ["b", "/a", 5]);
  assertEquals([receipt.verified, receipt.acknowledged], [false, false]);
  assertEquals(receipt.wireBytes, 256 + 1 + 8 + 1 + 5);
  assert(receipt.warnings[0]!.includes("no answer after the last byte"));
});

/** Refusals of a download, and what they become. */
const GET_REFUSALS = {
  "not-found": [{ say: offer("F", 0) }],
  "unavailable": [{ say: offer("E", 0) }],
  "wrong-protocol": [{ say: ascii("HTTP/1.1 400 Bad Request") }],
  "connection-lost": [],
  "protocol": [{ say: offer("T", 5) }, { hear: T }, {
    say: ascii("hello and more"),
  }],
} as const;

for (const [code, turns] of Object.entries(GET_REFUSALS)) {
  Deno.test(`nets, client: a download that ends with ${code}`, async () => {
    await using scene = await openClient(
      nets,
      scripted([{ hear: request("D", "a") }, ...turns]),
    );
    const failed = await scene.run(failure(scene.client.get!("a", "/a")));
    assertEquals(failed.code, code);
    assertEquals(await scene.names(), []);
  });
}

/** Refusals of an upload, and what they become. */
const PUT_REFUSALS = {
  "exists": [{ say: F }],
  "unavailable": [{ say: E }],
  "no-space": [{ say: T }, { hear: u64(5) }, { say: F }],
  "wrong-protocol": [{ say: ascii("X") }],
  "connection-lost": [{ say: T }],
  "protocol": [{ say: T }, { hear: u64(5) }, { say: ascii("?") }],
} as const;

for (const [code, turns] of Object.entries(PUT_REFUSALS)) {
  Deno.test(`nets, client: an upload that ends with ${code}`, async () => {
    await using scene = await openClient(
      nets,
      scripted([{ hear: request("U", "a") }, ...turns]),
    );
    await scene.write("/a", HELLO);
    const failed = await scene.run(failure(scene.client.put!("/a", "a")));
    assertEquals(failed.code, code);
  });
}

Deno.test("nets, client: early answers are no answers", async () => {
  for (const extra of [joined(offer("T", 5), HELLO), joined(T, T)]) {
    const isGet = extra.length > 2;
    await using scene = await openClient(
      nets,
      scripted([
        { hear: request(isGet ? "D" : "U", "a") },
        { say: extra },
        "hold",
      ]),
    );
    await scene.write("/up", HELLO);
    const work = isGet
      ? scene.client.get!("a", "/a")
      : scene.client.put!("/up", "a");
    assertEquals((await scene.run(failure(work))).code, "protocol");
    assertEquals(await scene.names(), ["up"]);
  }
});

Deno.test("nets, client: a download that stops anywhere publishes nothing", async () => {
  const way = [
    { hear: request("D", "a") },
    { say: offer("T", 5) },
    { hear: T },
    { say: ascii("hell") },
  ] as const;
  for (let count = 0; count <= way.length; count++) {
    for (const hold of [false, true]) {
      await using scene = await openClient(
        nets,
        scripted([...way.slice(0, count), ...hold ? ["hold"] as const : []]),
      );
      const failed = await scene.run(failure(scene.client.get!("a", "/a")));
      assert(["connection-lost", "connect-failed"].includes(failed.code));
      assertEquals(await scene.names(), []);
    }
  }
});

Deno.test("nets, client: a local name that is taken is told as no space, and said here", async () => {
  await using scene = await openClient(
    nets,
    scripted([
      { hear: request("D", "a") },
      { say: offer("T", 5) },
      { hear: F },
    ]),
  );
  await scene.write("/a", ascii("old"));
  const failed = await scene.run(failure(scene.client.get!("a", "/a")));
  assertEquals(failed.code, "exists");
  assertEquals(await scene.read("/a"), ascii("old"));
});

Deno.test("nets, client: conflict policies hold for the local name", async () => {
  const files = new Map([["a", HELLO]]);
  await using scene = await openClient(
    nets,
    (socket) => serveNets(socket, files),
  );
  await scene.write("/a", ascii("old"));
  const get = (onConflict: "skip" | "rename" | "overwrite") =>
    scene.run(scene.client.get!("a", "/a", { onConflict }));
  assertEquals((await get("skip")).publication, "skipped");
  assertEquals(await scene.read("/a"), ascii("old"));
  assertEquals((await get("rename")).local, "/a-1");
  assertEquals((await get("overwrite")).publication, "replaced");
  assertEquals(await scene.read("/a"), HELLO);
});

Deno.test("nets, client: a size that does not fit here is refused before the data", async () => {
  for (const size of [2n ** 64n - 1n, 2n ** 44n + 1n]) {
    await using scene = await openClient(
      nets,
      scripted([
        { hear: request("D", "a") },
        { say: offer("T", size) },
        { hear: F },
      ]),
    );
    const failed = await scene.run(failure(scene.client.get!("a", "/a")));
    assertEquals(failed.code, "too-large");
  }
});

Deno.test("nets, client: what does not fit on the disk here is refused before the data", async () => {
  await using scene = await openClient(
    nets,
    scripted([
      { hear: request("D", "a") },
      { say: offer("T", 2_000_000) },
      { hear: F },
    ]),
    1_000_000,
  );
  const failed = await scene.run(failure(scene.client.get!("a", "/a")));
  assertEquals(failed.code, "no-space");
  assertEquals(await scene.names(), []);
});

Deno.test("nets, client: names that the wire cannot carry are refused here", async () => {
  await using scene = await openClient(nets, () => Promise.resolve());
  await scene.write("/a", HELLO);
  for (const name of ["", "a\nb", "a\0b", "x".repeat(256), "\ud800"]) {
    for (
      const work of [
        () => scene.client.get!(name, "/b"),
        () => scene.client.put!("/a", name),
      ]
    ) {
      assertEquals((await failure(work())).code, "bad-name");
    }
  }
  assertEquals(scene.network.dialled.length, 0);
});

Deno.test("nets, client: a stream has no size, and goes nowhere", async () => {
  await using scene = await openClient(nets, () => Promise.resolve());
  const stream = new Blob([HELLO]).stream();
  const failed = await scene.run(failure(scene.client.put!(stream, "a")));
  assertEquals(failed.code, "unsupported");
  await stream.cancel();
});

Deno.test("nets, client: files of every size, to and from an independent server", async () => {
  const random = new SeededRandom(2);
  const files = new Map<string, Uint8Array>();
  await using scene = await openClient(
    nets,
    (socket) => serveNets(socket, files),
  );
  for (const size of [0, 1, 1023, 1024, 1025, 4095, 4096, 4097, 155_648]) {
    const data = random.bytes(size);
    await scene.write(`/${size}`, data);
    await scene.run(scene.client.put!(`/${size}`, `${size}`));
    assertEquals(files.get(`${size}`), data);
    const seen: number[] = [];
    await scene.run(scene.client.get!(`${size}`, `/back-${size}`, {
      onProgress: ({ transferred, total }) => {
        assertEquals(total, size);
        seen.push(transferred);
      },
    }));
    assertEquals(await scene.read(`/back-${size}`), data);
    assertEquals(seen.at(-1) ?? 0, size);
  }
});

Deno.test("nets, client: a download goes down a stream as well", async () => {
  const data = new SeededRandom(4).bytes(70_000);
  await using scene = await openClient(
    nets,
    (socket) => serveNets(socket, new Map([["a", data]])),
  );
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const stream = new WritableStream<Uint8Array<ArrayBuffer>>({
    write: (piece) => void pieces.push(piece),
  });
  const receipt = await scene.run(scene.client.get!("a", stream));
  assertEquals(joined(...pieces), data);
  assertEquals(receipt.local, undefined);
});

Deno.test("nets, client: a source that changes while it is sent never leaves whole", async () => {
  const size = 2_500_000;
  let heard = 0;
  await using scene = await openClient(nets, async (socket) => {
    await socket.recvAll(256);
    await socket.send(T);
    await socket.recvAll(8);
    await scene.write("/b", ascii("x"));
    const file = await scene.disk.open("/a", "write");
    await file.write(ascii("changed"), 7);
    file.close();
    await socket.send(T);
    heard = (await socket.recvToEnd()).length;
  });
  await scene.write("/a", new Uint8Array(size));
  await scene.clock.advance(1000);
  const failed = await scene.run(failure(scene.client.put!("/a", "a")));
  assertEquals(failed.code, "changed");
  await scene.clock.advance(0);
  assert(heard < size, `${heard} bytes came`);
});

Deno.test("nets, client: a signal and close() end what runs", async () => {
  const hold = scripted([{ hear: request("D", "a") }, "hold"]);
  {
    await using scene = await openClient(nets, hold);
    const controller = new AbortController();
    const { signal } = controller;
    const work = failure(scene.client.get!("a", "/a", { signal }));
    await scene.clock.advance(100);
    controller.abort();
    assertEquals((await scene.run(work)).code, "cancelled");
  }
  await using scene = await openClient(nets, hold);
  const work = failure(scene.client.get!("a", "/a"));
  await scene.clock.advance(100);
  await scene.client.close();
  assertEquals((await scene.run(work)).code, "cancelled");
});

Deno.test("nets, client: every cut of an answer is understood", async () => {
  const answer = offer("T", 5);
  for (let at = 1; at < answer.length; at++) {
    await using scene = await openClient(nets, async (socket) => {
      await socket.recvAll(256);
      await socket.send(answer.subarray(0, at));
      await scene.clock.advance(2000);
      await socket.send(answer.subarray(at));
      assertEquals(await socket.recvAll(1), T);
      for (const byte of HELLO) {
        await scene.clock.advance(2000);
        await socket.send(Uint8Array.of(byte));
      }
    });
    await scene.run(scene.client.get!("a", "/a"));
    assertEquals(await scene.read("/a"), HELLO);
  }
});

Deno.test("nets, client: a server that talks during or after an upload breaks the rules", async () => {
  for (const size of [5, 3_000_000]) {
    await using scene = await openClient(nets, async (socket) => {
      await socket.recvAll(256);
      await socket.send(T);
      await socket.recvAll(8);
      await socket.send(T);
      await socket.recvAll(Math.min(size, 100_000));
      await socket.send(ascii("thanks"));
      await socket.recvToEnd();
    });
    await scene.write("/a", new Uint8Array(size));
    const failed = await scene.run(failure(scene.client.put!("/a", "a")));
    assertEquals(failed.code, "protocol");
  }
});

Deno.test("nets, client: a server that never closes has perhaps not got the file", async () => {
  await using scene = await openClient(
    nets,
    scripted([
      { hear: request("U", "b") },
      { say: T },
      { hear: u64(5) },
      { say: T },
      { hear: HELLO },
      "hold",
    ]),
  );
  await scene.write("/a", HELLO);
  const failed = await scene.run(failure(scene.client.put!("/a", "b")));
  assertEquals(failed.code, "connection-lost");
  assert(failed.message.includes("whether it has the file is not known"));
});

Deno.test("nets, client: data that comes before it is asked for is not the file's", async () => {
  await using scene = await openClient(nets, async (socket) => {
    await socket.recvAll(256);
    await socket.send(offer("T", 5));
    await scene.clock.advance(0);
    await socket.send(HELLO);
    await socket.recvToEnd();
  });
  // The client looks at its disk for a while before it answers.
  const { lstat } = scene.disk;
  scene.disk.lstat = async (path) => {
    for (let turn = 0; turn < 5; turn++) await settle();
    return await lstat.call(scene.disk, path);
  };
  const failed = await scene.run(failure(scene.client.get!("a", "/a")));
  assertEquals(failed.code, "protocol");
  assertEquals(await scene.names(), []);
});
