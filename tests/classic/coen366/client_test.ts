import { assert, assertEquals } from "@std/assert";
import { coen366 } from "../../../lib/classic/coen366/mod.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { failure, openClient, scripted } from "../peer_scene.ts";
import {
  changeHeader,
  fileHeader,
  getHeader,
  putHeader,
  serveCoen366,
} from "../peers/coen366.ts";
import { ascii, joined } from "../peers/socket.ts";

const HELLO = ascii("hello");
const DONE = ascii("00000000");
const NOT_FOUND = ascii("01000000");
const REFUSED = ascii("10100000");
const UNKNOWN = ascii("01100000");
const COMMANDS = ascii("11011101Cmds: get put change help bye");

Deno.test("coen366, client: every request, byte by byte, on one connection", async () => {
  await using scene = await openClient(
    coen366,
    scripted([
      { hear: putHeader("b", 5) },
      { hear: HELLO },
      { say: DONE },
      { hear: getHeader("a.txt") },
      { say: joined(fileHeader("a.txt", 5), HELLO) },
      { hear: changeHeader("b", "c") },
      { say: DONE },
      { hear: ascii("01100000") },
      { say: COMMANDS },
      "hold",
    ]),
  );
  await scene.write("/a", HELLO);
  const { client } = scene;
  const put = await scene.run(client.put!("/a", "b"));
  assertEquals([put.path, put.local, put.size], ["b", "/a", 5]);
  assertEquals([put.verified, put.acknowledged], [false, true]);
  assertEquals(put.wireBytes, 41 + 5 + 8);
  const get = await scene.run(client.get!("a.txt", "/back"));
  assertEquals([get.path, get.local, get.size], ["a.txt", "/back", 5]);
  assertEquals([get.verified, get.acknowledged], [false, false]);
  assertEquals(get.wireBytes, 13 + 45 + 5);
  assertEquals(await scene.read("/back"), HELLO);
  await scene.run(client.rename!("b", "c"));
  assertEquals(
    await scene.run(client.help!()),
    "Cmds: get put change help bye",
  );
  assertEquals(scene.network.dialled.length, 1);
});

Deno.test("coen366, client: refusals, and the connection goes on", async () => {
  await using scene = await openClient(
    coen366,
    scripted([
      { hear: getHeader("a") },
      { say: NOT_FOUND },
      { hear: changeHeader("a", "b") },
      { say: NOT_FOUND },
      { hear: changeHeader("a", "b") },
      { say: REFUSED },
      { hear: putHeader("b", 5) },
      { hear: HELLO },
      { say: REFUSED },
      { hear: getHeader("a") },
      { say: UNKNOWN },
      { hear: ascii("01100000") },
      { say: COMMANDS },
      "hold",
    ]),
  );
  await scene.write("/a", HELLO);
  const { client } = scene;
  const code = async (work: Promise<unknown>) =>
    (await scene.run(failure(work))).code;
  assertEquals(await code(client.get!("a", "/b")), "not-found");
  assertEquals(await code(client.rename!("a", "b")), "not-found");
  assertEquals(await code(client.rename!("a", "b")), "exists");
  assertEquals(await code(client.put!("/a", "b")), "exists");
  assertEquals(await code(client.get!("a", "/b")), "unsupported");
  await scene.run(client.help!());
  assertEquals(await code(client.put!("/missing", "b")), "not-found");
  assertEquals(scene.network.dialled.length, 1);
  assertEquals(await scene.names(), ["a"]);
});

Deno.test("coen366, client: a put that is refused early stops, and the next request has a new connection", async () => {
  let heard = 0;
  let count = 0;
  await using scene = await openClient(coen366, async (socket) => {
    if (++count > 1) {
      await socket.recv(8);
      await socket.send(COMMANDS);
      await socket.recvToEnd();
      return;
    }
    await socket.recv(1024);
    await socket.send(REFUSED);
    heard = (await socket.recvToEnd()).length;
  });
  await scene.write("/a", new Uint8Array(5_000_000));
  const failed = await scene.run(failure(scene.client.put!("/a", "b")));
  assertEquals(failed.code, "exists");
  await scene.clock.advance(10);
  assert(heard < 5_000_000, `${heard} bytes were sent`);
  await scene.run(scene.client.help!());
  assertEquals(scene.network.dialled.length, 2);
});

Deno.test("coen366, client: a server that has closed meanwhile is dialled again", async () => {
  await using scene = await openClient(coen366, async (socket) => {
    await socket.recv(8);
    await socket.send(COMMANDS);
  });
  for (let count = 0; count < 3; count++) {
    await scene.run(scene.client.help!());
    await scene.clock.advance(10);
  }
  assertEquals(scene.network.dialled.length, 3);
});

Deno.test("coen366, client: answers that are none", async () => {
  const answers = [
    "garbage!",
    "10000000",
    "11100000",
    "00000001",
    "00100001b" + "0".repeat(32),
    "001" + "00010" + "ab" + "0".repeat(32),
  ];
  for (const answer of answers) {
    await using scene = await openClient(
      coen366,
      scripted([{ hear: getHeader("a") }, { say: ascii(answer) }]),
    );
    const failed = await scene.run(failure(scene.client.get!("a", "/a")));
    assert(
      ["wrong-protocol", "protocol", "connect-failed"].includes(failed.code),
      `${answer}: ${failed.code}`,
    );
    assertEquals(await scene.names(), []);
  }
});

