import { assert, assertEquals } from "@std/assert";
import { csci320 } from "../../../lib/classic/csci320/mod.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { failure, openClient, scripted } from "../peer_scene.ts";
import { header, serveCsci320 } from "../peers/csci320.ts";
import { ascii } from "../peers/socket.ts";

const HELLO = ascii("hello");
const BAD_RESPONSE = "Bad server response - was not go ahead!";

Deno.test("csci320, client: an upload, byte by byte", async () => {
  await using scene = await openClient(
    csci320,
    scripted([
      { hear: header("b", 5) },
      { say: ascii("go ahead") },
      { hear: HELLO },
    ]),
  );
  await scene.write("/a", HELLO);
  const receipt = await scene.run(scene.client.put!("/a", "b"));
  assertEquals([receipt.path, receipt.local, receipt.size], ["b", "/a", 5]);
  assertEquals([receipt.verified, receipt.acknowledged], [false, false]);
  assertEquals(receipt.durable, false);
  assertEquals(receipt.wireBytes, 9 + 8 + 5);
  assertEquals(receipt.warnings.length, 1);
  assert(receipt.warnings[0]!.includes("whether the server stored it"));
});

Deno.test("csci320, client: go ahead is understood under every cut", async () => {
  for (let at = 1; at < 8; at++) {
    await using scene = await openClient(
      csci320,
      async (socket) => {
        await socket.recv(1024);
        await socket.send(ascii("go ahead").subarray(0, at));
        await scene.clock.advance(500);
        await socket.send(ascii("go ahead").subarray(at));
        assertEquals(await socket.recvAll(5), HELLO);
      },
    );
    await scene.write("/a", HELLO);
    await scene.run(scene.client.put!("/a", "b"));
  }
});

Deno.test("csci320, client: any other answer fails with the words of the original", async () => {
  const answers = [
    ["refused", "protocol"],
    ["go ahead!", "protocol"],
    ["go aheaD", "protocol"],
    ["GO AHEAD", "protocol"],
    ["no", "protocol"],
    ["go", "connection-lost"],
    ["", "connection-lost"],
  ] as const;
  for (const [answer, code] of answers) {
    await using scene = await openClient(
      csci320,
      scripted([
        { hear: header("b", 5) },
        ...answer === "" ? [] : [{ say: ascii(answer) }],
      ]),
    );
    await scene.write("/a", HELLO);
    assertEquals(
      await scene.run(failure(scene.client.put!("/a", "b"))),
      { code, message: BAD_RESPONSE },
    );
  }
});

Deno.test("csci320, client: a server that says nothing is given up", async () => {
  await using scene = await openClient(
    csci320,
    scripted([{ hear: header("b", 5) }, "hold"]),
  );
  await scene.write("/a", HELLO);
  const failed = await scene.run(failure(scene.client.put!("/a", "b")));
  assertEquals(failed.code, "connect-failed");
});

Deno.test("csci320, client: a reset while it sends is no success", async () => {
  await using scene = await openClient(csci320, async (socket) => {
    await socket.recv(1024);
    await socket.send(ascii("go ahead"));
    await socket.recv(10);
    scene.network.dialled.at(-1)!.server.reset();
  });
  await scene.write("/a", new Uint8Array(300_000));
  const failed = await scene.run(failure(scene.client.put!("/a", "b")));
  assertEquals(failed.code, "connection-lost");
});

Deno.test("csci320, client: a server that does not close is told of", async () => {
  await using scene = await openClient(csci320, async (socket) => {
    await socket.recv(1024);
    await socket.send(ascii("go ahead"));
    await socket.recvToEnd();
    // Neither an answer nor an end, until the client has had enough.
    await scene.clock.advance(40_000);
  });
  await scene.write("/a", HELLO);
  const receipt = await scene.run(scene.client.put!("/a", "b"));
  assertEquals(receipt.warnings.length, 2);
});

Deno.test("csci320, client: names that the wire cannot carry are refused here", async () => {
  await using scene = await openClient(csci320, () => Promise.resolve());
  await scene.write("/a", HELLO);
  for (const name of ["", "a\tb", "x".repeat(1017)]) {
    const failed = await failure(scene.client.put!("/a", name));
    assertEquals(failed.code, "bad-name");
  }
});

Deno.test("csci320, client: files of every size, to an independent server", async () => {
  const random = new SeededRandom(2);
  const files = new Map<string, Uint8Array>();
  await using scene = await openClient(
    csci320,
    (socket) => serveCsci320(socket, files),
  );
  for (const size of [0, 1, 1023, 1024, 1025, 4095, 4096, 4097, 155_648]) {
    const data = random.bytes(size);
    await scene.write(`/${size}`, data);
    await scene.run(scene.client.put!(`/${size}`, `${size}`));
    assertEquals(files.get(`${size}.temp`), data);
  }
});

Deno.test("csci320, client: a server that talks during or after the bytes breaks the rules", async () => {
  for (const size of [5, 3_000_000]) {
    await using scene = await openClient(csci320, async (socket) => {
      await socket.recv(1024);
      await socket.send(ascii("go ahead"));
      await socket.recvAll(Math.min(size, 100_000));
      await socket.send(ascii("thanks"));
      await socket.recvToEnd();
    });
    await scene.write("/a", new Uint8Array(size));
    const failed = await scene.run(failure(scene.client.put!("/a", "b")));
    assertEquals(failed.code, "protocol");
  }
});