Deno.test("coen366, client: a name from the server is never used", async () => {
  for (const name of ["../a", "/etc/x", "b"]) {
    await using scene = await openClient(
      coen366,
      scripted([
        { hear: getHeader("a") },
        { say: joined(fileHeader(name, 5), HELLO) },
      ]),
    );
    const failed = await scene.run(failure(scene.client.get!("a", "/c")));
    assertEquals(failed.code, "protocol");
    assertEquals(await scene.names(), []);
  }
});

Deno.test("coen366, client: a download that stops anywhere, or does not stop, publishes nothing", async () => {
  const whole = joined(fileHeader("a", 5), HELLO);
  for (let count = 0; count < whole.length; count++) {
    for (const hold of [false, true]) {
      await using scene = await openClient(
        coen366,
        scripted([
          { hear: getHeader("a") },
          ...count === 0 ? [] : [{ say: whole.subarray(0, count) }],
          ...hold ? ["hold"] as const : [],
        ]),
      );
      const failed = await scene.run(failure(scene.client.get!("a", "/a")));
      assert(["connection-lost", "connect-failed"].includes(failed.code));
      assertEquals(await scene.names(), []);
    }
  }
  await using scene = await openClient(
    coen366,
    scripted([{ hear: getHeader("a") }, { say: joined(whole, ascii("!")) }]),
  );
  const failed = await scene.run(failure(scene.client.get!("a", "/a")));
  assertEquals(failed.code, "protocol");
  assertEquals(await scene.names(), []);
});

Deno.test("coen366, client: every cut of an answer is understood", async () => {
  const whole = joined(fileHeader("a", 5), HELLO);
  for (let at = 1; at < whole.length; at++) {
    await using scene = await openClient(coen366, async (socket) => {
      await socket.recv(1024);
      await socket.send(whole.subarray(0, at));
      await scene.clock.advance(500);
      await socket.send(whole.subarray(at));
      await socket.recvToEnd();
    });
    await scene.run(scene.client.get!("a", "/a"));
    assertEquals(await scene.read("/a"), HELLO);
  }
});

Deno.test("coen366, client: what the wire cannot carry is refused here", async () => {
  await using scene = await openClient(coen366, scripted(["hold"]));
  await scene.write("/a", HELLO);
  const { client } = scene;
  const code = async (work: Promise<unknown>) =>
    (await scene.run(failure(work))).code;
  for (const name of ["", "a\nb", "x".repeat(32)]) {
    assertEquals(await code(client.get!(name, "/b")), "bad-name");
    assertEquals(await code(client.put!("/a", name)), "bad-name");
    assertEquals(await code(client.rename!(name, "b")), "bad-name");
  }
  assertEquals(await code(client.rename!("a", "x".repeat(256))), "bad-name");
  const file = await scene.disk.open("/large", "create");
  await file.truncate(2 ** 32);
  file.close();
  assertEquals(await code(client.put!("/large", "b")), "too-large");
});

Deno.test("coen366, client: files of every size, to and from an independent server", async () => {
  const random = new SeededRandom(2);
  const files = new Map<string, Uint8Array>();
  await using scene = await openClient(
    coen366,
    (socket) => serveCoen366(socket, files),
  );
  for (const size of [0, 1, 1023, 1024, 1025, 4095, 4096, 4097, 155_648]) {
    const data = random.bytes(size);
    await scene.write(`/${size}`, data);
    await scene.run(scene.client.put!(`/${size}`, `${size}`));
    assertEquals(files.get(`${size}`), data);
    await scene.run(scene.client.get!(`${size}`, `/back-${size}`));
    assertEquals(await scene.read(`/back-${size}`), data);
  }
  await scene.run(scene.client.rename!("1", "one"));
  assert(files.has("one") && !files.has("1"));
  assertEquals(scene.network.dialled.length, 1);
});

Deno.test("coen366, client: a local name that is taken costs the connection, not the file", async () => {
  const files = new Map([["a", HELLO]]);
  await using scene = await openClient(
    coen366,
    (socket) => serveCoen366(socket, files),
  );
  await scene.write("/a", ascii("old"));
  const failed = await scene.run(failure(scene.client.get!("a", "/a")));
  assertEquals(failed.code, "exists");
  const skipped = await scene.run(
    scene.client.get!("a", "/a", { onConflict: "skip" }),
  );
  assertEquals(skipped.publication, "skipped");
  assertEquals(await scene.read("/a"), ascii("old"));
  await scene.run(scene.client.get!("a", "/a", { onConflict: "overwrite" }));
  assertEquals(await scene.read("/a"), HELLO);
});

Deno.test("coen366, client: bytes that nobody wanted are no answer to the next request", async () => {
  await using scene = await openClient(coen366, async (socket) => {
    const request = await socket.recv(1024);
    await socket.send(
      request.length === 8 ? COMMANDS : joined(fileHeader("a", 5), HELLO),
    );
    await socket.recvToEnd();
  });
  await scene.write("/a", ascii("old"));
  const options = { onConflict: "skip" } as const;
  const { publication } = await scene.run(
    scene.client.get!("a", "/a", options),
  );
  assertEquals(publication, "skipped");
  await scene.run(scene.client.help!());
});

Deno.test("coen366, client: an answer too many is no answer to the next request", async () => {
  let count = 0;
  await using scene = await openClient(coen366, async (socket) => {
    await socket.recv(1024);
    await socket.send(++count === 1 ? joined(DONE, DONE) : REFUSED);
    await socket.recvToEnd();
  });
  await scene.run(scene.client.rename!("a", "b"));
  const failed = await scene.run(failure(scene.client.rename!("b", "c")));
  assertEquals(failed.code, "exists");
  assertEquals(count, 2);
});
